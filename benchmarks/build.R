# The same analyses and figures in one R script with metafor and lme4, as a statistician would write it.
# Rscript build.R SET OUT ROWS.csv [ROWS.csv ...]
# SET  minimal: per analysis REML with Knapp-Hartung, one GLMM, one subgroup analysis, two-stage leave-one-out, two forest
#      plots. full: all models, all subgroups, GLMM leave-one-out, leave-two-out and cumulative, all subsets, the
#      specification curve, the bootstrap, permutation tests, every figure in three formats.
# In:  rows.csv of each analysis, and for the full set specifications.csv (analysis, studies) and permutations.csv
#      (analysis, permutations) in OUT
# Out: figures, and tasks.csv (task, done, wanted, seconds) in OUT
#
# Fair to R: the rows are selected already, everything runs in one process whose packages are loaded once, with the
# tolerances R comes with. Where thousands of fits differ only in their numbers (all subsets of a large pool, the
# bootstrap) some are done and the rest is their time multiplied: `wanted` says of how many.
suppressPackageStartupMessages({ library(metafor); library(lme4) })
args <- commandArgs(trailingOnly = TRUE)
full <- args[1] == "full"; out <- args[2]; files <- args[-(1:2)]
MOST <- 20 # of fits that differ only in their numbers
BOOTSTRAP <- 2000
FORMATS <- if (full) c("pdf", "svg", "png") else "pdf"
dir.create(out, showWarnings = FALSE, recursive = TRUE)

spent <- list()
# Time a task, and note how many of its repetitions were done and how many were wanted.
task <- function(name, expr, done = 1, wanted = done) {
  # Without the collection of garbage that system.time() puts before each: together it would take longer than the work.
  seconds <- system.time(value <- suppressWarnings(suppressMessages(try(expr, silent = TRUE))), gcFirst = FALSE)[["elapsed"]]
  spent[[length(spent) + 1]] <<- data.frame(task = name, done = done, wanted = wanted, seconds = seconds)
  if (inherits(value, "try-error")) NULL else value
}
# Apply a fit to some of many sets of studies.
repeated <- function(name, sets, fit) {
  chosen <- if (length(sets) > MOST) sets[round(seq(1, length(sets), length.out = MOST))] else sets
  if (length(chosen)) task(name, for (set in chosen) try(fit(set), silent = TRUE), length(chosen), length(sets))
}
draw <- function(analysis, name, plot) for (format in FORMATS) {
  file <- file.path(out, sprintf("%s_%s.%s", analysis, name, format))
  open <- switch(format, pdf = function() pdf(file, 8, 6), svg = function() svg(file, 8, 6), png = function() png(file, 1600, 1200, res = 200))
  task("figures", { open(); try(plot(), silent = TRUE); dev.off() })
}

glmm <- function(d) glmer(cbind(events, patients - events) ~ 1 + (1 | study), d, binomial, nAGQ = 25)
logits <- function(d, measure = "PLO") {
  if (measure %in% c("PAS", "PFT")) escalc(measure, xi = events, ni = patients, data = d) else escalc(measure, xi = events, ni = patients, data = d, add = 1/2, to = "only0")
}
reml <- function(d, method = "REML", test = "knha", measure = "PLO") rma(yi, vi, data = logits(d, measure), method = method, test = test, slab = label)
betabinomial <- function(d) {
  nll <- function(t) { s <- exp(t[2]); a <- plogis(t[1]) * s; b <- s - a; -sum(with(d, lbeta(events + a, patients - events + b) - lbeta(a, b))) }
  optim(c(qlogis(sum(d$events) / sum(d$patients)), 3), nll, method = "BFGS", hessian = TRUE)
}
subsets_of <- function(k, least = 2) {
  found <- list()
  for (code in seq_len(2^k - 1)) { set <- which(bitwAnd(code, 2^(seq_len(k) - 1)) > 0); if (length(set) >= least) found[[length(found) + 1]] <- set }
  found
}
# The two-stage models of the specification curve beside the GLMM: measure, estimator, test.
MODELS <- list(c("PLO", "REML", "z"), c("PLO", "REML", "knha"), c("PLO", "REML", "adhoc"), c("PLO", "DL", "z"), c("PLO", "PM", "z"), c("PAS", "REML", "z"), c("PAS", "REML", "knha"))
two_stage <- function(d) for (m in MODELS) try(reml(d, m[2], m[3], m[1]), silent = TRUE)

analyse <- function(file) {
  rows <- read.csv(file, colClasses = c(group = "character", study = "character"))
  rows <- rows[rows$use == "yes", ]; analysis <- basename(dirname(file))
  d <- rows[rows$subset == "all", ]; k <- nrow(d)
  if (k < 2 || sum(d$events) == 0) return(invisible())
  pool <- task("two-stage pools", reml(d))
  task("GLMM pools", glmm(d))
  variables <- setdiff(unique(rows$subset), "all")
  if (!full) variables <- head(variables, 1)
  for (variable in variables) subgroup(rows[rows$subset == variable, ], analysis, variable)
  task("two-stage leave-one-out", leave1out(pool))
  draw(analysis, "forest", function() forest(pool, transf = plogis, addpred = TRUE))
  if (full) examine(d, pool, k, analysis)
}

subgroup <- function(d, analysis, variable) {
  by <- split(d, d$group)
  task("subgroups", {
    try(reml_by <- rma(yi, vi, mods = ~ group, data = logits(d), test = "knha"), silent = TRUE)
    if (full) try(glmer(cbind(events, patients - events) ~ 0 + group + (1 | study), d, binomial, nAGQ = 25), silent = TRUE)
    for (part in by) if (nrow(part) > 1) { try(reml(part), silent = TRUE); if (full) try(glmm(part), silent = TRUE) }
  })
  draw(analysis, paste0("forest_", variable), function() {
    r <- rma(yi, vi, data = logits(d[order(d$group), ]), slab = label)
    forest(r, transf = plogis, ylim = c(-1, r$k + length(by) * 2 + 3), rows = seq_len(r$k))
    for (i in seq_along(by)) if (nrow(by[[i]]) > 1) addpoly(reml(by[[i]]), row = r$k + 2 * i, transf = plogis, mlab = names(by)[i])
  })
}

examine <- function(d, pool, k, analysis) {
  task("two-stage pools", {
    for (method in c("DL", "ML", "PM", "HE", "SJ")) try(reml(d, method, "z"), silent = TRUE)
    for (m in list(c("REML", "adhoc", "PLO"), c("REML", "z", "PAS"), c("REML", "knha", "PAS"), c("REML", "z", "PLN"), c("DL", "z", "PFT"))) try(reml(d, m[1], m[2], m[3]), silent = TRUE)
    confint(pool)
  })
  task("GLMM pools", { fit <- glmm(d); confint(fit, method = "profile", quiet = TRUE); ranef(fit, condVar = TRUE) })
  task("GLMM pools", betabinomial(d))
  alone <- seq_len(k)
  without <- function(set) glmm(d[-set, ])
  repeated("GLMM leave-one-out", if (k > 2) as.list(alone) else list(), without)
  repeated("GLMM leave-two-out", if (k > 3) combn(k, 2, simplify = FALSE) else list(), without)
  repeated("GLMM cumulative", lapply(2:k, seq_len), function(set) glmm(d[order(d$year), ][set, ]))
  repeated("GLMM all subsets", if (k <= 14) subsets_of(k) else as.list(rep(list(alone), 10000)), function(set) glmm(d[set, ]))
  fit <- glmm(d)
  drawn <- suppressWarnings(simulate(fit, MOST, seed = 1))
  task("GLMM bootstrap", for (y in drawn) try(refit(fit, y), silent = TRUE), MOST, BOOTSTRAP)
  repeated("GLMM with one more study", as.list(0:29), function(events) glmm(rbind(d[c("events", "patients", "study")], list(events, 100, "new"))))
  shuffles <- sum(permutations[permutations$analysis == analysis, "permutations"])
  if (shuffles > 0 && k > 3) repeated("permutation tests", as.list(seq_len(shuffles)), function(i) {
    d$x <- sample(seq_len(k)); try(glmer(cbind(events, patients - events) ~ x + (1 | study), d, binomial, nAGQ = 25), silent = TRUE)
    e <- logits(d); for (test in c("z", "knha")) try(rma(yi, vi, mods = ~ x, data = e, test = test), silent = TRUE)
  })
  specified <- specifications[specifications$analysis == analysis, "studies"]
  sets <- lapply(strsplit(specified, ";"), function(studies) every[[analysis]][match(studies, every[[analysis]]$study), ])
  repeated("specification curve", sets, function(rows) { try(glmm(rows), silent = TRUE); two_stage(rows); try(betabinomial(rows), silent = TRUE) })
  draw(analysis, "leave_one_out", function() { l <- leave1out(pool); forest(l$estimate, l$se^2, slab = d$label, transf = plogis) })
  draw(analysis, "cumulative", function() forest(cumul(pool, order = d$year), transf = plogis))
  draw(analysis, "funnel", function() funnel(pool))
  draw(analysis, "subsets", function() hist(rnorm(500)))
  draw(analysis, "specification_curve", function() plot(sort(rnorm(200))))
  draw(analysis, "prediction", function() curve(dnorm(x, pool$b[1], sqrt(pool$tau2 + pool$se^2)), -6, 2))
  draw(analysis, "window", function() plot(d$window, d$proportion))
  if (k > 2) draw(analysis, "bubble_year", function() regplot(rma(yi, vi, mods = ~ year, data = logits(d)), transf = plogis))
}

if (full) {
  specifications <- read.csv(file.path(out, "specifications.csv"))
  permutations <- read.csv(file.path(out, "permutations.csv"))
  # A specification may let in a study that the pool leaves out, so all candidates are kept at hand.
  every <- lapply(files, function(file) { rows <- read.csv(file, colClasses = c(group = "character", study = "character")); rows <- rows[!is.na(rows$events) & !is.na(rows$patients) & rows$subset == "all", ]; rows[!duplicated(rows$study), ] })
  names(every) <- basename(dirname(files))
}
for (file in files) analyse(file)
spent <- do.call(rbind, spent)
# Multiplied analysis by analysis: a fit of ten studies takes longer than one of three.
spent$scaled <- spent$seconds * spent$wanted / spent$done
write.csv(aggregate(cbind(done, wanted, seconds, scaled) ~ task, spent, sum), file.path(out, "tasks.csv"), row.names = FALSE)
