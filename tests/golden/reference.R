# Regenerates the reference numbers of tests/golden from its CSV data.
# Run from the repository root:   Rscript tests/golden/reference.R
# (Rscript tests/golden/reference.R proportions   does one part: proportions, tables, grouped)
# Needs R with metafor, lme4, numDeriv and BiasedUrn; see README.md for the versions.
suppressPackageStartupMessages({ library(metafor); library(lme4); library(numDeriv); library(parallel) })
options(warn = 1, scipen = 0)
root <- "tests/golden"
args <- if (exists("golden_parts")) golden_parts else commandArgs(trailingOnly = TRUE)   # check.R sets "none"
doing <- function(part) length(args) == 0 || part %in% args
cores <- max(1L, min(2L, detectCores()))

## ---------------------------------------------------------------------------
## long-form output
## ---------------------------------------------------------------------------
num <- function(v) ifelse(is.nan(v) | is.na(v), "NA", sprintf("%.17g", v))
collector <- function(dataset) {
  acc <- new.env(); acc$n <- 0L; acc$l <- list()
  add <- function(model, q, v, call = "", note = "") {
    if (is.null(v) || length(v) == 0) v <- NA
    acc$n <- acc$n + 1L
    acc$l[[acc$n]] <- list(dataset, model, q, num(as.numeric(v)[1]), call, note)
  }
  list(add = add, get = function() {
    m <- do.call(rbind, lapply(acc$l, function(r) as.data.frame(r, col.names = c("dataset", "model", "quantity", "value", "call", "note"), stringsAsFactors = FALSE)))
    m
  })
}
clean <- function(s) substr(gsub("[^ -~]", "", gsub("[\r\n\t ]+", " ", trimws(s))), 1, 160)
# value, warnings and error of an expression
attempt <- function(expr) {
  w <- character(); err <- NULL
  v <- tryCatch(withCallingHandlers(expr, warning = function(c) { w <<- c(w, conditionMessage(c)); invokeRestart("muffleWarning") },
                                    message = function(c) { w <<- c(w, conditionMessage(c)); invokeRestart("muffleMessage") }),
                error = function(e) { err <<- conditionMessage(e); NULL })
  list(v = v, ok = is.null(err), note = clean(paste(unique(c(err, w)), collapse = "; ")))
}
write_rows <- function(rows, file) {
  d <- do.call(rbind, rows)
  write.csv(d, file.path(root, file), row.names = FALSE, quote = which(names(d) %in% c("call", "note")), na = "NA")
  cat(file, nrow(d), "rows\n")
}
z975 <- qnorm(0.975)
x95 <- qchisq(0.95, 1)

## ---------------------------------------------------------------------------
## Exact likelihood of the binomial-normal model, plain R
##   y_a ~ Binomial(n_a, plogis(x_a'beta + tau load_a z_s)),  z_s ~ N(0,1), arms a of study s
## (load_a = 1 unless said otherwise)
## ---------------------------------------------------------------------------
# Gauss-Legendre nodes and weights on (0,1) (Golub-Welsch), then a graded composite
# rule: 12 panels of 16 nodes on each side of the mode of the integrand, out to where
# it has fallen below exp(-50) of its peak
gauss_legendre01 <- function(m) {
  i <- seq_len(m - 1); j <- matrix(0, m, m)
  j[cbind(i, i + 1)] <- j[cbind(i + 1, i)] <- i / sqrt(4 * i^2 - 1)
  e <- eigen(j, symmetric = TRUE); o <- order(e$values)
  list(x = (e$values[o] + 1) / 2, w = e$vectors[1, o]^2)
}
half_rule <- local({
  g <- gauss_legendre01(16)
  b <- c(0, .005, .01, .02, .04, .08, .15, .25, .4, .55, .7, .85, 1)
  d <- diff(b)
  list(u = as.vector(outer(g$x, d) + rep(b[-13], each = 16)), lw = log(as.vector(outer(g$w, d))))
})

log1pexp <- function(x) pmax(x, 0) + log1p(exp(-abs(x)))
# log binomial density at logit eta, minus that of the saturated model
# (eta may be a matrix with one row per arm)
lb_rel <- function(y, n, eta) {
  p <- y / n
  v <- y * (-log1pexp(-eta) - log(ifelse(y > 0, p, 1))) + (n - y) * (-log1pexp(eta) - log(ifelse(y < n, 1 - p, 1)))
  big <- which(n > 2000 & y > 0 & y < n)       # near the peak, avoid cancellation
  if (length(big)) {
    m <- is.matrix(eta)
    e <- if (m) eta[big, , drop = FALSE] else eta[big]
    yb <- y[big]; nb <- n[big]; pb <- p[big]
    d <- e - qlogis(pb)
    w <- -yb * log1p((1 - pb) * expm1(-d)) - (nb - yb) * log1p(pb * expm1(d))
    if (m) v[big, ] <- ifelse(abs(d) < 1, w, v[big, ]) else v[big] <- ifelse(abs(d) < 1, w, v[big])
  }
  v
}
ll_saturated <- function(y, n) sum(dbinom(y, n, y / n, log = TRUE))

make_problem <- function(y, n, X = matrix(1, length(y), 1), study = seq_along(y), load = rep(1, length(y))) {
  o <- order(match(study, unique(study)))          # arms of a study stand together
  y <- y[o]; n <- n[o]; X <- X[o, , drop = FALSE]; study <- study[o]; load <- load[o]
  s <- as.integer(factor(study, unique(study)))
  list(y = y, n = n, X = X, s = s, k = max(s), p = ncol(X), load = load, const = ll_saturated(y, n))
}
sumby <- function(v, s, k) if (is.matrix(v)) { if (k == length(s)) v else rowsum(v, s, reorder = TRUE) } else
  if (k == length(s)) v else as.vector(rowsum(v, s, reorder = TRUE))

# log-likelihood (binomial coefficients included), gradient and Hessian in (beta, tau)
glmm_ll <- function(th, P, deriv = 0) {
  be <- th[seq_len(P$p)]; tau <- th[P$p + 1]
  off <- as.vector(P$X %*% be)
  y <- P$y; n <- P$n; s <- P$s; k <- P$k; tl <- tau * P$load
  z <- rep(0, k)
  obj <- function(z) sumby(lb_rel(y, n, off + tl * z[s]), s, k) - z^2 / 2
  f <- obj(z)
  for (it in 1:200) {
    pr <- plogis(off + tl * z[s])
    g <- sumby(tl * (y - n * pr), s, k) - z
    h <- sumby(tl^2 * n * pr * plogis(-(off + tl * z[s])), s, k) + 1
    st <- g / h
    st <- pmax(pmin(st, 5), -5)
    z1 <- z + st; f1 <- obj(z1)
    for (b in 1:60) { bad <- !(f1 >= f - 1e-12 * (1 + abs(f))); if (!any(bad)) break; st[bad] <- st[bad] / 2; z1 <- z + st; f1 <- obj(z1) }
    z <- z1; f <- f1
    if (max(abs(st) * sqrt(h)) < 1e-9) break
  }
  sc <- 1 / sqrt(sumby(tl^2 * n * plogis(off + tl * z[s]) * plogis(-(off + tl * z[s])), s, k) + 1)
  f0 <- obj(z)
  reach <- function(dir) {                           # smallest t (bracketed) with a fall of 50
    lo <- rep(0, k); hi <- pmin(12 * sc, 10.5)
    for (b in 1:60) { bad <- f0 - obj(z + dir * hi) < 50; if (!any(bad)) break; lo[bad] <- hi[bad]; hi[bad] <- hi[bad] * 1.5 }
    for (b in 1:5) { md <- (lo + hi) / 2; ok <- f0 - obj(z + dir * md) >= 50; hi[ok] <- md[ok]; lo[!ok] <- md[!ok] }
    hi
  }
  L <- reach(-1); U <- reach(1)
  Z <- cbind(z - L %o% half_rule$u, z + U %o% half_rule$u)
  LW <- cbind(outer(log(L), half_rule$lw, `+`), outer(log(U), half_rule$lw, `+`))
  eta <- off + tl * Z[s, , drop = FALSE]            # arms x m
  F <- sumby(lb_rel(y, n, eta), s, k) - Z^2 / 2
  F <- F + LW
  mx <- apply(F, 1, max)
  W <- exp(F - mx); tot <- rowSums(W)
  ll <- sum(mx + log(tot) - 0.5 * log(2 * pi)) + P$const
  if (!deriv) return(ll)
  W <- W / tot
  p <- plogis(eta); r <- y - n * p; v <- n * p * plogis(-eta)
  Ws <- W[s, , drop = FALSE]; Zl <- Z[s, , drop = FALSE] * P$load
  E <- function(m) rowSums(Ws * m)
  Er <- E(r); Ev <- E(v)
  Gt <- sumby(Zl * r, s, k); EGt <- rowSums(W * Gt)
  A <- length(y)
  C <- diag(E(r^2) - Er^2 - Ev, A)
  o <- 1
  while (o < A) {                                  # pairs of arms of one study
    i <- seq_len(A - o); i <- i[s[i] == s[i + o]]
    if (!length(i)) break
    cv <- rowSums(Ws[i, , drop = FALSE] * r[i, , drop = FALSE] * r[i + o, , drop = FALSE]) - Er[i] * Er[i + o]
    C[cbind(i, i + o)] <- cv; C[cbind(i + o, i)] <- cv
    o <- o + 1
  }
  ct <- E(r * Gt[s, , drop = FALSE]) - Er * EGt[s] - E(Zl * v)
  htt <- sum(rowSums(W * Gt^2) - EGt^2) - sum(E(Zl^2 * v))
  Xc <- crossprod(P$X, ct)
  list(ll = ll, g = c(crossprod(P$X, Er), sum(EGt)),
       H = rbind(cbind(crossprod(P$X, C %*% P$X), Xc), c(Xc, htt)))
}

# the same log-likelihood by stats::integrate (an independent check of the quadrature)
glmm_ll_integrate <- function(th, P) {
  be <- th[seq_len(P$p)]; tau <- th[P$p + 1]
  off <- as.vector(P$X %*% be); tot <- 0
  for (i in seq_len(P$k)) {
    a <- which(P$s == i)
    f <- function(z) { o <- -z^2 / 2; for (j in a) o <- o + lb_rel(P$y[j], P$n[j], off[j] + tau * P$load[j] * z); o }
    m <- optimize(f, c(-40, 40), maximum = TRUE, tol = 1e-10)$maximum
    fm <- f(m); h <- function(z) exp(f(z) - fm)
    drop <- function(dir) { t <- 1e-8; while (f(m + dir * t) > fm - 50) t <- t * 1.3; t }
    L <- drop(-1); U <- drop(1)
    br <- sort(unique(c(m - L * c(1, .6, .3, .1, .03, .01, 0), m + U * c(.01, .03, .1, .3, .6, 1))))
    I <- 0
    for (b in seq_len(length(br) - 1)) I <- I + integrate(h, br[b], br[b + 1], rel.tol = 1e-12, abs.tol = 1e-18, subdivisions = 2000L, stop.on.error = FALSE)$value
    tot <- tot + fm + log(I) - 0.5 * log(2 * pi)
  }
  tot + P$const
}

glm_fixed <- function(P) {            # tau = 0: ordinary logistic regression, Newton
  pb <- (sum(P$y) + 0.25) / (sum(P$n) + 0.5)
  b <- rep(0, P$p)
  if (qr(cbind(P$X, 1))$rank == P$p) b <- qr.coef(qr(P$X), rep(qlogis(pb), length(P$y)))
  for (it in 1:100) {
    e <- as.vector(P$X %*% b)
    g <- crossprod(P$X, P$y - P$n * plogis(e)); H <- crossprod(P$X, P$X * (P$n * plogis(e) * plogis(-e)))
    st <- solve(H, g); st <- st * min(1, 3 / max(abs(st))); b <- b + as.vector(st)
    if (max(abs(st)) < 1e-14) break
  }
  e <- as.vector(P$X %*% b)
  list(beta = b, ll = sum(lb_rel(P$y, P$n, e)) + P$const,
       V = solve(crossprod(P$X, P$X * (P$n * plogis(e) * plogis(-e)))))
}

glmm_fit <- function(P) {
  f0 <- glm_fixed(P)
  nll <- function(th) { v <- -glmm_ll(th, P); if (is.finite(v)) v else 1e10 }
  gr <- function(th) -glmm_ll(th, P, 1)$g
  he <- function(th) -glmm_ll(th, P, 1)$H
  best <- NULL
  for (t0 in c(0.1, 0.5, 1.5, 4)) {
    o <- try(nlminb(c(f0$beta, t0), nll, gr, he, lower = c(rep(-Inf, P$p), 0),
                    control = list(rel.tol = 1e-15, x.tol = 1e-13, eval.max = 500, iter.max = 300)), silent = TRUE)
    if (!inherits(o, "try-error") && (is.null(best) || -o$objective > best$ll + 1e-9)) best <- list(th = o$par, ll = -o$objective)
  }
  th <- best$th
  boundary <- th[P$p + 1] < 1e-5 || best$ll < f0$ll + 1e-10
  if (boundary) return(list(beta = f0$beta, tau = 0, ll = f0$ll, V = f0$V, boundary = TRUE, f0 = f0, grad = 0, H = NULL))
  for (it in 1:30) {                               # Newton polish
    d <- glmm_ll(th, P, 1); st <- solve(d$H, d$g); th <- th - st
    if (max(abs(st)) < 1e-13 * (1 + max(abs(th)))) break
  }
  d <- glmm_ll(th, P, 1)
  V <- solve(-d$H)
  list(beta = th[seq_len(P$p)], tau = th[P$p + 1], ll = d$ll, V = V, boundary = FALSE, f0 = f0, grad = max(abs(d$g)), H = d$H)
}

## profile likelihood of the intercept-only model, one parameter held fixed
best_tau <- function(mu, P, tau) {           # max over tau >= 0 at fixed mu, warm start
  l0 <- glmm_ll(c(mu, 0), P); f <- function(t) glmm_ll(c(mu, t), P)
  ok <- FALSE
  t <- max(tau, 0.05)
  for (it in 1:40) {
    d <- glmm_ll(c(mu, t), P, 1); h <- d$H[2, 2]
    if (h >= 0) break
    st <- -d$g[2] / h; st <- max(min(st, t), -t / 2); t <- t + st
    if (abs(st) < 1e-9 * (1 + t)) { ok <- TRUE; break }
    if (t < 1e-5) break
  }
  if (!ok) {
    g <- c(0.01, 0.03, 0.1, 0.2, 0.35, 0.6, 1, 1.6, 2.5, 4, 7, 12, 20, 35, 60, 100)
    v <- sapply(g, f); i <- which.max(v)
    o <- optimize(f, c(g[max(1, i - 1)] * (i > 1), g[min(length(g), i + 1)]), maximum = TRUE, tol = 1e-9)
    t <- o$maximum
  }
  l <- f(t)
  if (l0 >= l) list(ll = l0, tau = 0) else list(ll = l, tau = t)
}
best_mu <- function(tau, P, mu) {            # max over mu at fixed tau
  for (it in 1:60) {
    d <- glmm_ll(c(mu, tau), P, 1); h <- d$H[1, 1]
    st <- if (h < 0) -d$g[1] / h else sign(d$g[1])
    st <- max(min(st, 2 + tau), -2 - tau); mu <- mu + st
    if (abs(st) < 1e-10 * (1 + abs(mu))) break
  }
  list(ll = glmm_ll(c(mu, tau), P), mu = mu)
}
profile_mu <- function(fit, P, dir) {
  warm <- fit$tau
  dev <- function(m) { b <- best_tau(m, P, warm); warm <<- b$tau; 2 * (fit$ll - b$ll) - x95 }
  se <- sqrt(fit$V[1, 1]); a <- fit$beta; step <- 1.5 * se; b <- a + dir * step
  for (i in 1:40) {
    d <- dev(b)
    if (d > 0) break
    a <- b; step <- step * 1.6; b <- b + dir * step
    if (abs(b - fit$beta) > 200) return(NA)
  }
  uniroot(dev, sort(c(a, b)), tol = 1e-11, maxiter = 200)$root
}
profile_tau2 <- function(fit, P, dir) {
  warm <- fit$beta
  dev <- function(t) { b <- best_mu(t, P, warm); warm <<- b$mu; 2 * (fit$ll - b$ll) - x95 }
  if (dir < 0) {
    if (fit$tau == 0 || 2 * (fit$ll - fit$f0$ll) <= x95) return(0)
    return(uniroot(dev, c(0, fit$tau), tol = 1e-12, maxiter = 200)$root^2)
  }
  a <- fit$tau; b <- max(2 * a, a + 0.3)
  for (i in 1:60) { if (dev(b) > 0) break; a <- b; b <- b * 1.5; if (b > 150) return(NA) }
  uniroot(dev, c(a, b), tol = 1e-12, maxiter = 200)$root^2
}
pop_average <- function(mu, tau) {
  if (tau == 0) return(plogis(mu))
  f <- function(z) plogis(mu + tau * z) * dnorm(z)
  b <- sort(unique(c(-39, -20, -12, -8, -5, -3, -1, 0, 1, 3, 5, 8, 12, 20, 39, max(-39, min(39, -mu / tau)))))
  sum(sapply(seq_len(length(b) - 1), function(i) integrate(f, b[i], b[i + 1], rel.tol = 1e-12, abs.tol = 1e-30, subdivisions = 1000L, stop.on.error = FALSE)$value))
}

## ---------------------------------------------------------------------------
## Beta-binomial, summed logs: mean p, rho = 1 / (a + b + 1)
## ---------------------------------------------------------------------------
bb_problem <- function(y, n) {
  above <- function(v) { m <- max(v); if (m == 0) numeric() else rev(cumsum(rev(tabulate(v, m)))) }  # #{v_i > j}, j = 0..
  list(a = above(y), b = above(n - y), c = above(n), const = sum(lchoose(n, y)))
}
bb_ll <- function(eta, rho, B, deriv = 0) {
  p <- plogis(eta); q <- plogis(-eta); r <- 1 - rho
  ja <- seq_along(B$a) - 1; jb <- seq_along(B$b) - 1; jc <- seq_along(B$c) - 1
  u <- p * r + ja * rho; v <- q * r + jb * rho; w <- r + jc * rho
  ll <- B$const + sum(B$a * log(u)) + sum(B$b * log(v)) - sum(B$c * log(w))
  if (!deriv) return(ll)
  ua <- (ja - p) / u; vb <- (jb - q) / v; wc <- (jc - 1) / w
  dp <- r * (sum(B$a / u) - sum(B$b / v))
  dr <- sum(B$a * ua) + sum(B$b * vb) - sum(B$c * wc)
  dpp <- -r^2 * (sum(B$a / u^2) + sum(B$b / v^2))
  dpr <- -sum(B$a / u) - r * sum(B$a * ua / u) + sum(B$b / v) + r * sum(B$b * vb / v)
  drr <- -sum(B$a * ua^2) - sum(B$b * vb^2) + sum(B$c * wc^2)
  s <- p * q
  list(ll = ll, g = c(s * dp, dr), H = matrix(c(s^2 * dpp + s * (1 - 2 * p) * dp, s * dpr, s * dpr, drr), 2))
}
bb_fit <- function(y, n) {
  if (all(y == 0) || all(y == n)) stop("no finite maximum: every study is all events or all non-events")
  B <- bb_problem(y, n); e0 <- qlogis(sum(y) / sum(n))
  d0 <- bb_ll(e0, 0, B, 1)
  best <- list(par = c(e0, 0), ll = d0$ll)
  for (r0 in c(0.003, 0.05, 0.3, 0.7)) {
    o <- try(nlminb(c(e0, r0), function(t) -bb_ll(t[1], t[2], B), function(t) -bb_ll(t[1], t[2], B, 1)$g, function(t) -bb_ll(t[1], t[2], B, 1)$H,
                    lower = c(-Inf, 0), upper = c(Inf, 1 - 1e-9), control = list(rel.tol = 1e-15, x.tol = 1e-13)), silent = TRUE)
    if (!inherits(o, "try-error") && -o$objective > best$ll + 1e-10) best <- list(par = o$par, ll = -o$objective)
  }
  t <- best$par
  if (t[2] < 1e-9) return(list(eta = e0, rho = 0, ll = d0$ll, se = sqrt(-1 / d0$H[1, 1]), grad = d0$g))
  for (i in 1:30) { d <- bb_ll(t[1], t[2], B, 1); st <- solve(d$H, d$g); t <- t - st; if (max(abs(st)) < 1e-14) break }
  d <- bb_ll(t[1], t[2], B, 1)
  list(eta = t[1], rho = t[2], ll = d$ll, se = sqrt(solve(-d$H)[1, 1]), grad = d$g)
}

## tight control for every metafor call (defaults: REML/ML/EB stop at a change of 1e-5
## in tau2, PM and confint() at uniroot's 1e-4)
ctl <- list(threshold = 1e-13, maxiter = 10000, tol = 1e-13)
glmerctl <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e5))
glmmctl <- list(glmerCtrl = list(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e5)))
ladder <- list(ctl, modifyList(ctl, list(stepadj = 0.5)), modifyList(ctl, list(threshold = 1e-11, stepadj = 0.5)),
               modifyList(ctl, list(threshold = 1e-10, stepadj = 0.2)))
fit_rma <- function(es, method, test, mods = NULL) {
  for (i in seq_along(ladder)) {
    c1 <- ladder[[i]]
    r <- if (is.null(mods)) attempt(rma(es, method = method, test = test, control = c1)) else
      attempt(rma(yi, vi, mods = mods, data = es, method = method, test = test, control = c1))
    if (r$ok || !grepl("converge", r$note)) break
  }
  if (r$ok && i > 1) r$note <- clean(paste0("control step ", i, " of the ladder (", paste(names(c1), unlist(c1), sep = "=", collapse = ","), ") ", r$note))
  r
}

## ---------------------------------------------------------------------------
## Proportions
## ---------------------------------------------------------------------------
wilson <- function(y, n, z = z975) {
  p <- y / n; m <- (p + z^2 / (2 * n)) / (1 + z^2 / n)
  h <- z / (1 + z^2 / n) * sqrt(p * (1 - p) / n + z^2 / (4 * n^2))
  cbind(ifelse(y == 0, 0, m - h), ifelse(y == n, 1, m + h))
}
glmm_rows <- function(add, d) {
  y <- d$events; n <- d$patients; k <- nrow(d); d$study <- factor(seq_len(k))
  qs <- c("mu", "se", "se_numderiv", "se_tau2_fixed", "tau2", "loglik", "estimate", "ci_low", "ci_high", "pi_low", "pi_high",
          "pop_average", "mu_prof_low", "mu_prof_high", "tau2_prof_low", "tau2_prof_high", "LRT_tau2", "LRT_tau2_p")
  fc <- "glmm_fit(make_problem(d$events,d$patients))"
  M <- "glmm-exact"
  P <- make_problem(y, n)
  lc <- sum(dbinom(y, n, sum(y) / sum(n), log = TRUE)); qe <- 2 * (P$const - lc); if (k == 1) qe <- 0
  add(M, "QE_LRT", qe, "2*(sum(dbinom(y,n,y/n,log=TRUE))-sum(dbinom(y,n,sum(y)/sum(n),log=TRUE)))")
  add(M, "QE_LRT_df", k - 1, "nrow(d)-1")
  add(M, "QE_LRT_p", if (k > 1) pchisq(qe, k - 1, lower.tail = FALSE) else NA, "pchisq(QE_LRT,k-1,lower.tail=FALSE)", if (k > 1) "" else "no degrees of freedom")
  res <- NULL
  if (all(y == 0) || all(y == n)) {
    for (q in qs) add(M, q, NA, fc, "no finite maximum: every study is all events or all non-events")
  } else {
    f <- glmm_fit(P); mu <- f$beta; se <- sqrt(f$V[1, 1]); tau <- f$tau; res <- c(mu, se, tau^2, f$ll)
    nt <- if (f$boundary) "maximum at tau2 = 0; se from the common-effect information" else sprintf("largest gradient %.0e; integrate() differs by %.0e", f$grad, abs(f$ll - glmm_ll_integrate(c(mu, tau), P)))
    add(M, "mu", mu, fc, nt)
    add(M, "se", se, fc)
    if (!f$boundary) {
      hn <- attempt(sqrt(solve(-hessian(function(t) glmm_ll(t, P), c(mu, tau)))[1, 1]))
      add(M, "se_numderiv", hn$v, "sqrt(solve(-numDeriv::hessian(function(t)glmm_ll(t,P),c(mu,tau)))[1,1])", hn$note)
      add(M, "se_tau2_fixed", sqrt(-1 / f$H[1, 1]), "sqrt(-1/H[1,1])")
    } else {
      add(M, "se_numderiv", NA, "", "boundary"); add(M, "se_tau2_fixed", se, fc)
    }
    add(M, "tau2", tau^2, fc); add(M, "loglik", f$ll, fc)
    add(M, "estimate", plogis(mu), "plogis(mu)")
    add(M, "ci_low", plogis(mu - z975 * se), "plogis(mu-qnorm(.975)*se)"); add(M, "ci_high", plogis(mu + z975 * se), "plogis(mu+qnorm(.975)*se)")
    h <- if (k > 1) qt(0.975, k - 1) * sqrt(tau^2 + se^2) else NA
    add(M, "pi_low", plogis(mu - h), "plogis(mu-qt(.975,k-1)*sqrt(tau2+se^2))", if (k > 1) "" else "no degrees of freedom"); add(M, "pi_high", plogis(mu + h), "plogis(mu+qt(.975,k-1)*sqrt(tau2+se^2))")
    add(M, "pop_average", pop_average(mu, tau), "pop_average(mu,sqrt(tau2))")
    for (s in c(-1, 1)) {
      r <- attempt(if (k > 1) profile_mu(f, P, s) else stop("k = 1"))
      add(M, if (s < 0) "mu_prof_low" else "mu_prof_high", r$v, sprintf("profile_mu(fit,P,%d)", s),
          if (r$ok && is.na(r$v)) "profile never falls by qchisq(.95,1)/2 within 200 of mu" else r$note)
      r <- attempt(if (k > 1) profile_tau2(f, P, s) else stop("k = 1"))
      add(M, if (s < 0) "tau2_prof_low" else "tau2_prof_high", r$v, sprintf("profile_tau2(fit,P,%d)", s),
          if (r$ok && is.na(r$v)) "profile never falls by qchisq(.95,1)/2 for tau below 150" else r$note)
    }
    l <- max(0, 2 * (f$ll - f$f0$ll))
    add(M, "LRT_tau2", l, "2*(fit$ll-fit$f0$ll)"); add(M, "LRT_tau2_p", if (l > 0) pchisq(l, 1, lower.tail = FALSE) / 2 else 1, "pchisq(LRT,1,lower.tail=FALSE)/2; 1 if LRT is 0")
  }
  for (nq in c(100, 25)) {
    cl <- sprintf("glmer(cbind(events,patients-events)~1+(1|study),d,binomial,nAGQ=%d,control=glmerctl)", nq)
    r <- attempt(glmer(cbind(events, patients - events) ~ 1 + (1 | study), data = d, family = binomial, nAGQ = nq, control = glmerctl))
    l4 <- rep(NA, 5); if (r$ok) l4 <- c(fixef(r$v), sqrt(vcov(r$v)[1, 1]), VarCorr(r$v)$study[1], P$const + c(logLik(r$v)), suppressWarnings(sqrt(vcov(r$v, use.hessian = FALSE)[1, 1])))
    q4 <- c("mu", "se", "tau2", "loglik", "se_rx")
    c4 <- c("fixef", "sqrt(vcov(.)[1,1])", "VarCorr(.)$study[1]", "sum(dbinom(y,n,y/n,log=TRUE))+logLik(.)", "sqrt(vcov(.,use.hessian=FALSE)[1,1])")
    if (nq == 100) l4b <- l4
    for (i in 1:5) add(if (nq == 25) "glmm-lme4" else "glmm-lme4-nagq100", q4[i], l4[i], if (i == 1) cl else c4[i], if (i == 1) r$note else "")
  }
  cm <- "rma.glmm(measure='PLO',xi=events,ni=patients,data=d,nAGQ=25,control=glmmctl)"
  r <- attempt(rma.glmm(measure = "PLO", xi = events, ni = patients, data = d, nAGQ = 25, control = glmmctl))
  mf <- rep(NA, 6); if (r$ok) mf <- c(r$v$b[1], r$v$se, r$v$tau2, r$v$fit.stats["ll", 1], r$v$QE.LRT, r$v$QE.Wld)
  qm <- c("mu", "se", "tau2", "loglik", "QE_LRT", "QE_Wald"); cc <- c("$b", "$se", "$tau2", "$fit.stats['ll','ML']", "$QE.LRT", "$QE.Wld")
  for (i in 1:6) add("glmm-metafor", qm[i], mf[i], if (i == 1) cm else cc[i], if (i == 1) r$note else if (i == 4 && r$ok) "uses deviance() of the glmer fit, which is conditional: not the marginal log-likelihood unless tau2 = 0" else "")
  list(exact = res, lme4 = l4[1:4], lme4.nagq100 = l4b[1:4], metafor = mf[1:4])
}
rma_methods <- c("EE", "DL", "REML", "ML", "PM", "HE", "SJ", "EB")
escalc4 <- function(d) list(
  PLO = escalc("PLO", xi = events, ni = patients, data = d, add = 1/2, to = "only0"),
  PAS = escalc("PAS", xi = events, ni = patients, data = d),
  PLN = escalc("PLN", xi = events, ni = patients, data = d, add = 1/2, to = "only0"),
  PFT = escalc("PFT", xi = events, ni = patients, data = d))
rma_rows <- function(add, es, name, methods = rma_methods) {
  for (me in methods) for (te in if (me == "EE") "z" else c("z", "knha", "adhoc")) {
    M <- paste("rma", name, me, te, sep = "-")
    cl <- sprintf("rma(%s,method='%s',test='%s',control=ctl)", name, me, te)
    r <- fit_rma(es, me, te); x <- r$v; nt <- r$note
    first <- TRUE
    put <- function(q, v) { add(M, q, if (r$ok) v else NA, if (first) cl else "", if (first) nt else ""); first <<- FALSE }
    if (te == "z") {
      put("b", x$b[1]); put("se", x$se); put("ci_low", x$ci.lb); put("ci_high", x$ci.ub)
      if (me != "EE") put("tau2", x$tau2)
      put("QE", x$QE); put("QE_p", x$QEp); put("I2_Q", if (r$ok && x$QE > 0) max(0, 100 * (x$QE - (x$k - 1)) / x$QE) else 0)
      if (me != "EE") { put("I2", x$I2); put("H2", x$H2) }
    } else { put("se", x$se); put("ci_low", x$ci.lb); put("ci_high", x$ci.ub) }
    if (me != "EE" && te != "adhoc") {
      p <- attempt(predict(x)); put("pi_low", p$v$pi.lb); put("pi_high", p$v$pi.ub)
    }
    if (me %in% c("DL", "REML") && te == "z") {
      q <- attempt({ ci <- confint(x, type = "QP", control = list(tol = 1e-13, maxiter = 10000, tau2.max = 1e5)); if (isTRUE(ci$ci.null)) warning("empty confidence set: metafor gives 0, 0"); ci$random["tau^2", ] })
      add(M, "tau2_ci_low", q$v["ci.lb"], "confint(.,type='QP',control=list(tol=1e-13,maxiter=10000,tau2.max=1e5))", q$note)
      add(M, "tau2_ci_high", q$v["ci.ub"], "")
    }
  }
}
do_proportion <- function(name) {
  set.seed(1)
  d <- read.csv(file.path(root, "datasets", paste0(name, ".csv")), stringsAsFactors = FALSE)
  C <- collector(name); add <- C$add; y <- d$events; n <- d$patients
  b <- binom.test(sum(y), sum(n))
  add("crude", "estimate", sum(y) / sum(n), "sum(events)/sum(patients)")
  add("crude", "ci_low", b$conf.int[1], "binom.test(sum(events),sum(patients))$conf.int[1]"); add("crude", "ci_high", b$conf.int[2], "binom.test(sum(events),sum(patients))$conf.int[2]")
  W <- wilson(y, n)
  for (i in seq_along(y)) {
    ci <- binom.test(y[i], n[i])$conf.int
    pw <- suppressWarnings(prop.test(y[i], n[i], correct = FALSE)$conf.int)
    stopifnot(max(abs(pw - W[i, ])) < 1e-9)
    c1 <- if (i == 1) "binom.test(events[i],patients[i])$conf.int" else ""; c2 <- if (i == 1) "wilson(events[i],patients[i]); = prop.test(.,correct=FALSE)$conf.int" else ""
    add("study", sprintf("ci_low[%d]", i), ci[1], c1); add("study", sprintf("ci_high[%d]", i), ci[2], "")
    add("study-wilson", sprintf("ci_low[%d]", i), W[i, 1], c2); add("study-wilson", sprintf("ci_high[%d]", i), W[i, 2], "")
  }
  cmp <- glmm_rows(add, d)
  r <- attempt(bb_fit(y, n)); f <- r$v; bc <- "bb_fit(d$events,d$patients)"
  add("betabinom", "p", if (r$ok) plogis(f$eta), bc, if (r$ok) sprintf("largest gradient %.0e", max(abs(if (f$rho > 0) f$grad else f$grad[1]))) else r$note)
  add("betabinom", "rho", f$rho, bc, if (r$ok && f$rho == 0) "maximum at rho = 0 (binomial)" else ""); add("betabinom", "loglik", f$ll, bc); add("betabinom", "se_logit_p", f$se, bc)
  es <- escalc4(d)
  for (m in names(es)) {
    if (name %in% c("pritz1997", "nielweise2007_treated", "kearon1998_sens", "synthetic_extreme")) for (i in seq_along(y)) {
      add(paste0("escalc-", m), sprintf("yi[%d]", i), es[[m]]$yi[i], if (i == 1) m else ""); add(paste0("escalc-", m), sprintf("vi[%d]", i), es[[m]]$vi[i], "")
    }
    rma_rows(add, es[[m]], m)
  }
  list(rows = C$get(), cmp = cmp)
}
names_in <- function(dir) { s <- read.csv(file.path(root, dir, "sources.csv"), stringsAsFactors = FALSE); s$name }
agree <- NULL
agreement <- function(kind, name, cmp) for (o in setdiff(names(cmp), "exact")) {
  v <- if (is.null(cmp$exact)) rep(NA, 4) else abs(as.numeric(cmp[[o]]) - as.numeric(cmp$exact))
  agree <<- rbind(agree, data.frame(kind = kind, dataset = name, engine = o, mu = v[1], se = v[2], tau2 = v[3], loglik = v[4]))
}
if (doing("proportions")) {
  t0 <- proc.time()[3]
  nm <- names_in("datasets")
  out <- mclapply(nm, do_proportion, mc.cores = cores, mc.preschedule = FALSE)
  for (i in seq_along(nm)) { if (inherits(out[[i]], "try-error") || is.null(out[[i]]$rows)) stop(nm[i], ": ", out[[i]]); agreement("proportions", nm[i], out[[i]]$cmp) }
  write_rows(lapply(out, `[[`, "rows"), "reference_proportions.csv")
  cat("proportions:", round(proc.time()[3] - t0), "s\n")
}

## ---------------------------------------------------------------------------
## 2x2 tables: arm a (events a_events of a_patients) against arm b
## ---------------------------------------------------------------------------
# noncentral hypergeometric of one table at log odds ratio th (a vector)
hyper <- function(a, n1, c, n2) {
  t <- a + c; j <- max(0, t - n2):min(n1, t)
  lc <- lchoose(n1, j) + lchoose(n2, t - j)
  P <- function(th) { l <- lc + outer(j, th); l <- sweep(l, 2, apply(l, 2, max)); e <- exp(l); sweep(e, 2, colSums(e), "/") }
  list(j = j, a = a, P = P,
       mean = function(th) colSums(P(th) * j),
       lp = function(th) { l <- lc + outer(j, th); m <- apply(l, 2, max); lc[match(a, j)] + a * th - m - log(colSums(exp(sweep(l, 2, m)))) },
       mv = function(th) { p <- P(th); m <- colSums(p * j); list(m = m, v = colSums(p * outer(j, m, `-`)^2)) },
       upper = function(th) colSums(P(th)[j >= a, , drop = FALSE]), lower = function(th) colSums(P(th)[j <= a, , drop = FALSE]))
}
root_of <- function(f, increasing) {               # root of a monotone function of th
  g <- if (increasing) f else function(x) -f(x)
  lo <- -1; while (g(lo) > 0) lo <- 2 * lo - 1
  hi <- 1; while (g(hi) < 0) hi <- 2 * hi + 1
  uniroot(g, c(lo, hi), tol = 1e-14, maxiter = 1000)$root
}
conditional_or <- function(a, n1, c, n2) {
  h <- hyper(a, n1, c, n2); lo <- min(h$j); hi <- max(h$j)
  if (lo == hi) return(c(NA, 0, Inf))
  c(if (a == lo) 0 else if (a == hi) Inf else exp(root_of(function(th) h$mean(th) - a, TRUE)),
    if (a == lo) 0 else exp(root_of(function(th) h$upper(th) - 0.025, TRUE)),
    if (a == hi) Inf else exp(root_of(function(th) h$lower(th) - 0.025, FALSE)))
}
newcombe <- function(a, n1, c, n2) {
  A <- wilson(a, n1); B <- wilson(c, n2); p1 <- a / n1; p2 <- c / n2
  cbind(p1 - p2, p1 - p2 - sqrt((p1 - A[, 1])^2 + (B[, 2] - p2)^2), p1 - p2 + sqrt((A[, 2] - p1)^2 + (p2 - B[, 1])^2))
}
# conditional model with exact (noncentral hypergeometric) likelihood, log OR ~ N(mu, tau2)
cmel_ll <- function(th, H, deriv = 0) {
  mu <- th[1]; tau <- th[2]; ll <- 0; g <- c(0, 0); HH <- matrix(0, 2, 2)
  for (h in H) {
    f <- function(z) h$lp(mu + tau * z) - z^2 / 2
    z <- 0
    for (it in 1:100) { m <- h$mv(mu + tau * z); st <- (tau * (h$a - m$m) - z) / (tau^2 * m$v + 1); st <- max(min(st, 2), -2); z <- z + st; if (abs(st) < 1e-9) break }
    f0 <- f(z); reach <- function(d) { t <- 0.5; while (f0 - f(z + d * t) < 50) t <- t * 1.2; t }
    L <- reach(-1); U <- reach(1)
    Z <- c(z - L * half_rule$u, z + U * half_rule$u); lw <- c(log(L) + half_rule$lw, log(U) + half_rule$lw)
    F <- f(Z) + lw; mx <- max(F); W <- exp(F - mx); s <- sum(W); ll <- ll + mx + log(s) - 0.5 * log(2 * pi)
    if (deriv) {
      W <- W / s; m <- h$mv(mu + tau * Z); r <- h$a - m$m
      e1 <- sum(W * r); e2 <- sum(W * Z * r); g <- g + c(e1, e2)
      h11 <- sum(W * (r^2 - m$v)) - e1^2; h12 <- sum(W * Z * (r^2 - m$v)) - e1 * e2; h22 <- sum(W * Z^2 * (r^2 - m$v)) - e2^2
      HH <- HH + matrix(c(h11, h12, h12, h22), 2)
    }
  }
  if (deriv) list(ll = ll, g = g, H = HH) else ll
}
cmel_fit <- function(d) {
  H <- Map(hyper, d$a_events, d$a_patients, d$b_events, d$b_patients)
  H <- Filter(function(h) length(h$j) > 1, H)
  fe <- 0; for (it in 1:100) { m <- lapply(H, function(h) h$mv(fe)); st <- sum(mapply(function(h, q) h$a - q$m, H, m)) / sum(sapply(m, `[[`, "v")); fe <- fe + st; if (abs(st) < 1e-14) break }
  ll0 <- sum(sapply(H, function(h) h$lp(fe))); v0 <- 1 / sum(sapply(H, function(h) h$mv(fe)$v))
  best <- list(par = c(fe, 0), ll = ll0)
  for (t0 in c(0.2, 0.8)) {
    o <- nlminb(c(fe, t0), function(t) -cmel_ll(t, H), function(t) -cmel_ll(t, H, 1)$g, function(t) -cmel_ll(t, H, 1)$H, lower = c(-Inf, 0), control = list(rel.tol = 1e-14))
    if (-o$objective > best$ll + 1e-10) best <- list(par = o$par, ll = -o$objective)
  }
  if (best$par[2] < 1e-5) return(list(b = fe, se = sqrt(v0), tau2 = 0, ll = ll0, grad = 0, fe = fe, fe_se = sqrt(v0)))
  t <- best$par
  for (i in 1:20) { D <- cmel_ll(t, H, 1); st <- solve(D$H, D$g); t <- t - st; if (max(abs(st)) < 1e-13) break }
  D <- cmel_ll(t, H, 1)
  list(b = t[1], se = sqrt(solve(-D$H)[1, 1]), tau2 = t[2]^2, ll = D$ll, grad = max(abs(D$g)), fe = fe, fe_se = sqrt(v0))
}
do_table <- function(name) {
  set.seed(1)
  d <- read.csv(file.path(root, "tables", paste0(name, ".csv")), stringsAsFactors = FALSE)
  C <- collector(name); add <- C$add; k <- nrow(d); a <- d$a_events; n1 <- d$a_patients; c2 <- d$b_events; n2 <- d$b_patients
  es <- lapply(c(OR = "OR", RR = "RR", RD = "RD"), function(m) escalc(m, ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d, add = 1/2, to = "only0"))
  N <- newcombe(a, n1, c2, n2)
  for (i in seq_len(k)) {
    i1 <- function(s) if (i == 1) s else ""
    e <- conditional_or(a[i], n1[i], c2[i], n2[i]); f <- fisher.test(matrix(c(a[i], n1[i] - a[i], c2[i], n2[i] - c2[i]), 2), conf.level = 0.95)
    nt <- if (is.na(e[1])) "no events (or no non-events) in either arm" else ""
    for (q in 1:3) add("or-conditional", sprintf("%s[%d]", c("or", "ci_low", "ci_high")[q], i), e[q], i1("conditional_or(a,n1,c,n2), roots to 1e-14 in the log odds ratio"), if (q == 1) nt else "")
    for (q in 1:4) add("fisher.test", sprintf("%s[%d]", c("or", "ci_low", "ci_high", "p")[q], i), c(f$estimate, f$conf.int, f$p.value)[q], i1("fisher.test(matrix(c(a,n1-a,c,n2-c),2),conf.level=.95)"))
    for (m in names(es)) { add(paste0("escalc-", m), sprintf("yi[%d]", i), es[[m]]$yi[i], i1(sprintf("escalc('%s',ai=a_events,n1i=a_patients,ci=b_events,n2i=b_patients,data=d,add=1/2,to='only0')", m))); add(paste0("escalc-", m), sprintf("vi[%d]", i), es[[m]]$vi[i]) }
    for (q in 1:3) add("newcombe", sprintf("%s[%d]", c("rd", "ci_low", "ci_high")[q], i), N[i, q], i1("newcombe(a,n1,c,n2): d-sqrt((p1-l1)^2+(u2-p2)^2), d+sqrt((u1-p1)^2+(p2-l2)^2), l and u Wilson limits"))
  }
  for (m in c("OR", "RR", "RD")) {
    M <- paste0("rma.mh-", m)
    r <- attempt(rma.mh(measure = m, ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d)); x <- r$v
    first <- TRUE; put <- function(q, v) { add(M, q, if (r$ok) v else NA, if (first) sprintf("rma.mh(measure='%s',ai=a_events,n1i=a_patients,ci=b_events,n2i=b_patients,data=d)", m) else "", if (first) r$note else ""); first <<- FALSE }
    put("b", x$b[1]); put("se", x$se); put("ci_low", x$ci.lb); put("ci_high", x$ci.ub); put("QE", x$QE); put("QE_p", x$QEp)
    if (m == "OR") {
      put("MH", x$MH); put("MH_p", x$MHp); put("TA", x$TA); put("TA_p", x$TAp)
      z <- attempt(rma.mh(measure = "OR", ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d, correct = FALSE))
      add(M, "MH_uncorrected", z$v$MH, "rma.mh(.,correct=FALSE)$MH"); add(M, "MH_uncorrected_p", z$v$MHp)
    }
  }
  r <- attempt(rma.peto(ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d)); x <- r$v
  first <- TRUE; put <- function(q, v) { add("rma.peto", q, if (r$ok) v else NA, if (first) "rma.peto(ai=a_events,n1i=a_patients,ci=b_events,n2i=b_patients,data=d)" else "", if (first) r$note else ""); first <<- FALSE }
  put("b", x$b[1]); put("se", x$se); put("ci_low", x$ci.lb); put("ci_high", x$ci.ub); put("QE", x$QE); put("QE_p", x$QEp)
  for (m in names(es)) rma_rows(add, es[[m]], m, c("EE", "DL", "REML", "PM"))

  ## generalised linear mixed models of the log odds ratio
  cmp <- list()
  keep <- (a + c2 > 0) & (a + c2 < n1 + n2); D <- d[keep, ]; kk <- nrow(D)
  G <- rep(c(1, 0), kk)
  X <- cbind(G, model.matrix(~ 0 + factor(rep(seq_len(kk), each = 2))))
  P <- make_problem(c(rbind(D$a_events, D$b_events)), c(rbind(D$a_patients, D$b_patients)), X, rep(seq_len(kk), each = 2), G - 0.5)
  r <- attempt(glmm_fit(P)); f <- r$v
  M <- "glmm-um.fs-exact"; cl <- "glmm_fit(make_problem(y,n,X=cbind(arm a,study dummies),study,load=+1/2 arm a,-1/2 arm b)); double-zero studies left out"
  add(M, "b", f$beta[1], cl, if (r$ok) (if (f$boundary) "maximum at tau2 = 0" else sprintf("largest gradient %.0e; integrate() differs by %.0e", f$grad, abs(f$ll - glmm_ll_integrate(c(f$beta, f$tau), P)))) else r$note)
  add(M, "se", sqrt(f$V[1, 1])); add(M, "tau2", f$tau^2); add(M, "loglik", f$ll)
  ex <- c(f$beta[1], sqrt(f$V[1, 1]), f$tau^2, f$ll)
  r <- attempt(cmel_fit(D)); f <- r$v; M <- "glmm-cm.el-exact"; cl <- "cmel_fit(d): noncentral hypergeometric, tables without information left out"
  add(M, "b", f$b, cl, if (r$ok) sprintf("largest gradient %.0e", f$grad) else r$note); add(M, "se", f$se); add(M, "tau2", f$tau2); add(M, "loglik", f$ll)
  add(M, "b_common", f$fe, "the same with tau2 = 0: conditional maximum likelihood"); add(M, "se_common", f$fe_se)
  exc <- c(f$b, f$se, f$tau2, f$ll)
  res <- list()
  for (mo in c("UM.FS", "UM.RS", "CM.EL", "CM.AL")) {
    ctlm <- if (mo == "CM.EL") list(intCtrl = list(rel.tol = 1e-9, subdivisions = 1000)) else glmmctl
    q <- if (mo == "UM.RS") 1 else 25
    r <- attempt(if (mo == "CM.EL") rma.glmm(measure = "OR", ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d, model = "CM.EL", control = ctlm) else
      rma.glmm(measure = "OR", ai = a_events, n1i = a_patients, ci = b_events, n2i = b_patients, data = d, model = mo, nAGQ = q, control = ctlm)); x <- r$v
    M <- paste0("glmm-", tolower(mo), "-metafor")
    cl <- sprintf("rma.glmm(measure='OR',ai=a_events,n1i=a_patients,ci=b_events,n2i=b_patients,data=d,model='%s',%s", mo,
                  if (mo == "CM.EL") "control=list(intCtrl=list(rel.tol=1e-9,subdivisions=1000)))" else sprintf("nAGQ=%d,control=glmmctl)", q))
    v <- if (r$ok) c(x$b[1], x$se, x$tau2, x$fit.stats["ll", 1], x$ci.lb, x$ci.ub, x$QE.LRT, x$QE.Wld) else rep(NA, 8)
    for (i in 1:8) add(M, c("b", "se", "tau2", "loglik", "ci_low", "ci_high", "QE_LRT", "QE_Wald")[i], v[i], if (i == 1) cl else "", if (i == 1) r$note else "")
    res[[mo]] <- v[1:4]
  }
  list(rows = C$get(), cmp = list(exact = ex, metafor.um.fs = res$UM.FS), cmp2 = list(exact = exc, metafor.cm.el = res$CM.EL))
}
if (doing("tables")) {
  t0 <- proc.time()[3]
  nm <- names_in("tables")
  out <- mclapply(nm, do_table, mc.cores = cores, mc.preschedule = FALSE)
  for (i in seq_along(nm)) { if (inherits(out[[i]], "try-error") || is.null(out[[i]]$rows)) stop(nm[i], ": ", out[[i]]); agreement("tables", nm[i], out[[i]]$cmp); agreement("tables", nm[i], out[[i]]$cmp2) }
  write_rows(lapply(out, `[[`, "rows"), "reference_tables.csv")
  cat("tables:", round(proc.time()[3] - t0), "s\n")
}

## ---------------------------------------------------------------------------
## Grouped proportions: arms of one study share its random effect
## ---------------------------------------------------------------------------
do_grouped <- function(name) {
  set.seed(1)
  d <- read.csv(file.path(root, "grouped", paste0(name, ".csv")), stringsAsFactors = FALSE)
  C <- collector(name); add <- C$add
  lev <- sort(unique(d$group), method = "radix"); d$group <- factor(d$group, lev); d$study <- factor(d$study, unique(d$study)); g <- length(lev)
  X <- model.matrix(~ 0 + group, d)
  ## exact likelihood
  P1 <- make_problem(d$events, d$patients, X, as.character(d$study)); P0 <- make_problem(d$events, d$patients, study = as.character(d$study))
  f1 <- glmm_fit(P1); f0 <- glmm_fit(P0)
  nt <- function(f, P) if (f$boundary) "maximum at tau2 = 0" else sprintf("largest gradient %.0e; integrate() differs by %.0e", f$grad, abs(f$ll - glmm_ll_integrate(c(f$beta, f$tau), P)))
  M <- "glmm-common-exact"; cl <- "glmm_fit(make_problem(d$events,d$patients,model.matrix(~0+group,d),d$study))"
  for (j in 1:g) { add(M, sprintf("mu[%s]", lev[j]), f1$beta[j], if (j == 1) cl else "", if (j == 1) nt(f1, P1) else ""); add(M, sprintf("se[%s]", lev[j]), sqrt(f1$V[j, j])) }
  for (j in 1:g) { m <- f1$beta[j]; s <- sqrt(f1$V[j, j]); add(M, sprintf("estimate[%s]", lev[j]), plogis(m), "plogis(mu)"); add(M, sprintf("ci_low[%s]", lev[j]), plogis(m - z975 * s), "plogis(mu-qnorm(.975)*se)"); add(M, sprintf("ci_high[%s]", lev[j]), plogis(m + z975 * s), "") }
  K <- cbind(-1, diag(g - 1)); dl <- as.vector(K %*% f1$beta[1:g]); V <- K %*% f1$V[1:g, 1:g] %*% t(K)
  for (j in 2:g) { add(M, sprintf("diff[%s]", lev[j]), dl[j - 1], sprintf("mu[%s]-mu[%s]", lev[j], lev[1])); add(M, sprintf("diff_se[%s]", lev[j]), sqrt(V[j - 1, j - 1])) }
  wq <- as.vector(t(dl) %*% solve(V, dl)); add(M, "Wald", wq, "differences'V^-1 differences"); add(M, "Wald_df", g - 1); add(M, "Wald_p", pchisq(wq, g - 1, lower.tail = FALSE))
  add(M, "tau2", f1$tau^2); add(M, "loglik", f1$ll)
  M <- "glmm-null-exact"; add(M, "mu", f0$beta, "glmm_fit(make_problem(d$events,d$patients,study=d$study))", nt(f0, P0)); add(M, "se", sqrt(f0$V[1, 1])); add(M, "tau2", f0$tau^2); add(M, "loglik", f0$ll)
  l <- 2 * (f1$ll - f0$ll); M <- "glmm-lrt-exact"; add(M, "chi2", l, "2*(loglik common - loglik null)"); add(M, "df", g - 1); add(M, "p", pchisq(l, g - 1, lower.tail = FALSE))
  ## lme4
  P <- P1; r1 <- attempt(glmer(cbind(events, patients - events) ~ 0 + group + (1 | study), data = d, family = binomial, nAGQ = 25, control = glmerctl))
  r0 <- attempt(glmer(cbind(events, patients - events) ~ 1 + (1 | study), data = d, family = binomial, nAGQ = 25, control = glmerctl))
  M <- "glmm-common-lme4"; cl <- "glmer(cbind(events,patients-events)~0+group+(1|study),d,binomial,nAGQ=25,control=glmerctl)"
  b <- rep(NA, g); s <- b; t2 <- NA; ll <- NA; if (r1$ok) { b <- fixef(r1$v); s <- sqrt(diag(as.matrix(vcov(r1$v)))); t2 <- VarCorr(r1$v)$study[1]; ll <- P1$const + c(logLik(r1$v)) }
  for (j in 1:g) { add(M, sprintf("mu[%s]", lev[j]), b[j], if (j == 1) cl else "", if (j == 1) r1$note else ""); add(M, sprintf("se[%s]", lev[j]), s[j]) }
  add(M, "tau2", t2); add(M, "loglik", ll, "sum(dbinom(y,n,y/n,log=TRUE))+logLik(.)")
  M <- "glmm-null-lme4"; n0 <- rep(NA, 4); if (r0$ok) n0 <- c(fixef(r0$v), sqrt(vcov(r0$v)[1, 1]), VarCorr(r0$v)$study[1], P1$const + c(logLik(r0$v)))
  for (i in 1:4) add(M, c("mu", "se", "tau2", "loglik")[i], n0[i], if (i == 1) "glmer(cbind(events,patients-events)~1+(1|study),d,binomial,nAGQ=25,control=glmerctl)" else "", if (i == 1) r0$note else "")
  l4 <- 2 * (ll - n0[4]); M <- "glmm-lrt-lme4"; add(M, "chi2", l4, "anova(null,common,test='Chisq')"); add(M, "df", g - 1); add(M, "p", pchisq(l4, g - 1, lower.tail = FALSE))
  ## a tau2 of its own for each group; arms treated as independent across groups
  M <- "glmm-separate-exact"; mu <- s2 <- rep(NA, g)
  for (j in 1:g) {
    e <- d[d$group == lev[j], ]
    r <- attempt({ if (all(e$events == 0) || all(e$events == e$patients)) stop("no finite maximum"); glmm_fit(make_problem(e$events, e$patients, study = as.character(e$study))) }); f <- r$v
    if (r$ok) { mu[j] <- f$beta; s2[j] <- f$V[1, 1] }
    add(M, sprintf("mu[%s]", lev[j]), mu[j], if (j == 1) "glmm_fit(make_problem(d$events,d$patients,study=d$study)) on the rows of each group" else "", if (r$ok) (if (f$boundary) "maximum at tau2 = 0" else "") else r$note)
    add(M, sprintf("se[%s]", lev[j]), sqrt(s2[j])); add(M, sprintf("tau2[%s]", lev[j]), f$tau^2); add(M, sprintf("loglik[%s]", lev[j]), f$ll)
  }
  qb <- function(m, v) { w <- 1 / v; sum(w * (m - sum(w * m) / sum(w))^2) }
  q <- qb(mu, s2); add(M, "Q_between", q, "w=1/se^2; sum(w*(mu-sum(w*mu)/sum(w))^2)"); add(M, "Q_between_df", g - 1); add(M, "Q_between_p", pchisq(q, g - 1, lower.tail = FALSE))
  ## two-stage, all arms treated as independent
  PLO <- escalc("PLO", xi = events, ni = patients, data = d, add = 1/2, to = "only0")
  for (me in c("EE", "DL", "REML")) for (te in if (me == "EE") "z" else c("z", "knha")) {
    r <- fit_rma(PLO, me, te, mods = ~ group); x <- r$v; M <- paste("rma-PLO-mods", me, te, sep = "-")
    put <- function(q, v, cl = "", nt = "") add(M, q, if (r$ok) v else NA, cl, nt)
    put("QM", x$QM, sprintf("rma(yi,vi,mods=~group,data=PLO,method='%s',test='%s',control=ctl)", me, te), r$note); put("QM_p", x$QMp)
    put("QM_df", g - 1); if (te == "knha") put("QM_df2", x$QMdf[2])
    if (me != "EE" && te == "z") put("tau2", x$tau2)
    if (te == "z") { put("QE", x$QE); put("QE_p", x$QEp) }
    for (j in 1:g) { nmj <- if (j == 1) "intercept" else lev[j]; if (te == "z") put(sprintf("b[%s]", nmj), x$b[j]); put(sprintf("se[%s]", nmj), x$se[j]) }
  }
  for (me in c("EE", "DL", "REML")) for (te in if (me == "EE") "z" else c("z", "knha")) {
    M <- paste("rma-PLO-separate", me, te, sep = "-"); mu <- s2 <- rep(NA, g)
    for (j in 1:g) {
      r <- fit_rma(PLO[d$group == lev[j], ], me, te); x <- r$v
      if (r$ok) { mu[j] <- x$b[1]; s2[j] <- x$se^2 }
      if (te == "z") add(M, sprintf("b[%s]", lev[j]), mu[j], if (j == 1) sprintf("rma(PLO[d$group==level,],method='%s',test='%s',control=ctl)", me, te) else "", r$note)
      add(M, sprintf("se[%s]", lev[j]), sqrt(s2[j]), if (te != "z" && j == 1) sprintf("rma(PLO[d$group==level,],method='%s',test='%s',control=ctl)", me, te) else "")
      if (te == "z" && me != "EE") add(M, sprintf("tau2[%s]", lev[j]), x$tau2)
    }
    q <- qb(mu, s2); add(M, "Q_between", q, "w=1/se^2; sum(w*(b-sum(w*b)/sum(w))^2)"); add(M, "Q_between_df", g - 1); add(M, "Q_between_p", pchisq(q, g - 1, lower.tail = FALSE))
  }
  list(rows = C$get(), cmp = list(exact = c(f1$beta[1], sqrt(f1$V[1, 1]), f1$tau^2, f1$ll), lme4 = c(b[1], s[1], t2, ll)),
       cmp2 = list(exact = c(f0$beta, sqrt(f0$V[1, 1]), f0$tau^2, f0$ll), lme4.null = n0))
}
if (doing("grouped")) {
  t0 <- proc.time()[3]
  nm <- names_in("grouped")
  out <- mclapply(nm, do_grouped, mc.cores = cores, mc.preschedule = FALSE)
  for (i in seq_along(nm)) { if (inherits(out[[i]], "try-error") || is.null(out[[i]]$rows)) stop(nm[i], ": ", out[[i]]); agreement("grouped", nm[i], out[[i]]$cmp); agreement("grouped", nm[i], out[[i]]$cmp2) }
  write_rows(lapply(out, `[[`, "rows"), "reference_grouped.csv")
  cat("grouped:", round(proc.time()[3] - t0), "s\n")
}

if (!"none" %in% args) {
  v <- sapply(c("metafor", "lme4", "metadat", "numDeriv", "BiasedUrn"), function(p) as.character(packageVersion(p)))
  write.csv(data.frame(software = c("R", names(v)), version = c(as.character(getRversion()), v)), file.path(root, "versions.csv"), row.names = FALSE, quote = FALSE)
}
if (!is.null(agree) && length(args) == 0) {
  for (q in c("mu", "se", "tau2", "loglik")) agree[[q]] <- ifelse(is.na(agree[[q]]), "NA", sprintf("%.1e", agree[[q]]))
  write.csv(agree, file.path(root, "agreement.csv"), row.names = FALSE, quote = FALSE)
}
