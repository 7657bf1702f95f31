# Log probability of an arm's events at each logit: of an exact count, or of one within limits. There it is a difference
# of two values of the distribution function, in the tail, and of events or of non-events, where these are small.
log_arm <- function(eta, from, to, n) {
  if (from == to) {
    return(lchoose(n, from) + from * plogis(eta, log.p = TRUE) + (n - from) * plogis(-eta, log.p = TRUE))
  }
  p <- plogis(-abs(eta))
  a <- ifelse(eta <= 0, from, n - to)
  b <- ifelse(eta <= 0, to, n - from)
  right <- n * p >= (a + b) / 2
  large <- small <- numeric(length(eta))
  large[right] <- pbinom(b[right], n, p[right], log.p = TRUE)
  small[right] <- pbinom(a[right] - 1, n, p[right], log.p = TRUE)
  large[!right] <- pbinom(a[!right] - 1, n, p[!right], lower.tail = FALSE, log.p = TRUE)
  small[!right] <- pbinom(b[!right], n, p[!right], lower.tail = FALSE, log.p = TRUE)
  large + log1p(-exp(small - large))
}
# The same of several arms that share their logit.
log_arms <- function(arms, eta) {
  each <- function(from, to, n) log_arm(eta, from, to, n)
  Reduce(`+`, Map(each, arms$from, arms$to, arms$patients))
}
# Ends of where a log-concave density is above exp(-fall) of its top, and within a limit.
reach <- function(f, fall, ends = c(-limit, limit), limit = 60) {
  repeat {
    x <- seq(ends[1], ends[2], length.out = 21)
    value <- f(x)
    high <- range(which(value > max(value) - fall))
    open <- high == c(1, 21) & abs(ends) < limit # it goes on beyond
    inner <- pmin(pmax(x[high] + c(-1, 1) * (x[2] - x[1]), -limit), limit)
    if (!any(open) && diff(inner) > 0.8 * diff(ends)) {
      return(inner)
    }
    ends <- pmin(pmax(inner + c(-0.5, 0.5) * diff(inner) * open, -limit), limit)
  }
}
