# Regenerates reference_regression.csv: meta-regression of proportions on one property of the studies.
# Run from the repository root, with the packages of reference.R:
#   Rscript tests/golden/regression.R data      writes tests/golden/regression/*.csv from metadat
#   Rscript tests/golden/regression.R           writes the reference numbers (a minute or two on two cores)
todo <- commandArgs(trailingOnly = TRUE)
golden_parts <- "none"
source("tests/golden/reference.R")           # glmm_fit and the exact likelihood, ctl, glmerctl, collector, attempt
folder <- file.path(root, "regression")

if ("data" %in% todo) {
  library(metadat)
  dir.create(folder, showWarnings = FALSE)
  sources <- NULL
  help <- tools::Rd_db("metadat")
  cite <- function(dataset) {                # the source section of a help page, on one line
    page <- help[[paste0(dataset, ".Rd")]]
    source <- page[[match("\\source", sapply(page, attr, "Rd_tag"))]]
    text <- gsub("_\b", "", capture.output(tools::Rd2txt(source, fragment = TRUE)))
    trimws(gsub("[*_]([^*_]+)[*_]", "\\1", gsub(" +", " ", paste(trimws(text), collapse = " "))))
  }
  put <- function(name, study, events, patients, moderator, dataset, notes) {
    d <- data.frame(study = as.character(study), events, patients, moderator)
    write.csv(d[complete.cases(d), ], file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = c(1, if (is.character(moderator)) 4))
    sources <<- rbind(sources, data.frame(name, dataset, package = "metadat", version = as.character(packageVersion("metadat")), citation = cite(dataset), notes))
  }
  b <- dat.bcg; id <- paste(b$author, b$year)
  put("bcg_vaccinated_ablat", id, b$tpos, b$tpos + b$tneg, b$ablat, "dat.bcg", "vaccinated arm; moderator=ablat, absolute latitude in degrees")
  put("bcg_control_ablat", id, b$cpos, b$cpos + b$cneg, b$ablat, "dat.bcg", "control arm; moderator=ablat")
  put("bcg_first5_ablat", id[1:5], b$tpos[1:5], (b$tpos + b$tneg)[1:5], b$ablat[1:5], "dat.bcg", "vaccinated arm, first five trials; small enough for every permutation")
  i <- unlist(lapply(c("random", "alternate", "systematic"), function(a) which(b$alloc == a)[1:2]))
  put("bcg_six_alloc", id[i], b$tpos[i], (b$tpos + b$tneg)[i], as.character(b$alloc[i]), "dat.bcg", "vaccinated arm, the first two trials of each way of allocation; moderator=alloc, a factor")
  d <- dat.debruin2009; put("debruin2009_scq", d$author, d$xi, d$ni, d$scq, "dat.debruin2009", "moderator=scq, quality of standard care")
  d <- dat.dorn2007; put("dorn2007_placebo_days", paste(d$study, d$year), d$x.p, d$n.p, d$days, "dat.dorn2007", "placebo arm; moderator=days of treatment")
  d <- dat.li2007; id <- paste(d$study, d$year)
  put("li2007_magnesium_year", id, d$ai, d$n1i, d$year, "dat.li2007", "magnesium arm; moderator=year of publication")
  put("li2007_first6_year", id[1:6], d$ai[1:6], d$n1i[1:6], d$year[1:6], "dat.li2007", "magnesium arm, first six trials: few events, tied years")
  put("li2007_late5_year", id[16:20], d$ai[16:20], d$n1i[16:20], d$year[16:20], "dat.li2007", "magnesium arm, trials 16 to 20: one without events, tied years")
  d <- dat.lee2004; put("lee2004_treated_year", paste(d$study, d$year), d$ai, d$n1i, d$year, "dat.lee2004", "treated arm; moderator=year of publication")
  d <- dat.obrien2003; put("obrien2003_bmi", paste(d$author, d$year), d$cases, d$total, d$bmi, "dat.obrien2003", "groups of body mass index; rows of one study share its effect")
  write.csv(sources, file.path(folder, "sources.csv"), row.names = FALSE)
  quit(save = "no")
}

exact_loglik <- function(d, X) glmm_fit(make_problem(d$events, d$patients, X, d$study))$ll
# every distinct order of a vector
orders <- function(x) {
  if (length(x) == 1) return(list(x))
  unlist(lapply(unique(x), function(v) { rest <- x[-match(v, x)]; lapply(orders(rest), function(o) c(v, o)) }), recursive = FALSE)
}

do_regression <- function(name) {
  d <- read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = FALSE)
  C <- collector(name); add <- C$add
  factor <- is.character(d$moderator); k <- nrow(d); single <- !any(duplicated(d$study))
  centre <- if (factor) 0 else mean(d$moderator); scale <- if (factor) 1 else sd(d$moderator)
  design <- function(x) if (factor) model.matrix(~ x) else cbind(1, (x - centre) / scale)
  X <- design(d$moderator); m <- ncol(X) - 1
  ## exact likelihood
  P1 <- make_problem(d$events, d$patients, X, d$study); P0 <- make_problem(d$events, d$patients, study = d$study)
  f1 <- glmm_fit(P1); f0 <- glmm_fit(P0); M <- "glmm-exact"
  V <- f1$V[seq_len(m + 1), seq_len(m + 1)]; b <- f1$beta
  note <- if (f1$boundary) "maximum at tau2 = 0" else sprintf("largest gradient %.0e; integrate() differs by %.0e", f1$grad, abs(f1$ll - glmm_ll_integrate(c(f1$beta, f1$tau), P1)))
  add(M, "loglik", f1$ll, "glmm_fit(make_problem(d$events,d$patients,X,d$study)), X=cbind(1,(moderator-mean)/sd) or model.matrix(~moderator)", note)
  add(M, "tau2", f1$tau^2); add(M, "tau2_without", f0$tau^2, "glmm_fit without covariates"); add(M, "loglik_without", f0$ll)
  add(M, "r2", if (f0$tau > 0) max(0, 100 * (f0$tau^2 - f1$tau^2) / f0$tau^2) else NA, "100*(tau2_without-tau2)/tau2_without, at least 0")
  lr <- 2 * (f1$ll - f0$ll); add(M, "lr", lr); add(M, "lr_p", pchisq(lr, m, lower.tail = FALSE))
  w <- as.vector(t(b[-1]) %*% solve(V[-1, -1, drop = FALSE], b[-1])); add(M, "wald", w, "b'V^-1 b"); add(M, "wald_p", pchisq(w, m, lower.tail = FALSE))
  if (m == 1) {
    s <- b[2] / scale; se <- sqrt(V[2, 2]) / scale
    add(M, "slope", s); add(M, "se", se); add(M, "ci_low", s - z975 * se); add(M, "ci_high", s + z975 * se)
    add(M, "intercept", b[1], "log odds at the mean of the moderator"); add(M, "intercept_se", sqrt(V[1, 1])); add(M, "covariance", V[1, 2] / scale)
  }
  ## lme4
  d$x <- if (factor) d$moderator else (d$moderator - centre) / scale
  r1 <- attempt(glmer(cbind(events, patients - events) ~ x + (1 | study), data = d, family = binomial, nAGQ = 25, control = glmerctl))
  r0 <- attempt(glmer(cbind(events, patients - events) ~ 1 + (1 | study), data = d, family = binomial, nAGQ = 25, control = glmerctl))
  M <- "glmm-lme4"; ok <- r1$ok && r0$ok; get <- function(v) if (ok) v else NA
  add(M, "lr", get(2 * (c(logLik(r1$v)) - c(logLik(r0$v)))), "glmer(cbind(events,patients-events)~x+(1|study),d,binomial,nAGQ=25,control=glmerctl) against ~1", r1$note)
  add(M, "tau2", get(VarCorr(r1$v)$study[1]))
  if (m == 1) { add(M, "slope", get(fixef(r1$v)[2] / scale)); add(M, "se", get(sqrt(vcov(r1$v)[2, 2]) / scale)) }
  ## two-stage
  small <- k <= 6
  if (single) for (te in c("z", "knha")) {
    PLO <- escalc("PLO", xi = events, ni = patients, data = d, add = 1/2, to = "only0")
    r <- fit_rma(PLO, "REML", te, mods = ~ x); x <- r$v; M <- paste("rma-PLO-mods-REML", te, sep = "-")
    add(M, "tau2", x$tau2, sprintf("rma(yi,vi,mods=~x,data=PLO,method='REML',test='%s',control=ctl)", te), r$note)
    add(M, "tau2_without", fit_rma(PLO, "REML", te)$v$tau2); add(M, "r2", x$R2, "metafor prints 0 where tau2_without is 0")
    add(M, "wald", x$QM, "QM: chi2 under z, F under knha"); add(M, "wald_p", x$QMp)
    if (m == 1) {
      add(M, "slope", x$beta[2] / scale); add(M, "se", x$se[2] / scale); add(M, "ci_low", x$ci.lb[2] / scale); add(M, "ci_high", x$ci.ub[2] / scale)
      add(M, "intercept", x$beta[1]); add(M, "intercept_se", x$se[1]); add(M, "covariance", vcov(x)[1, 2] / scale)
    }
    if (small) {
      p <- attempt(permutest(x, exact = TRUE, progbar = FALSE))
      add(M, "permutation_p", if (m == 1) p$v$pval[2] else p$v$QMp, "permutest(.,exact=TRUE)", p$note); add(M, "permutations", p$v$exact.iter)
    }
  }
  ## permutation of the likelihood ratio: every distinct order of the moderator
  if (small && single) {
    o <- orders(d$moderator); l <- sapply(o, function(v) exact_loglik(d, design(v)))
    M <- "glmm-permutation"
    add(M, "permutation_p", mean(l >= f1$ll - 1e-7), "every distinct order of the moderator; share with a log likelihood at least the observed one's")
    add(M, "permutations", length(o)); add(M, "largest_lr", 2 * (max(l) - f0$ll)); add(M, "mean_lr", 2 * (mean(l) - f0$ll))
    add(M, "nearest", min(abs(l - f1$ll)[abs(l - f1$ll) > 1e-7]), "how far the log likelihood nearest to the observed one is: no tie is in doubt")
  }
  C$get()
}
names_of <- sub("\\.csv$", "", setdiff(list.files(folder, "\\.csv$"), "sources.csv"))
out <- mclapply(names_of, do_regression, mc.cores = cores, mc.preschedule = FALSE)
for (i in seq_along(out)) if (inherits(out[[i]], "try-error")) stop(names_of[i], ": ", out[[i]])
write_rows(out, "reference_regression.csv")
