# A second programmer: every pooled number that R can express, computed again from the rows by R's own packages.
#   Rscript crosscheck.R OUT.csv LEVEL ROWS.csv [ROWS.csv ...]
# glmm and glmm-common: lme4::glmer with 100 nodes; glmm.R, base R that looks for every maximum, where those are too few
# or a count is known within limits only. bayes: bayes.R, base R. betabinom: the likelihood by lbeta(), maximised by
# optim(). logit, arcsine, log and ft: metafor::rma on escalc(); crude: Clopper-Pearson; both take the middle of limits.
# metafor stops at 1e-5 in tau2 by default, hence the control lists; its prediction interval is normal under test = "z",
# so intervals are put together here from its mean, standard error and tau2 with t(k - 1).
suppressPackageStartupMessages({ library(metafor); library(lme4) })
args <- commandArgs(trailingOnly = TRUE)
out <- args[1]; level <- as.numeric(args[2]); files <- args[-(1:2)]
z <- qnorm((1 + level) / 2)
tight <- list(threshold = 1e-13, maxiter = 10000, tol = 1e-12)
glmer_control <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), check.conv.singular = "ignore")
found <- list()
quiet <- function(expr) suppressWarnings(suppressMessages(expr))
attempt <- function(expr) tryCatch(quiet(expr), error = function(e) NULL)
put <- function(analysis, subset, group, model, values) {
  found[[length(found) + 1]] <<- data.frame(analysis, subset, group, model, quantity = names(values), value = sprintf("%.17g", unlist(values)))
}

proportions <- function(mean, se, tau2, k, back = plogis, low = mean - z * se, high = mean + z * se, pi_se = se) {
  half <- if (k > 2) qt((1 + level) / 2, k - 1) * sqrt(tau2 + pi_se^2) else NA
  c(estimate = back(mean), ci_low = back(low), ci_high = back(high), pi_low = back(mean - half), pi_high = back(mean + half), se = se, tau2 = tau2)
}
beside <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(beside, "counts.R"))
search <- parse(file.path(beside, "glmm.R"))
integrate_priors <- parse(file.path(beside, "bayes.R"))
# 100 nodes are some per cent off from tau2 = 20 on, and beside a large register glmer may stop at the lower of two maxima.
is_hard <- function(m, d) is.null(m) || VarCorr(m)$study[1] > 5 || max(d$patients) > 30 * median(d$patients)
fit_glmer <- function(d, formula) attempt(glmer(formula, d, binomial, nAGQ = 100, control = glmer_control))

pool_glmm <- function(d, k) {
  m <- if (all(d$from == d$to)) fit_glmer(d, cbind(events, patients - events) ~ 1 + (1 | study))
  found <- list2env(list(rows = d), parent = globalenv())
  if (is_hard(m, d)) { if (is.null(attempt(capture.output(eval(search, found))))) return(NULL) }
  else { found$mean <- fixef(m)[[1]]; found$tau2 <- VarCorr(m)$study[1]; found$se <- sqrt(vcov(m)[1, 1]) }
  tau2 <- found$tau2
  if (all(d$from == d$to)) {
    s <- rowsum(d[c("events", "patients")], d$study) # arms of a study share its proportion
    q <- with(s, 2 * (sum(dbinom(events, patients, events / patients, log = TRUE)) - sum(dbinom(events, patients, sum(events) / sum(patients), log = TRUE))))
    # At tau2 = 0 the information of glmer's joint Hessian is singular: the standard error is that of a common proportion.
    if (tau2 < 1e-8) found$se <- with(d, 1 / sqrt(sum(events) * (1 - sum(events) / sum(patients))))
  } else {
    f <- function(arms) function(eta) log_arms(arms, eta)
    highest <- function(arms) optimize(f(arms), reach(f(arms), 5), maximum = TRUE, tol = 1e-10)$objective
    q <- 2 * (sum(sapply(split(d, d$study), highest)) - highest(d))
  }
  c(proportions(found$mean, found$se, tau2, k), q = q, q_p = pchisq(q, k - 1, lower.tail = FALSE))
}
pool_bayes <- function(d, k) {
  found <- list2env(list(rows = d), parent = globalenv())
  if (is.null(attempt(eval(integrate_priors, found)))) return(NULL)
  replace(found$posterior, c("pi_low", "pi_high"), if (k > 2) found$posterior[c("pi_low", "pi_high")] else NA)
}
measures <- list(logit = list("PLO", plogis), arcsine = list("PAS", function(x) sin(pmin(pmax(x, 0), pi / 2))^2), log = list("PLN", function(x) pmin(exp(x), 1)))
tests <- c(wald = "z", hk = "knha", mhk = "adhoc")
pool_two_stage <- function(d, k, measure, method, suffix) {
  m <- measures[[measure]]
  es <- quiet(if (measure == "arcsine") escalc("PAS", xi = events, ni = patients, data = d) else escalc(m[[1]], xi = events, ni = patients, data = d, add = 1/2, to = "only0"))
  fit <- function(test) attempt(rma(es, method = method, test = test, control = tight))
  if (is.null(fit("z"))) { tight$stepadj <<- 0.5; on.exit(tight$stepadj <<- NULL) }
  r <- fit(tests[[suffix]]); if (is.null(r)) return(NULL)
  c(proportions(r$b[1], r$se, r$tau2, k, m[[2]], r$ci.lb, r$ci.ub), i2 = r$I2, q = r$QE, q_p = r$QEp)
}
pool_betabinom <- function(d) {
  chance <- function(from, to, n, a, b) { y <- from:to; v <- lchoose(n, y) + lbeta(y + a, n - y + b) - lbeta(a, b); max(v) + log(sum(exp(v - max(v)))) }
  nll <- function(t) { s <- exp(t[2]); a <- plogis(t[1]) * s; -sum(mapply(chance, d$from, d$to, d$patients, a, s - a)) }
  best <- NULL
  for (start in c(1, 3, 5)) { o <- attempt(optim(c(qlogis(sum(d$events) / sum(d$patients)), start), nll, method = "BFGS", control = list(reltol = 1e-15, maxit = 2000))); if (!is.null(o) && (is.null(best) || o$value < best$value)) best <- o }
  if (is.null(best)) return(NULL)
  if (best$par[2] <= 11) return(c(estimate = plogis(best$par[1]), tau2 = 1 / (exp(best$par[2]) + 1)))
  c(estimate = plogis(optimize(function(mu) log_arms(d, mu), c(-60, 60), maximum = TRUE, tol = 1e-10)$maximum), tau2 = 0) # no overdispersion: lbeta() breaks down
}
pool_rows <- function(d, analysis, subset, group) {
  k <- length(unique(d$study))
  if (k < 2 || all(d$to == 0) || all(d$from == d$patients)) return(invisible())
  add <- function(model, values) if (!is.null(values)) put(analysis, subset, group, model, values)
  x <- sum(d$events); n <- sum(d$patients)
  add("crude", c(estimate = x / n, ci_low = qbeta((1 - level) / 2, x, n - x + 1), ci_high = qbeta((1 + level) / 2, x + 1, n - x)))
  add("bayes", pool_bayes(d, k))
  v <- pool_glmm(d, k); add("glmm", v)
  if (!is.null(v)) { half <- qt((1 + level) / 2, k - 1) * v[["se"]]; m <- qlogis(v[["estimate"]]); v[["ci_low"]] <- plogis(m - half); v[["ci_high"]] <- plogis(m + half); if ("glmm-t" %in% wanted && subset == "all") add("glmm-t", v) }
  if (nrow(d) > k) return(invisible())
  add("betabinom", pool_betabinom(d))
  for (measure in names(measures)) for (method in c("REML", "DL", "ML", "PM", "HE", "SJ")) for (suffix in names(tests)) {
    name <- paste(c(measure, tolower(method), if (suffix != "wald") suffix), collapse = "-")
    if (name %in% wanted) add(name, pool_two_stage(d, k, measure, method, suffix))
  }
}
# A mean for each level and one tau where counts are known within limits, which glmer takes none of.
fit_within <- function(d, level) {
  d$level <- as.integer(factor(level, unique(level))); parts <- split(d, d$study)
  f <- function(x) -sum(sapply(parts, function(arms) {
    height <- function(u) Reduce(`+`, Map(function(from, to, n, m) log_arm(u + m, from, to, n), arms$from, arms$to, arms$patients, x[arms$level])) + dnorm(u, 0, max(exp(x[length(x)]), 1e-6), log = TRUE)
    ends <- reach(height, 40); u <- seq(ends[1], ends[2], length.out = 401); v <- height(u)
    max(v) + log(sum(exp(v - max(v))) * (u[2] - u[1]))
  }))
  start <- c(qlogis((tapply(d$events, d$level, sum) + 0.5) / (tapply(d$patients, d$level, sum) + 1)), log(0.5))
  o <- attempt(optim(start, f, control = list(reltol = 1e-12, maxit = 5000)))
  if (!is.null(o)) o <- attempt(optim(o$par, f, method = "BFGS", control = list(reltol = 1e-14, maxit = 500)))
  if (!is.null(o)) list(means = o$par[-length(o$par)], loglik = -o$value)
}
compare_within <- function(d, analysis, subset, groups) {
  low <- tapply(d$from, d$group, sum); high <- tapply(d$to, d$group, sum); n <- tapply(d$patients, d$group, sum)
  inner <- d[d$group %in% names(low)[low > 0 & high < n], ]; levels <- unique(inner$group)
  null <- fit_within(d, rep("", nrow(d))); full <- if (nrow(inner) > length(levels)) fit_within(inner, inner$group)
  if (is.null(null) || is.null(full)) return(invisible())
  for (i in seq_along(levels)) put(analysis, subset, levels[i], "glmm-common", c(estimate = plogis(full$means[[i]])))
  lr <- max(0, 2 * (full$loglik - null$loglik))
  put(analysis, subset, "", "glmm-common", c(test = lr, test_p = pchisq(lr, groups - 1, lower.tail = FALSE)))
}
compare_groups <- function(d, analysis, subset) {
  d <- d[!d$group %in% c("mixed", "not reported"), ]
  groups <- length(unique(d$group)); k <- length(unique(d$study))
  if (groups < 2 || nrow(d) <= groups || k < 2 || sum(d$events) %in% c(0, sum(d$patients))) return(invisible())
  if (any(d$from < d$to)) return(compare_within(d, analysis, subset, groups))
  # A group without events, or with nothing but events, has the likelihood 1 at a mean without end: it stands in the null model only.
  y <- tapply(d$events, d$group, sum); n <- tapply(d$patients, d$group, sum)
  inner <- d[d$group %in% names(y)[y > 0 & y < n], ]; inner$level <- factor(inner$group, unique(inner$group))
  saturated <- function(d) with(d, sum(dbinom(events, patients, events / patients, log = TRUE))) # which lme4's log likelihood lacks
  null <- fit_glmer(d, cbind(events, patients - events) ~ 1 + (1 | study))
  each <- nrow(inner) <= nlevels(inner$level) # a study each: their own proportions fit without error
  full <- if (!each) fit_glmer(inner, if (nlevels(inner$level) > 1) cbind(events, patients - events) ~ 0 + level + (1 | study) else cbind(events, patients - events) ~ 1 + (1 | study))
  if (is.null(null) || (is.null(full) && !each)) return(invisible())
  means <- if (each) with(inner[order(inner$level), ], events / patients) else plogis(fixef(full))
  for (i in seq_len(nlevels(inner$level))) put(analysis, subset, levels(inner$level)[i], "glmm-common", c(estimate = means[[i]]))
  own <- saturated(inner) + if (each) 0 else as.numeric(logLik(full))
  lr <- max(0, 2 * (own - as.numeric(logLik(null)) - saturated(d)))
  put(analysis, subset, "", "glmm-common", c(test = lr, test_p = pchisq(lr, groups - 1, lower.tail = FALSE)))
}
wanted <- c("glmm-t", "logit-reml", "logit-reml-hk", "logit-reml-mhk", "logit-dl", "logit-dl-hk", "logit-dl-mhk", "logit-ml", "logit-pm", "logit-he", "logit-sj", "arcsine-reml", "arcsine-reml-hk", "arcsine-reml-mhk", "log-reml", "log-reml-hk")
for (file in files) {
  d <- read.csv(file, stringsAsFactors = FALSE, colClasses = c(group = "character", study = "character"))
  d$from <- ifelse(is.na(d$events), d$events_from, d$events); d$to <- ifelse(is.na(d$events), d$events_to, d$events)
  d$events <- (d$from + d$to) / 2
  analysis <- d$analysis[1]; d <- d[d$use == "yes", ]; d$group[is.na(d$group)] <- ""
  pool_rows(d[d$subset == "all", ], analysis, "all", "")
  for (subset in setdiff(unique(d$subset), "all")) {
    block <- d[d$subset == subset, ]
    for (group in unique(block$group)) pool_rows(block[block$group == group, ], analysis, subset, group)
    compare_groups(block, analysis, subset)
  }
}
write.csv(do.call(rbind, found), out, row.names = FALSE)
v <- sapply(c("metafor", "lme4"), function(p) as.character(packageVersion(p)))
cat(sprintf("R %s, metafor %s, lme4 %s\n", getRversion(), v[["metafor"]], v[["lme4"]]))
