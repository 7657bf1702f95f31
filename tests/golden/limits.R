# Reference numbers for counts known only within limits.
# Run from the repository root:   Rscript tests/golden/limits.R     (some minutes)
# limits.csv has the data: events from, to; arms of a study share its effect; time is the follow-up, for the rates.
# reference_limits.csv gets, for glmm, poisson-normal and cloglog-normal, the maximum of the likelihood: mu, se, tau2,
# loglik; for betabinom p, rho, loglik; for bayes what bayes.R has. The probability of a count within limits is the sum of
# dbinom(), dpois() or the beta-binomial's lbeta() over the counts, inside each study's integral (trapezoidal rule, 401
# nodes where the integrand is above exp(-40) of its top); maxima by optim() from two tau, finished by Newton's method. Only bayes takes the distribution function instead: workflow/scripts/counts.R.
# Derivatives by central differences at two steps (Richardson).
grad <- function(f, x, h = 0.02) {
  sapply(seq_along(x), function(i) {
    at <- function(h) { e <- replace(0 * x, i, h); (f(x + e) - f(x - e)) / (2 * h) }
    (4 * at(h / 2) - at(h)) / 3
  })
}
hessian <- function(f, x) {
  m <- matrix(sapply(seq_along(x), function(i) grad(function(t) grad(f, replace(x, i, t))[i], x[i])), 1)
  m <- diag(c(m), length(x))
  if (length(x) == 2) m[1, 2] <- m[2, 1] <- grad(function(t) grad(function(u) f(c(u, t)), x[1]), x[2])
  m
}
root <- "tests/golden"
level <- 0.95
source("workflow/scripts/counts.R") # reach()
code <- parse("workflow/scripts/bayes.R")
data <- read.csv(file.path(root, "limits.csv"))
log_sum <- function(v) { top <- max(v); top + log(sum(exp(v - top))) }
# log probability of each count y at each eta
chances <- list(
  glmm = function(y, eta, n, time) dbinom(y, n, plogis(eta), log = TRUE),
  "poisson-normal" = function(y, eta, n, time) dpois(y, n * time * exp(eta), log = TRUE),
  "cloglog-normal" = function(y, eta, n, time) {
    h <- time * exp(eta)
    lchoose(n, y) + y * log(-expm1(-h)) - (n - y) * h
  }
)
log_study <- function(arms, model, eta) {
  one <- function(from, to, n, time) {
    terms <- pmax(outer(from:to, eta, chances[[model]], n, time), -1e6)
    top <- apply(terms, 2, max)
    top + log(colSums(exp(terms - rep(top, each = nrow(terms)))))
  }
  Reduce(`+`, Map(one, arms$from, arms$to, arms$patients, arms$time))
}
loglik <- function(theta, d, model) {
  parts <- split(d, d$study)
  if (theta[2] == 0) return(sum(sapply(parts, log_study, model, theta[1])))
  sum(sapply(parts, function(arms) {
    f <- function(eta) log_study(arms, model, eta) + dnorm(eta, theta[1], abs(theta[2]), log = TRUE)
    ends <- reach(f, 40)
    eta <- seq(ends[1], ends[2], length.out = 401)
    log_sum(f(eta)) + log(eta[2] - eta[1])
  }))
}
maximise <- function(d, model) {
  f <- function(theta) loglik(theta, d, model)
  p <- sum(d$from + d$to) / 2 / sum(d$patients)
  start <- if (model == "glmm") qlogis(p) else log(p / mean(d$time))
  flat <- optimize(function(mu) f(c(mu, 0)), start + c(-3, 3), maximum = TRUE, tol = 1e-9)
  best <- c(flat$maximum, 0, flat$objective)
  for (tau in c(0.3, 1)) {
    o <- optim(c(flat$maximum, tau), function(theta) -f(theta), control = list(reltol = 1e-9))
    if (-o$value > best[3] + 1e-7) best <- c(o$par[1], abs(o$par[2]), -o$value)
  }
  free <- if (best[2] > 1e-3) 1:2 else 1
  g <- function(x) f(c(x, 0)[1:2])
  for (i in 1:3) best[free] <- best[free] - solve(hessian(g, best[free]), grad(g, best[free]))
  if (length(free) == 1) best[2] <- 0
  c(mu = best[1], se = sqrt(solve(-hessian(g, best[free]))[1, 1]), tau2 = best[2]^2, loglik = g(best[free]))
}
beta_binomial <- function(d) {
  one <- function(from, to, n, a, b) { y <- from:to; log_sum(lchoose(n, y) + lbeta(y + a, n - y + b) - lbeta(a, b)) }
  f <- function(t) { s <- exp(t[2]); a <- plogis(t[1]) * s; -sum(mapply(one, d$from, d$to, d$patients, a, s - a)) }
  best <- NULL
  for (s in c(0, 2, 4)) {
    o <- optim(c(-2, s), f, control = list(reltol = 1e-14, maxit = 3000))
    if (is.null(best) || o$value < best$value) best <- o
  }
  x <- best$par
  if (x[2] < 7) for (i in 1:3) x <- x - solve(hessian(f, x), grad(f, x))
  c(p = plogis(x[1]), rho = 1 / (1 + exp(x[2])), loglik = -f(x))
}
out <- NULL
for (set in unique(data$set)) {
  d <- data[data$set == set, ]
  put <- function(model, values) out <<- c(out, paste(set, model, names(values), sprintf("%.12g", values), sep = ","))
  for (model in names(chances)) put(model, maximise(d, model))
  if (!any(duplicated(d$study))) put("betabinom", beta_binomial(d))
  found <- list2env(list(rows = d), parent = globalenv())
  eval(code, found)
  put("bayes", found$posterior)
  cat(set, "done\n")
}
head <- sprintf("# %s; call: Rscript tests/golden/limits.R (optim, optimize of stats %s)", R.version.string, packageVersion("stats"))
writeLines(c(head, "set,model,quantity,value", out), file.path(root, "reference_limits.csv"))
