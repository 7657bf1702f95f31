# Reference numbers for sparse and lopsided reviews: no events, nothing but events, one huge register, two maxima.
# Run from the repository root:   Rscript tests/golden/sparse.R     (three minutes)
# Base R only. sparse.csv has the data; reference_sparse.csv gets, for each set, every maximum of the binomial-normal
# likelihood (mu, tau2, loglik with the binomial coefficients; the highest is number 1) and the ends of the
# profile-likelihood interval of tau2. It shares nothing with this project's code nor with reference.R: each study's
# integral is taken by integrate() on the logit scale, in pieces that begin and end where the integrand bends, mu is
# profiled out by optimize(), maxima are looked for on a grid of tau, and the ends are roots found by uniroot().
options(warn = 1)
root <- "tests/golden"
data <- read.csv(file.path(root, "sparse.csv"))

study <- function(y, n, mu, tau) {
  g <- function(eta) lchoose(n, y) + y * plogis(eta, log.p = TRUE) + (n - y) * plogis(-eta, log.p = TRUE) + dnorm(eta, mu, tau, log = TRUE)
  own <- if (y == 0) -log(n) - 40 else if (y == n) log(n) + 40 else qlogis(y / n)
  mode <- optimize(g, range(mu, own) + c(-1, 1), maximum = TRUE, tol = 1e-10)$maximum
  top <- g(mode)
  reach <- function(side) { d <- 1e-6; while (g(mode + side * d) > top - 45) d <- d * 1.5; mode + side * d }
  lo <- reach(-1); hi <- reach(1)
  width <- 1 / sqrt(1 / tau^2 + n * plogis(mode) * plogis(-mode))
  cuts <- c(mode, mode + outer(c(-1, 1), c(1, 3, 6) * width), outer(c(-1, 0, 1), log(n) * c(-1, 0, 1) * 1, "*"), -log(n) + c(-4, 4), log(n) + c(-4, 4), mu, -20, 20)
  cuts <- sort(unique(c(lo, cuts[cuts > lo & cuts < hi], hi)))
  parts <- mapply(function(a, b) integrate(function(x) exp(g(x) - top), a, b, rel.tol = 1e-11, abs.tol = 0, subdivisions = 2000L, stop.on.error = FALSE)$value, head(cuts, -1), tail(cuts, -1))
  top + log(sum(parts))
}
loglik <- function(mu, tau, d) if (tau == 0) sum(dbinom(d$events, d$patients, plogis(mu), log = TRUE)) else
  sum(mapply(study, d$events, d$patients, mu, tau))
# the best mu at a tau: the likelihood is log-concave in mu, so that any interval that holds it will do
profile <- function(tau, d) {
  if (tau == 0) { mu <- qlogis(sum(d$events) / sum(d$patients)); return(c(mu, loglik(mu, 0, d))) }
  wide <- 25 + 6 * tau
  o <- optimize(loglik, c(-wide, wide), tau = tau, d = d, maximum = TRUE, tol = 1e-2)
  near <- o$maximum + c(-1, 1) * max(0.05, 0.05 * tau)
  o <- optimize(loglik, near, tau = tau, d = d, maximum = TRUE, tol = 1e-7)
  c(o$maximum, o$objective)
}
out <- NULL
for (set in unique(data$set)) {
  d <- data[data$set == set, ]
  put <- function(quantity, value) out <<- rbind(out, data.frame(set, quantity, value = sprintf("%.12g", value)))
  grid <- c(0, exp(seq(log(0.02), log(200), length.out = 36)))
  height <- sapply(grid, function(tau) profile(tau, d)[2])
  n <- length(grid)
  tops <- which(c(height[1] >= height[2], height[2:(n - 1)] > height[1:(n - 2)] & height[2:(n - 1)] >= height[3:n], FALSE))
  found <- lapply(tops, function(i) {
    tau <- if (i == 1) 0 else optimize(function(t) profile(exp(t), d)[2], log(c(max(grid[i - 1], 0.002), grid[i + 1])), maximum = TRUE, tol = 1e-6)$maximum
    tau <- if (i == 1) 0 else exp(tau)
    c(profile(tau, d), tau)
  })
  found <- found[order(-sapply(found, `[`, 2))]
  for (i in seq_along(found)) { f <- found[[i]]; put(paste0("mu", i), f[1]); put(paste0("tau2_", i), f[3]^2); put(paste0("loglik", i), f[2]) }
  line <- found[[1]][2] - qchisq(0.95, 1) / 2
  gap <- function(t) profile(exp(t), d)[2] - line
  above <- which(c(height, found[[1]][2]) > line); taus <- c(grid, found[[1]][3])[above]
  below <- grid[height <= line]
  put("tau2_low", if (height[1] > line) 0 else exp(uniroot(gap, log(c(max(below[below < min(taus)], 1e-3), min(taus))), tol = 1e-9)$root)^2)
  end <- max(taus); while (gap(log(2 * end)) > 0) end <- 2 * end
  put("tau2_high", exp(uniroot(gap, log(c(end, 2 * end)), tol = 1e-9)$root)^2)
  cat(set, "done\n")
}
head <- sprintf("# %s; call: Rscript tests/golden/sparse.R (integrate, optimize, uniroot of stats %s)", R.version.string, packageVersion("stats"))
writeLines(c(head, "set,quantity,value", with(out, paste(set, quantity, value, sep = ","))), file.path(root, "reference_sparse.csv"))
