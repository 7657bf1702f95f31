# Regenerates the reference numbers of tests/golden from its CSV data.
# Run from the repository root:   Rscript tests/golden/reference.R
# (Rscript tests/golden/reference.R proportions   does one part: proportions, tables, grouped)
# Needs R with metafor, lme4, numDeriv and BiasedUrn; see README.md for the versions.
suppressPackageStartupMessages({ library(metafor); library(lme4); library(numDeriv); library(parallel) })
options(warn = 1, scipen = 0)
root <- "tests/golden"
args <- commandArgs(trailingOnly = TRUE)
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
##   y_a ~ Binomial(n_a, plogis(x_a'beta + tau z_s)),  z_s ~ N(0,1), arms a of study s
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

make_problem <- function(y, n, X = matrix(1, length(y), 1), study = seq_along(y)) {
  s <- as.integer(factor(study, unique(study)))
  list(y = y, n = n, X = X, s = s, k = max(s), p = ncol(X), const = ll_saturated(y, n))
}
sumby <- function(v, s, k) if (is.matrix(v)) { if (k == length(s)) v else rowsum(v, s, reorder = TRUE) } else
  if (k == length(s)) v else as.vector(rowsum(v, s, reorder = TRUE))

# log-likelihood (binomial coefficients included), gradient and Hessian in (beta, tau)
glmm_ll <- function(th, P, deriv = 0) {
  be <- th[seq_len(P$p)]; tau <- th[P$p + 1]
  off <- as.vector(P$X %*% be)
  y <- P$y; n <- P$n; s <- P$s; k <- P$k
  z <- rep(0, k)
  obj <- function(z) sumby(lb_rel(y, n, off + tau * z[s]), s, k) - z^2 / 2
  f <- obj(z)
  for (it in 1:200) {
    pr <- plogis(off + tau * z[s])
    g <- tau * sumby(y - n * pr, s, k) - z
    h <- tau^2 * sumby(n * pr * plogis(-(off + tau * z[s])), s, k) + 1
    st <- g / h
    st <- pmax(pmin(st, 5), -5)
    z1 <- z + st; f1 <- obj(z1)
    for (b in 1:60) { bad <- !(f1 >= f - 1e-12 * (1 + abs(f))); if (!any(bad)) break; st[bad] <- st[bad] / 2; z1 <- z + st; f1 <- obj(z1) }
    z <- z1; f <- f1
    if (max(abs(st) * sqrt(h)) < 1e-9) break
  }
  sc <- 1 / sqrt(tau^2 * sumby(n * plogis(off + tau * z[s]) * plogis(-(off + tau * z[s])), s, k) + 1)
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
  eta <- off + tau * Z[s, , drop = FALSE]            # arms x m
  F <- sumby(lb_rel(y, n, eta), s, k) - Z^2 / 2
  F <- F + LW
  mx <- apply(F, 1, max)
  W <- exp(F - mx); tot <- rowSums(W)
  ll <- sum(mx + log(tot) - 0.5 * log(2 * pi)) + P$const
  if (!deriv) return(ll)
  W <- W / tot
  p <- plogis(eta); r <- y - n * p; v <- n * p * plogis(-eta)
  q <- P$p + 1
  # per-study score vector at each node: sum_a x_a r, z sum_a r
  G <- vector("list", q); 
  for (j in seq_len(P$p)) G[[j]] <- sumby(P$X[, j] * r, s, k)
  G[[q]] <- Z * sumby(r, s, k)
  Eg <- sapply(G, function(m) rowSums(W * m)); dim(Eg) <- c(k, q)
  H <- matrix(0, q, q)
  for (i in seq_len(q)) for (j in i:q) {
    d2 <- if (j < q) sumby(P$X[, i] * P$X[, j] * v, s, k) else if (i < q) Z * sumby(P$X[, i] * v, s, k) else Z^2 * sumby(v, s, k)
    H[i, j] <- H[j, i] <- sum(rowSums(W * (G[[i]] * G[[j]] - d2)) - Eg[, i] * Eg[, j])
  }
  list(ll = ll, g = colSums(Eg), H = H)
}

# the same log-likelihood by stats::integrate (an independent check of the quadrature)
glmm_ll_integrate <- function(th, P) {
  be <- th[seq_len(P$p)]; tau <- th[P$p + 1]
  off <- as.vector(P$X %*% be); tot <- 0
  for (i in seq_len(P$k)) {
    a <- which(P$s == i)
    f <- function(z) { o <- -z^2 / 2; for (j in a) o <- o + lb_rel(P$y[j], P$n[j], off[j] + tau * z); o }
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
  b <- qr.coef(qr(P$X), rep(qlogis(pb), length(P$y)))
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
    add(M, "pi_low", plogis(mu - h), "plogis(mu-qt(.975,k-1)*sqrt(tau2+se^2))"); add(M, "pi_high", plogis(mu + h), "plogis(mu+qt(.975,k-1)*sqrt(tau2+se^2))")
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
  cl <- "glmer(cbind(events,patients-events)~1+(1|study),d,binomial,nAGQ=25,control=glmerctl)"
  r <- attempt(glmer(cbind(events, patients - events) ~ 1 + (1 | study), data = d, family = binomial, nAGQ = 25, control = glmerctl))
  l4 <- rep(NA, 5); if (r$ok) l4 <- c(fixef(r$v), sqrt(vcov(r$v)[1, 1]), VarCorr(r$v)$study[1], P$const + c(logLik(r$v)), sqrt(vcov(r$v, use.hessian = FALSE)[1, 1]))
  q4 <- c("mu", "se", "tau2", "loglik", "se_rx")
  c4 <- c("fixef", "sqrt(vcov(.)[1,1])", "VarCorr(.)$study[1]", "sum(dbinom(y,n,y/n,log=TRUE))+logLik(.)", "sqrt(vcov(.,use.hessian=FALSE)[1,1])")
  for (i in 1:5) add("glmm-lme4", q4[i], l4[i], if (i == 1) cl else c4[i], if (i == 1) r$note else "")
  cm <- "rma.glmm(measure='PLO',xi=events,ni=patients,data=d,nAGQ=25,control=glmmctl)"
  r <- attempt(rma.glmm(measure = "PLO", xi = events, ni = patients, data = d, nAGQ = 25, control = glmmctl))
  mf <- rep(NA, 6); if (r$ok) mf <- c(r$v$b[1], r$v$se, r$v$tau2, r$v$fit.stats["ll", 1], r$v$QE.LRT, r$v$QE.Wld)
  qm <- c("mu", "se", "tau2", "loglik", "QE_LRT", "QE_Wald"); cc <- c("$b", "$se", "$tau2", "$fit.stats['ll','ML']", "$QE.LRT", "$QE.Wld")
  for (i in 1:6) add("glmm-metafor", qm[i], mf[i], if (i == 1) cm else cc[i], if (i == 1) r$note else "")
  list(exact = res, lme4 = l4[1:4], metafor = mf[1:4])
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
      if (me == "EE") {
        put("QE", x$QE); put("QE_p", x$QEp); put("I2_Q", max(0, 100 * (x$QE - (x$k - 1)) / x$QE))
      } else {
        put("tau2", x$tau2); put("I2", x$I2); put("H2", x$H2)
      }
    } else { put("se", x$se); put("ci_low", x$ci.lb); put("ci_high", x$ci.ub) }
    if (me != "EE" && te != "adhoc") {
      p <- attempt(predict(x)); put("pi_low", p$v$pi.lb); put("pi_high", p$v$pi.ub)
    }
    if (me %in% c("DL", "REML") && te == "z") {
      q <- attempt(confint(x, type = "QP", control = list(tol = 1e-13, maxiter = 10000, tau2.max = 1e5))$random["tau^2", ])
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
agreement <- function(kind, name, cmp) {
  for (o in setdiff(names(cmp), "exact")) agree <<- rbind(agree, data.frame(kind = kind, dataset = name, engine = o,
    mu = NA, se = NA, tau2 = NA, loglik = NA)[1, ])
  for (o in setdiff(names(cmp), "exact")) if (!is.null(cmp$exact))
    agree[nrow(agree) - length(setdiff(names(cmp), "exact")) + match(o, setdiff(names(cmp), "exact")), 4:7] <<- abs(cmp[[o]] - cmp$exact)
}
if (doing("proportions")) {
  t0 <- proc.time()[3]
  nm <- names_in("datasets")
  out <- mclapply(nm, do_proportion, mc.cores = cores, mc.preschedule = FALSE)
  for (i in seq_along(nm)) { if (inherits(out[[i]], "try-error") || is.null(out[[i]]$rows)) stop(nm[i], ": ", out[[i]]); agreement("proportions", nm[i], out[[i]]$cmp) }
  write_rows(lapply(out, `[[`, "rows"), "reference_proportions.csv")
  cat("proportions:", round(proc.time()[3] - t0), "s\n")
}

v <- sapply(c("metafor", "lme4", "metadat", "numDeriv", "BiasedUrn"), function(p) as.character(packageVersion(p)))
write.csv(data.frame(software = c("R", names(v)), version = c(as.character(getRversion()), v)), file.path(root, "versions.csv"), row.names = FALSE, quote = FALSE)
if (!is.null(agree) && length(args) == 0) {
  for (q in c("mu", "se", "tau2", "loglik")) agree[[q]] <- ifelse(is.na(agree[[q]]), "NA", sprintf("%.1e", agree[[q]]))
  write.csv(agree, file.path(root, "agreement.csv"), row.names = FALSE, quote = FALSE)
}
