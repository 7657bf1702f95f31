# Binomial-normal model with the priors mu ~ N(0, 5^2) and tau ~ half-normal(1), by quadrature in base R: trapezoidal
# rules over each study's logit and over mu, on a grid of its own for each tau, and Gauss-Legendre rules over tau.
studies <- lapply(split(rows, rows$study), function(arms) {
  steepest <- pmin(pmax(arms$patients / 2, arms$from), arms$to) # of the counts within limits
  information <- sum((steepest + 0.5) * (arms$patients - steepest + 0.5) / (arms$patients + 1))
  width <- 1 / sqrt(1 + information)
  ends <- reach(function(eta) log_arms(arms, eta), 120)
  eta <- seq(ends[1], ends[2] + width, by = width / 2)
  list(arms = arms, width = width, eta = eta, value = log_arms(arms, eta))
})
log_row_sums <- function(m) {
  top <- m[cbind(seq_len(nrow(m)), max.col(m, "first"))]
  top + log(rowSums(exp(m - top)))
}
unit <- seq(-9, 9, by = 0.5)
log_marginal <- function(study, mu, tau) {
  if (tau < study$width) { # nodes about mu, else about the study's own logit
    m <- matrix(log_arms(study$arms, c(outer(mu, tau * unit, `+`))), length(mu))
    return(log_row_sums(m + rep(dnorm(unit, log = TRUE), each = length(mu))) + log(0.5))
  }
  m <- rep(study$value, each = length(mu)) - (outer(mu, study$eta, `-`) / tau)^2 / 2
  log_row_sums(m) + log(study$width / 2 / tau / sqrt(2 * pi))
}
log_posterior <- function(mu, tau) {
  Reduce(`+`, lapply(studies, log_marginal, mu, tau)) + dnorm(mu, 0, 5, log = TRUE) + dnorm(tau, log = TRUE)
}

# Given tau: its weight, and the distribution of mu as a function: the Fourier series of the density, integrated.
count <- 100
fine <- (seq_len(4 * count + 1) - 1) / (4 * count)
waves <- c(seq_len(count / 2 - 1), -rev(seq_len(count / 2 - 1)))
on_fine <- function(series) {
  spaced <- complex(4 * count)
  spaced[waves %% (4 * count) + 1] <- series
  values <- Re(fft(spaced, inverse = TRUE))
  c(values, values[1])
}
place <- c(-60, 60)
slice <- function(tau) {
  ends <- place <<- reach(function(mu) log_posterior(mu, tau), 28, place)
  length <- diff(ends)
  mu <- ends[1] + length * (seq_len(count) - 1) / count
  value <- log_posterior(mu, tau)
  density <- exp(value - max(value))
  series <- fft(density)[-c(1, count / 2 + 1)] / sum(density)
  below <- fine + on_fine(series / (2i * pi * waves))
  curve <- splinefunH(ends[1] + length * fine, below - below[1], (1 + on_fine(series)) / length)
  list(
    tau = tau, mu = mu, mass = density / sum(density), log_weight = max(value) + log(mean(density) * length),
    below = function(x) curve(pmin(pmax(x, ends[1]), ends[2]))
  )
}

# Gauss-Legendre rule by Golub and Welsch, with barycentric weights of the polynomial through its nodes.
nodes <- ceiling(14 + 2 * sqrt(length(studies)))
i <- seq_len(nodes - 1)
jacobi <- diag(0, nodes)
jacobi[cbind(i, i + 1)] <- jacobi[cbind(i + 1, i)] <- i / sqrt(4 * i^2 - 1)
rule <- eigen(jacobi, symmetric = TRUE)
node <- rev(rule$values)
weight <- rev(2 * rule$vectors[1, ]^2)
barycentric <- (-1)^seq_len(nodes) * sqrt((1 - node^2) * weight)
narrowest <- min(sapply(studies, `[[`, "width"))
edge <- c(0, 10 / 3^(ceiling(log(10 / narrowest, 3)):0))
wide <- diff(edge) / 2
slices <- lapply(c(outer(node, wide) + rep(edge[-1] - wide, each = nodes)), slice)
height <- sapply(slices, `[[`, "log_weight")
density <- matrix(exp(height - max(height)), nodes)
density <- density / sum(weight * density %*% wide)
until <- c(0, cumsum(colSums(weight * density) * wide))
share <- c(density * outer(weight, wide))
kept <- which(share > 1e-14)
slices <- slices[kept]
share <- share[kept]

# Distribution functions of mu, of a new study's logit mu + tau z, and of tau.
below_mu <- function(x) sum(share * sapply(slices, function(s) s$below(x)))
unit <- seq(-9, 9, by = 0.1)
below_new <- function(x) {
  sum(share * sapply(slices, function(s) {
    step <- s$mu[2] - s$mu[1]
    if (s$tau > step) sum(s$mass * pnorm(x, s$mu, s$tau)) else sum(s$below(x - s$tau * unit) * dnorm(unit)) * 0.1
  }))
}
below_tau <- function(x) {
  j <- findInterval(x, edge, all.inside = TRUE)
  part <- (x - edge[j]) / 2
  gap <- outer(node, part * (1 + node) / wide[j] - 1, `-`)
  near <- barycentric / ifelse(gap == 0, 1e-300, gap)
  until[j] + part * sum(weight * colSums(near * density[, j]) / colSums(near))
}
quantile_of <- function(p, below, ends) uniroot(function(x) below(x) - p, ends, tol = 1e-11)$root
tails <- c((1 - level) / 2, 1 / 2, (1 + level) / 2)
ends <- range(sapply(slices, `[[`, "mu"))
beyond <- 9 * max(sapply(slices, `[[`, "tau"))
centre <- sum(share * sapply(slices, function(s) sum(s$mass * s$mu)))
variance <- sum(share * sapply(slices, function(s) sum(s$mass * (s$mu - centre)^2)))
mus <- plogis(sapply(tails, quantile_of, below_mu, ends))
news <- plogis(sapply(tails[-2], quantile_of, below_new, ends + c(-beyond, beyond)))
tau2s <- sapply(tails, quantile_of, below_tau, range(edge))^2
posterior <- c(
  estimate = mus[2], ci_low = mus[1], ci_high = mus[3], pi_low = news[1], pi_high = news[2],
  se = sqrt(variance), tau2 = tau2s[2], tau2_low = tau2s[1], tau2_high = tau2s[3]
)
