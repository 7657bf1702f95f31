# Small sets that other software, or an earlier version of this one, got wrong or printed without a word.
#   Rscript tests/golden/hard.R          writes tests/golden/hard.csv
# or_narrow: counts of github.com/wviechtb/metafor/issues/45; near_bounds: limits below 0 (forum.cogsci.nl 9764);
# q_p_zero: a P value printed as 0 (github.com/guido-s/meta/issues/10); subgroups: github.com/guido-s/meta/issues/2.
suppressPackageStartupMessages({ library(metafor); library(lme4) })
tight <- list(threshold = 1e-13, maxiter = 10000, tol = 1e-13)
control <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e6),
  check.conv.singular = "ignore", check.conv.grad = "ignore", check.conv.hess = "ignore")
found <- list()
put <- function(set, model, values, call) found[[length(found) + 1]] <<- data.frame(set, model, quantity = names(values), value = sprintf("%.12g", values), call)
data <- function(name) read.csv(file.path("tests/golden/hard", paste0(name, ".csv")))

d <- data("or_narrow")
es <- escalc("OR", ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d)
for (test in c("z", "knha", "adhoc")) {
  r <- rma(es, method = "REML", test = test, control = tight)
  put("or_narrow", paste0("reml-", test), c(estimate = exp(r$b[[1]]), ci_low = exp(r$ci.lb), ci_high = exp(r$ci.ub), p = r$pval, q = r$QE),
    sprintf('rma(escalc("OR",...),method="REML",test="%s")', test))
}
r <- rma.mh(measure = "OR", ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d)
put("or_narrow", "mh", c(estimate = exp(as.numeric(r$b)), ci_low = exp(r$ci.lb), ci_high = exp(r$ci.ub)), 'rma.mh(measure="OR",...)')

d <- data("near_bounds"); back <- function(x) transf.iarcsin(pmin(pmax(x, 0), pi / 2))
r <- rma(escalc("PAS", xi = events, ni = patients, data = d), method = "REML", control = tight)
put("near_bounds", "arcsine-reml", c(estimate = back(r$b[1]), ci_low = back(r$ci.lb), ci_high = back(r$ci.ub)), 'rma(escalc("PAS",...),method="REML")')
p <- predict(rma(escalc("PFT", xi = events, ni = patients, data = d), method = "DL"), transf = transf.ipft.hm, targs = list(ni = d$patients))
put("near_bounds", "ft-dl", c(estimate = p$pred, ci_low = p$ci.lb, ci_high = p$ci.ub), 'predict(rma(escalc("PFT",...),method="DL"),transf=transf.ipft.hm)')

glmm <- function(d) glmer(cbind(events, patients - events) ~ 1 + (1 | study), d, binomial, nAGQ = 100, control = control)
# glmer's standard error is off by 1e-4 on 100,000 patients a study: the integral over the logit on a fine grid instead.
d <- data("q_p_zero")
loglik <- function(t) sum(mapply(function(y, n) {
  u <- qlogis(y / n) + seq(-12, 12, length.out = 4001) / sqrt(y * (1 - y / n))
  f <- dbinom(y, n, plogis(u), log = TRUE) + dnorm(u, t[1], exp(t[2]), log = TRUE)
  max(f) + log(sum(exp(f - max(f))) * (u[2] - u[1]))
}, d$events, d$patients))
o <- optim(c(fixef(glmm(d))[[1]], 0.5), loglik, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 1000))
b <- o$par[1]; se <- sqrt(solve(-optimHess(o$par, loglik, control = list(ndeps = c(1e-3, 1e-3))))[1, 1])
put("q_p_zero", "glmm", c(estimate = plogis(b), ci_low = plogis(b - qnorm(.975) * se), ci_high = plogis(b + qnorm(.975) * se)),
  "optim(loglik), optimHess(loglik): sum of logs of the integral of dbinom*dnorm over the logit")

d <- data("subgroups"); d$group <- factor(d$group)
full <- glmer(cbind(events, patients - events) ~ 0 + group + (1 | study), d, binomial, nAGQ = 100, control = control)
lr <- 2 * as.numeric(logLik(full) - logLik(glmm(d)))
put("subgroups", "glmm-common", c(setNames(plogis(fixef(full)), levels(d$group)), test = lr, test_p = pchisq(lr, 2, lower.tail = FALSE)),
  "glmer(.~0+group+(1|study),nAGQ=100) against glmer(.~1+(1|study),nAGQ=100)")
each <- lapply(split(d, d$group), glmm)
b <- sapply(each, function(m) fixef(m)[[1]]); w <- sapply(each, function(m) 1 / vcov(m)[1, 1])
q <- sum(w * (b - sum(w * b) / sum(w))^2)
put("subgroups", "glmm", c(setNames(plogis(b), names(each)), test = q, test_p = pchisq(q, 2, lower.tail = FALSE)), "glmer for each group; sum(w*(b-weighted.mean(b,w))^2), w=1/se^2")
found <- do.call(rbind, found)
found$software <- paste0("R ", getRversion(), ", metafor ", packageVersion("metafor"), ", lme4 ", packageVersion("lme4"))
write.csv(found, "tests/golden/hard.csv", row.names = FALSE)
