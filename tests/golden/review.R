# Reference numbers for the review's own data.
# Run from the repository root, after a build:   Rscript tests/golden/review.R
# Reads results/<analysis>/rows.csv, pools its used rows in R, and writes reference_review.csv with the rows inside, so
# that the reference stays true when sheets change. Models: glmm (exact likelihood of reference.R; lme4 beside it),
# logit-reml and logit-reml-hk (metafor), crude (binom.test), glmm-common (exact likelihood, group means, shared study
# effect).
golden_parts <- "none"
source("tests/golden/reference.R")

out <- list()
put <- function(d, analysis, subset, group, model, quantity, value, call) {
  rows <- paste(sprintf("%s:%d/%d:%s", d$study, d$events, d$patients, d$group), collapse = ";")
  out[[length(out) + 1]] <<- data.frame(analysis, subset, group, model, quantity, value = num(value), rows, call)
}
pool_rows <- function(d, analysis, subset, group) {
  add <- function(model, quantity, value, call) put(d, analysis, subset, group, model, quantity, value, call)
  y <- d$events; n <- d$patients; k <- length(unique(d$study))
  if (k < 2 || sum(y) == 0 || sum(y) == sum(n)) return(invisible())
  b <- binom.test(sum(y), sum(n))
  for (q in list(c("estimate", b$estimate), c("ci_low", b$conf.int[1]), c("ci_high", b$conf.int[2])))
    add("crude", q[1], as.numeric(q[2]), "binom.test(sum(events),sum(patients))")
  P <- make_problem(y, n, study = d$study); f <- glmm_fit(P); mu <- f$beta; se <- sqrt(f$V[1, 1]); tau2 <- f$tau^2
  h <- if (k > 2) qt(.975, k - 1) * sqrt(tau2 + se^2) else NA
  v <- c(estimate = plogis(mu), ci_low = plogis(mu - z975 * se), ci_high = plogis(mu + z975 * se), se = se, tau2 = tau2,
         tau2_low = profile_tau2(f, P, -1), tau2_high = profile_tau2(f, P, 1), pi_low = plogis(mu - h), pi_high = plogis(mu + h))
  for (q in names(v)) add("glmm", q, v[[q]], "glmm_fit(make_problem(events,patients,study=study))")
  m <- suppressMessages(glmer(cbind(events, patients - events) ~ 1 + (1 | study), d, binomial, nAGQ = 25, control = glmerctl))
  add("glmm-lme4", "estimate", plogis(fixef(m)), "glmer(cbind(events,patients-events)~1+(1|study),d,binomial,nAGQ=25)")
  add("glmm-lme4", "tau2", VarCorr(m)$study[1], "VarCorr(.)$study[1]")
  if (nrow(d) > k) return(invisible())
  es <- escalc("PLO", xi = events, ni = patients, data = d, add = 1/2, to = "only0")
  for (test in c("z", "knha")) {
    r <- fit_rma(es, "REML", test); if (!r$ok) next
    x <- r$v; name <- if (test == "z") "logit-reml" else "logit-reml-hk"
    cl <- sprintf("rma(escalc('PLO',xi=events,ni=patients,add=1/2,to='only0'),method='REML',test='%s',control=list(threshold=1e-13,maxiter=10000))", test)
    v <- c(estimate = plogis(x$b[1]), ci_low = plogis(x$ci.lb), ci_high = plogis(x$ci.ub), se = x$se, tau2 = x$tau2, i2 = x$I2, q = x$QE, q_p = x$QEp)
    for (q in names(v)) add(name, q, v[[q]], cl)
  }
}
for (file in Sys.glob("results/*/rows.csv")) {
  all <- read.csv(file, stringsAsFactors = FALSE, colClasses = c(group = "character"))
  all <- all[all$use == "yes", ]; analysis <- basename(dirname(file))
  pool_rows(all[all$subset == "all", ], analysis, "all", "")
  for (subset in setdiff(unique(all$subset), "all")) {
    block <- all[all$subset == subset, ]
    for (group in unique(block$group)) pool_rows(block[block$group == group, ], analysis, subset, group)
    d <- block[!block$group %in% c("mixed", "not reported"), ]
    sums <- tapply(d$events, d$group, sum); d <- d[d$group %in% names(sums)[sums > 0 & sums < tapply(d$patients, d$group, sum)], ]
    lev <- unique(d$group); if (length(lev) < 2 || nrow(d) <= length(lev)) next # one study a group: no test
    X <- outer(d$group, lev, `==`) * 1
    f1 <- glmm_fit(make_problem(d$events, d$patients, X, d$study)); f0 <- glmm_fit(make_problem(d$events, d$patients, study = d$study))
    for (j in seq_along(lev)) put(d, analysis, subset, lev[j], "glmm-common", "estimate", plogis(f1$beta[j]), "glmm_fit(make_problem(events,patients,~0+group,study))")
    l <- max(0, 2 * (f1$ll - f0$ll))
    put(d, analysis, subset, "", "glmm-common", "test", l, "2*(loglik(groups)-loglik(one mean))")
    put(d, analysis, subset, "", "glmm-common", "test_p", pchisq(l, length(lev) - 1, lower.tail = FALSE), "pchisq(test,groups-1,lower.tail=FALSE)")
  }
}
d <- do.call(rbind, out)
write.csv(d, "tests/golden/reference_review.csv", row.names = FALSE, quote = TRUE)
cat("reference_review.csv", nrow(d), "rows\n")
