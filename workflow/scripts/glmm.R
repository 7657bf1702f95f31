# Random-intercept logistic model by maximum likelihood, in base R: packages stop at 100 quadrature nodes, too few where
# tau2 is large. Arms of a study share its logit, so their counts add up. Each study's integral over its logit is taken
# by the trapezoidal rule where the integrand is not negligible; the likelihood is climbed from several tau.
each <- rowsum(rows[c("events", "patients")], rows$study)
study <- function(y, n, mu, tau) {
  height <- function(eta) {
    y * plogis(eta, log.p = TRUE) + (n - y) * plogis(-eta, log.p = TRUE) + dnorm(eta, mu, tau, log = TRUE)
  }
  own <- min(max(qlogis(y / n), -log(n) - 40), log(n) + 40)
  mode <- optimize(height, range(mu, own) + c(-1, 1), maximum = TRUE, tol = 1e-9)$maximum
  top <- height(mode)
  end <- function(side) {
    away <- 1e-6
    while (height(mode + side * away) > top - 40) away <- 1.3 * away
    mode + side * away
  }
  eta <- seq(end(-1), end(1), length.out = 2001)
  top + log(sum(exp(height(eta) - top)) * (eta[2] - eta[1]))
}
loglik <- function(theta) {
  chosen <- sum(lchoose(rows$patients, rows$events))
  if (theta[2] == 0) {
    return(chosen + sum(rows$events * plogis(theta[1], log.p = TRUE) +
      (rows$patients - rows$events) * plogis(-theta[1], log.p = TRUE)))
  }
  chosen + sum(mapply(study, each$events, each$patients, theta[1], abs(theta[2])))
}
common <- qlogis(sum(rows$events) / sum(rows$patients))
maxima <- list()
for (tau in c(0.1, 0.5, 2, 6)) {
  climb <- function(x) -loglik(c(x[1], exp(x[2])))
  found <- optim(c(common * sqrt(1 + tau^2 / 3), log(tau)), climb, control = list(reltol = 1e-12, maxit = 2000))
  found <- optim(found$par, climb, method = "BFGS", control = list(reltol = 1e-15, ndeps = c(1e-4, 1e-4)))
  theta <- c(found$par[1], exp(found$par[2]))
  known <- sapply(maxima, function(other) abs(other[2] / theta[2] - 1) < 1e-2)
  if (theta[2] > 1e-3 / sqrt(max(each$patients)) && !any(unlist(known))) maxima <- c(maxima, list(theta))
}
# tau = 0 is a maximum where the likelihood falls beside it.
beside <- 0.1 / sqrt(max(each$patients) * plogis(common) * plogis(-common) + 1)
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
se <- if (tau2 == 0) 1 / sqrt(sum(rows$patients) * crude * (1 - crude)) else sqrt(solve(information)[1, 1])
