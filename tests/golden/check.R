# Independent checks of the reference numbers; run from the repository root after
# reference.R:   Rscript tests/golden/check.R
# Prints one line per problem found and "checks done" at the end.
golden_parts <- "none"
source("tests/golden/reference.R")
R <- read.csv(file.path(root, "reference_proportions.csv"), colClasses = "character")
val <- setNames(suppressWarnings(as.numeric(R$value)), paste(R$dataset, R$model, R$quantity))
get <- function(n, m, q) unname(val[paste(n, m, q)])
bad <- function(...) cat("PROBLEM", ..., "\n")

for (n in names_in("datasets")) {
  d <- read.csv(file.path(root, "datasets", paste0(n, ".csv"))); k <- nrow(d)
  if (k < 2) next
  ## two-stage: REML and ML by a global grid search, PM, EB and the Q-profile by bisection
  E <- escalc4(d)
  for (m in names(E)) {
    y <- E[[m]]$yi; v <- E[[m]]$vi
    ll <- function(t, reml) { w <- 1 / (v + t); mu <- sum(w * y) / sum(w); -.5 * sum(log(v + t)) - .5 * sum(w * (y - mu)^2) - if (reml) .5 * log(sum(w)) else 0 }
    Q <- function(t) { w <- 1 / (v + t); mu <- sum(w * y) / sum(w); sum(w * (y - mu)^2) }
    for (reml in c(TRUE, FALSE)) {
      g <- c(0, exp(seq(log(min(v) * 1e-4), log(max(var(y) * 20, 1e-3)), length = 400))); l <- sapply(g, ll, reml = reml); i <- which.max(l)
      t <- 0
      if (i > 1) { o <- optimize(ll, c(g[i - 1], g[min(length(g), i + 1)]), reml = reml, maximum = TRUE, tol = 1e-14); if (o$objective > l[1] + 1e-12) t <- o$maximum }
      x <- get(n, sprintf("rma-%s-%s-z", m, if (reml) "REML" else "ML"), "tau2")
      if (!(abs(t - x) <= 1e-6 * (t + 1e-3))) bad(n, m, reml, t, x)
    }
    pm <- if (Q(0) <= k - 1) 0 else uniroot(function(t) Q(t) - (k - 1), c(0, 1e3), tol = 1e-15)$root
    for (me in c("PM", "EB")) { x <- get(n, sprintf("rma-%s-%s-z", m, me), "tau2"); if (!(abs(pm - x) <= 1e-8 * (pm + 1e-4))) bad(n, m, me, pm, x) }
    b <- sapply(qchisq(c(.975, .025), k - 1), function(cr) if (Q(0) < cr) 0 else uniroot(function(t) Q(t) - cr, c(0, 1e5), tol = 1e-15, maxiter = 1e4)$root)
    x <- c(get(n, sprintf("rma-%s-DL-z", m), "tau2_ci_low"), get(n, sprintf("rma-%s-DL-z", m), "tau2_ci_high"))
    if (!all(abs(x - b) <= 1e-7 * (b + 1e-6))) bad(n, m, "QP", b, x)
  }
  ## exact GLMM: no better point on a grid; profile ends by brute force; integrate() at the far end
  if (is.na(get(n, "glmm-exact", "mu")) || k > 60) next
  P <- make_problem(d$events, d$patients); g <- function(q) get(n, "glmm-exact", q); L <- g("loglik")
  top <- max(outer(seq(g("mu") - 3, g("mu") + 3, length = 25), 10^seq(-2, 1, length = 16), Vectorize(function(m, t) glmm_ll(c(m, t), P))))
  if (top > L + 1e-9) bad(n, "a better point exists", top - L)
  pt <- function(mu) { f <- function(t) glmm_ll(c(mu, t), P); s <- c(0, 10^seq(-2, 2, length = 41)); l <- sapply(s, f); i <- which.max(l); max(l[i], optimize(f, c(s[max(1, i - 1)], s[min(42, i + 1)]), maximum = TRUE, tol = 1e-10)$objective) }
  pm <- function(t) optimize(function(m) glmm_ll(c(m, t), P), g("mu") + c(-1, 1) * (4 + 3 * t), maximum = TRUE, tol = 1e-10)$objective
  e <- c(pt(g("mu_prof_low")), pt(g("mu_prof_high")), if (g("tau2_prof_low") > 0) pm(sqrt(g("tau2_prof_low"))), pm(sqrt(g("tau2_prof_high"))))
  if (max(abs(2 * (L - e) - x95)) > 1e-9) bad(n, "profile", 2 * (L - e) - x95)
  th <- c(g("mu"), sqrt(g("tau2_prof_high")))
  if (abs(glmm_ll(th, P) - glmm_ll_integrate(th, P)) > 1e-9) bad(n, "integrate", glmm_ll(th, P) - glmm_ll_integrate(th, P))
  ## beta-binomial against lbeta()
  if (max(d$patients) < 1e5 && get(n, "betabinom", "rho") > 0) {
    f <- function(x) { p <- plogis(x[1]); r <- plogis(x[2]); a <- p * (1 - r) / r; b <- (1 - p) * (1 - r) / r; sum(lchoose(d$patients, d$events) + lbeta(d$events + a, d$patients - d$events + b) - lbeta(a, b)) }
    x <- c(qlogis(get(n, "betabinom", "p")), qlogis(get(n, "betabinom", "rho")))
    if (abs(f(x) - get(n, "betabinom", "loglik")) > 1e-6) bad(n, "betabinom loglik", f(x) - get(n, "betabinom", "loglik"))
    o <- optim(x + c(.1, -.2), function(t) -f(t), control = list(reltol = 1e-14, maxit = 5000))
    if (-o$value > f(x) + 1e-6) bad(n, "betabinom maximum", -o$value - f(x))
    s <- sqrt(solve(hessian(function(t) -f(t), x))[1, 1]); if (abs(s / get(n, "betabinom", "se_logit_p") - 1) > 1e-4) bad(n, "betabinom se", s, get(n, "betabinom", "se_logit_p"))
  }
}
## grouped and 2x2: gradient zero and standard errors by numDeriv
G <- read.csv(file.path(root, "reference_grouped.csv"), colClasses = "character")
for (n in names_in("grouped")) {
  d <- read.csv(file.path(root, "grouped", paste0(n, ".csv"))); lev <- sort(unique(d$group), method = "radix")
  P <- make_problem(d$events, d$patients, model.matrix(~ 0 + factor(group, lev), d), d$study)
  g <- function(q) { x <- G[G$dataset == n & G$model == "glmm-common-exact", ]; as.numeric(x$value[match(q, x$quantity)]) }
  th <- c(g(sprintf("mu[%s]", lev)), sqrt(g("tau2"))); f <- function(t) glmm_ll(t, P)
  if (abs(glmm_ll(th, P) - g("loglik")) > 1e-9 || abs(glmm_ll_integrate(th, P) - g("loglik")) > 1e-9) bad(n, "loglik")
  if (g("tau2") == 0) next
  if (max(abs(grad(f, th))) > 1e-5) bad(n, "gradient", grad(f, th))
  s <- sqrt(diag(solve(-hessian(f, th))))[seq_along(lev)]
  if (max(abs(s / g(sprintf("se[%s]", lev)) - 1)) > 1e-6) bad(n, "se", s, g(sprintf("se[%s]", lev)))
}
T2 <- read.csv(file.path(root, "reference_tables.csv"), colClasses = "character")
for (n in names_in("tables")) {
  d <- read.csv(file.path(root, "tables", paste0(n, ".csv")))
  g <- function(m, q) { x <- T2[T2$dataset == n & T2$model == m, ]; as.numeric(x$value[match(q, x$quantity)]) }
  if (g("glmm-cm.el-exact", "tau2") > 0) {
    H <- Filter(function(h) length(h$j) > 1, Map(hyper, d$a_events, d$a_patients, d$b_events, d$b_patients))
    th <- c(g("glmm-cm.el-exact", "b"), sqrt(g("glmm-cm.el-exact", "tau2"))); f <- function(t) cmel_ll(t, H)
    if (max(abs(grad(f, th))) > 1e-5) bad(n, "cm.el gradient", grad(f, th))
    s <- sqrt(solve(-hessian(f, th))[1, 1]); if (abs(s / g("glmm-cm.el-exact", "se") - 1) > 1e-6) bad(n, "cm.el se", s, g("glmm-cm.el-exact", "se"))
  }
  # conditional odds ratios: tail probabilities with BiasedUrn's noncentral hypergeometric
  for (i in seq_len(nrow(d))) {
    a <- d$a_events[i]; n1 <- d$a_patients[i]; n2 <- d$b_patients[i]; t <- a + d$b_events[i]; v <- g("or-conditional", sprintf("%s[%d]", c("or", "ci_low", "ci_high"), i))
    if (is.na(v[1])) next
    if (v[2] > 0 && abs(BiasedUrn::pFNCHypergeo(a - 1, n1, n2, t, v[2], precision = 1e-12, lower.tail = FALSE) - 0.025) > 1e-8) bad(n, i, "ci_low")
    if (v[3] < Inf && abs(BiasedUrn::pFNCHypergeo(a, n1, n2, t, v[3], precision = 1e-12) - 0.025) > 1e-8) bad(n, i, "ci_high")
    if (v[1] > 0 && v[1] < Inf) { j <- max(0, t - n2):min(n1, t); p <- BiasedUrn::dFNCHypergeo(j, n1, n2, t, v[1], precision = 1e-12); if (abs(sum(j * p) / sum(p) - a) > 1e-6) bad(n, i, "or", sum(j * p) - a) }
  }
}
cat("checks done\n")
