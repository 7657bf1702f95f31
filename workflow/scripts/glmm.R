# Random-intercept logistic model by maximum likelihood, in base R: packages stop at 100 quadrature nodes, too few where
# tau2 is large, and take no count within limits. Each study's integral over its logit, which its arms share, is taken by
# the trapezoidal rule where the integrand is not negligible; the likelihood is climbed from several tau.
each <- split(rows, rows$study)
size <- max(sapply(each, function(arms) sum(arms$patients)))
study <- function(arms, mu, tau) {
  height <- function(eta) log_arms(arms, eta) + dnorm(eta, mu, tau, log = TRUE)
  ends <- reach(height, 40, limit = 300)
  eta <- seq(ends[1], ends[2], length.out = max(401, ceiling(8 * diff(ends))))
  value <- height(eta)
  max(value) + log(sum(exp(value - max(value))) * (eta[2] - eta[1]))
}
loglik <- function(theta) {
  if (any(abs(theta) > 200)) { # an optimiser gone astray
    return(-1e9)
  }
  if (abs(theta[2]) < 1e-7) log_arms(rows, theta[1]) else sum(sapply(each, study, theta[1], abs(theta[2])))
}
exact <- all(rows$from == rows$to)
flat <- function(mu) log_arms(rows, mu)
common <- qlogis(sum(rows$from + rows$to) / 2 / sum(rows$patients))
if (!exact) common <- optimize(flat, common + c(-10, 10), maximum = TRUE, tol = 1e-10)$maximum
maxima <- list()
for (tau in c(0.1, 0.5, 2, 6)) {
  climb <- function(x) -loglik(c(x[1], exp(x[2])))
  found <- optim(c(common * sqrt(1 + tau^2 / 3), log(tau)), climb, control = list(reltol = 1e-12, maxit = 2000))
  found <- optim(found$par, climb, method = "BFGS", control = list(reltol = 1e-15, ndeps = c(1e-4, 1e-4)))
  theta <- c(found$par[1], exp(found$par[2]))
  known <- sapply(maxima, function(other) abs(other[2] / theta[2] - 1) < 1e-2)
  if (theta[2] > 1e-3 / sqrt(size) && !any(unlist(known))) maxima <- c(maxima, list(theta))
}
# tau = 0 is a maximum where the likelihood falls beside it.
beside <- 0.1 / sqrt(size * plogis(common) * plogis(-common) + 1)
if (loglik(c(common, beside)) <= loglik(c(common, 0))) maxima <- c(maxima, list(c(common, 0)))
heights <- sapply(maxima, loglik)
maxima <- maxima[order(-heights)]
lower <- max(heights) - sort(heights, decreasing = TRUE)
if (length(maxima) > 1) {
  cat(sprintf("The likelihood has %d maxima; the workflow and R keep the highest.\n", length(maxima)))
  line <- "  proportion %.4g and tau2 = %.4g, lower by %.3g in its logarithm\n"
  for (i in seq_along(maxima)) cat(sprintf(line, plogis(maxima[[i]][1]), maxima[[i]][2]^2, lower[i]))
}
mean <- maxima[[1]][1]
tau2 <- maxima[[1]][2]^2
# The standard error takes tau for unknown; without heterogeneity the model is one common proportion.
information <- -optimHess(maxima[[1]], loglik, control = list(ndeps = rep(5e-4 * max(maxima[[1]][2], 2e-3), 2)))
crude <- plogis(common)
alone <- if (exact) sum(rows$patients) * crude * (1 - crude) else -optimHess(common, flat, control = list(ndeps = 1e-3))[1]
se <- if (tau2 == 0) 1 / sqrt(alone) else sqrt(solve(information)[1, 1])
