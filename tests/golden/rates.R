# Reference numbers for rates, and for what is predicted of a new study.
# Run from the repository root:   Rscript tests/golden/rates.R      (three minutes)
# Writes tests/golden/rates/*.csv (study,events,patients,time: time is each row's follow-up, person-time the product; where
# only person-time is known it stands under patients with time 1) and reference_rates.csv.
# Models: poisson-normal and cloglog-normal by an exact likelihood in plain R (trapezoidal rule, 2,001 nodes or more on where
# the integrand is above exp(-50) of its peak, maximised by nlminb from four starts and polished by Newton with numDeriv), by
# lme4 (glmer, 25 nodes) and, for the Poisson model, by metafor (rma.glmm, IRLN); `rows` are single rows (poisson.test).
# `future` takes mu, se, tau2 of glmm-exact in reference_proportions.csv.
golden_parts <- "none"
source("tests/golden/reference.R")
library(metadat)

## ---- data ----------------------------------------------------------------
data("cbpp", package = "lme4")
zeros <- data.frame(study = 1:12, events = c(0, 0, 1, 0, 3, 0, 0, 9, 0, 2, 0, 1),
                    patients = c(12, 40, 55, 23, 80, 31, 18, 127, 64, 97, 9, 148),
                    time = c(28, 30, 90, 14, 100, 60, 30, 90, 180, 30, 7, 100) / 30.4375)
sets <- list(
  nielweise2008_treated = with(dat.nielweise2008, data.frame(study, events = x1i, patients = t1i / 1000, time = 1)),
  nielweise2008_control = with(dat.nielweise2008, data.frame(study, events = x2i, patients = t2i / 1000, time = 1)),
  hart1999_treated = with(dat.hart1999, data.frame(study = trial, events = x1i, patients = n1i, time = t1i / n1i)),
  hart1999_control = with(dat.hart1999, data.frame(study = trial, events = x2i, patients = n2i, time = t2i / n2i)),
  cbpp = with(cbpp, data.frame(study = herd, events = incidence, patients = size, time = 1)),
  synthetic_zeros = zeros,
  synthetic_two = data.frame(study = 1:2, events = c(16, 7), patients = c(148, 127), time = c(100, 90) / 30.4375),
  synthetic_same = data.frame(study = 1:4, events = c(3, 6, 4, 5), patients = c(60, 110, 80, 100), time = 3),
  synthetic_large = data.frame(study = 1:8, events = c(5210, 8123, 3020, 9911, 7140, 4402, 12050, 6200),
                               patients = c(21, 25, 16, 30, 28, 15, 44, 24) * 1e5, time = c(1, 1.5, 1, 2, 1, 1.2, 1, 1)),
  synthetic_high = data.frame(study = 1:7, events = c(12, 40, 25, 9, 0, 31, 18), patients = c(20, 55, 25, 30, 11, 60, 22),
                              time = c(1, 2, 3, 1, 0.5, 2, 1)),
  synthetic_two_maxima = data.frame(study = 1:4, events = c(1, 0, 1, 0), patients = c(13, 5, 10, 14), time = c(12, 1, 1, 12)),
  synthetic_steep = data.frame(study = 1:3, events = c(91, 5549, 0), patients = c(47517, 5549, 9357), time = c(1, 3, 3)),
  synthetic_single_event = data.frame(study = 1:3, events = c(0, 0, 40), patients = 100, time = 1),
  synthetic_one = data.frame(study = 1, events = 7, patients = 127, time = 90 / 30.4375),
  synthetic_none = data.frame(study = 1:3, events = 0, patients = c(20, 35, 50), time = c(1, 2, 3)))
only_person_time <- c("nielweise2008_treated", "nielweise2008_control")
source_of <- c(nielweise2008_treated = "metadat dat.nielweise2008 x1i, t1i (in 1,000 catheter days)",
               nielweise2008_control = "metadat dat.nielweise2008 x2i, t2i (in 1,000 catheter days)",
               hart1999_treated = "metadat dat.hart1999 x1i, n1i, t1i (person-years)",
               hart1999_control = "metadat dat.hart1999 x2i, n2i, t2i (person-years)",
               cbpp = "lme4 cbpp incidence, size; several rows a herd share its effect")
citation_of <- c(nielweise = "Niel-Weise BS, Stijnen T, van den Broek PJ. Anti-infective-treated central venous catheters for total parenteral nutrition or chemotherapy: a systematic review. J Hosp Infect 2008;69:114-23.",
                 hart = "Hart RG, Benavente O, McBride R, Pearce LA. Antithrombotic therapy to prevent stroke in patients with atrial fibrillation: a meta-analysis. Ann Intern Med 1999;131:492-501.",
                 cbpp = "Lesnoff M, Laval G, Bonnet P, et al. Within-herd spread of contagious bovine pleuropneumonia in Ethiopian highlands. Prev Vet Med 2004;64:27-40.")
for (name in names(sets)) {
  d <- sets[[name]]
  d[-1] <- lapply(d[-1], function(v) sprintf("%.17g", v))
  write.csv(d, file.path(root, "rates", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
  sets[[name]] <- read.csv(file.path(root, "rates", paste0(name, ".csv")))
}
key <- function(name) names(citation_of)[vapply(names(citation_of), function(k) startsWith(name, k), TRUE)]
write.csv(data.frame(name = names(sets), dataset = ifelse(names(sets) %in% names(source_of), source_of[names(sets)], "synthetic"),
                     citation = vapply(names(sets), function(n) if (length(key(n))) citation_of[[key(n)]] else "made up for this project", "")),
          file.path(root, "rates", "sources.csv"), row.names = FALSE)

## ---- the exact likelihood -------------------------------------------------
# log density of a study's rows, for a vector of eta
density_of <- list(
  "poisson-normal" = function(y, n, m, eta) colSums(matrix(dpois(y, outer(n * m, exp(eta)), log = TRUE), length(y))),
  "cloglog-normal" = function(y, n, m, eta) {
    h <- pmax(outer(m, exp(eta)), 1e-300)
    colSums(lchoose(n, y) + y * log(-expm1(-h)) - (n - y) * h)
  })
study_loglik <- function(d, model, mu, tau) {
  l <- function(z) density_of[[model]](d$events, d$patients, d$time, mu + tau * z) + dnorm(z, log = TRUE)
  if (tau == 0) return(density_of[[model]](d$events, d$patients, d$time, mu))
  top <- optimize(l, c(-12, 12), maximum = TRUE, tol = 1e-10)
  floor <- top$objective - 50
  end <- function(side) { far <- 1e-3; while (l(top$maximum + side * far) > floor) far <- far * 1.3; top$maximum + side * far }
  ends <- c(end(-1), end(1))
  z <- seq(ends[1], ends[2], length.out = max(2001, ceiling(60 * tau * diff(ends))))
  v <- l(z)
  max(v) + log(sum(exp(v - max(v)))) + log(z[2] - z[1])
}
loglik <- function(th, d, model) sum(vapply(split(d, d$study), study_loglik, 0, model = model, mu = th[1], tau = abs(th[2])))
fit_exact <- function(d, model) {
  f <- function(th) loglik(th, d, model)
  flat <- optimize(function(mu) f(c(mu, 0)), log(sum(d$events) / sum(d$patients * d$time)) + c(-3, 3), maximum = TRUE, tol = 1e-12)
  best <- list(mu = flat$maximum, tau = 0, loglik = flat$objective, flat = flat$objective)
  for (tau in c(.2, .8, 2.5, 10)) {
    r <- nlminb(c(flat$maximum, tau), function(th) -f(th), control = list(rel.tol = 1e-12, x.tol = 1e-9))
    if (-r$objective > best$loglik + 1e-9) best[c("mu", "tau", "loglik")] <- list(r$par[1], abs(r$par[2]), -r$objective)
  }
  if (best$tau > 0) {
    th <- c(best$mu, best$tau)
    for (i in 1:3) { h <- hessian(f, th); th <- th - solve(h, grad(f, th)) }
    best$mu <- th[1]; best$tau <- th[2]; best$loglik <- f(th)
    best$se <- sqrt(solve(-hessian(f, th))[1, 1])
  } else {
    g <- function(mu) f(c(mu, 0))
    for (i in 1:3) best$mu <- best$mu - grad(g, best$mu) / hessian(g, best$mu)[1]
    best$loglik <- best$flat <- g(best$mu)
    best$se <- sqrt(-1 / hessian(g, best$mu)[1])
  }
  best
}
saturated <- function(d, model) if (model == "poisson-normal") sum(dpois(d$events, d$events, log = TRUE)) else
  sum(dbinom(d$events, d$patients, d$events / d$patients, log = TRUE))

## ---- rates ----------------------------------------------------------------
reference <- function(name, model) {
  d <- sets[[name]]; acc <- collector(name); k <- length(unique(d$study))
  add <- function(engine, q, v, call = "", note = "") acc$add(paste0(model, "-", engine), q, v, call, note)
  if (k < 2 || sum(d$events) == 0) return(NULL)
  e <- fit_exact(d, model)
  h <- if (k > 2) qt(.975, k - 1) * sqrt(e$tau^2 + e$se^2) else NA
  qe <- 2 * (saturated(d, model) - e$flat)
  v <- c(mu = e$mu, estimate = exp(e$mu), se = e$se, tau2 = e$tau^2, loglik = e$loglik, ci_low = exp(e$mu - z975 * e$se),
         ci_high = exp(e$mu + z975 * e$se), pi_low = exp(e$mu - h), pi_high = exp(e$mu + h), q = qe,
         q_p = pchisq(qe, nrow(d) - 1, lower.tail = FALSE))
  for (q in names(v)) add("exact", q, v[[q]], if (q == "mu") "fit_exact(d,model)" else "")
  d$offset <- if (model == "poisson-normal") log(d$patients * d$time) else log(d$time)
  call <- if (model == "poisson-normal") "glmer(events~1+(1|study)+offset(log(patients*time)),d,poisson,nAGQ=25)" else
    "glmer(cbind(events,patients-events)~1+(1|study)+offset(log(time)),d,binomial('cloglog'),nAGQ=25)"
  ctl <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .01, rhoend = 1e-12, maxfun = 1e5), check.conv.grad = "ignore")
  a <- attempt(if (model == "poisson-normal") glmer(events ~ 1 + (1 | study) + offset(offset), d, poisson, nAGQ = 25, control = ctl) else
    glmer(cbind(events, patients - events) ~ 1 + (1 | study) + offset(offset), d, binomial("cloglog"), nAGQ = 25, control = ctl))
  if (a$ok) {
    add("lme4", "mu", fixef(a$v), call, a$note); add("lme4", "se", sqrt(vcov(a$v)[1, 1])); add("lme4", "tau2", VarCorr(a$v)$study[1])
  } else add("lme4", "mu", NA, call, a$note)
  if (model == "poisson-normal" && nrow(d) == k) {
    d$person_time <- d$patients * d$time
    a <- attempt(rma.glmm(measure = "IRLN", xi = events, ti = person_time, data = d, nAGQ = 25))
    call <- "rma.glmm(measure='IRLN',xi=events,ti=patients*time,data=d,nAGQ=25)"
    if (a$ok) {
      w <- c(mu = a$v$b[1], se = a$v$se, tau2 = a$v$tau2, q = a$v$QE.LRT, q_p = a$v$QEp.LRT)
      for (q in names(w)) add("metafor", q, w[[q]], if (q == "mu") call else "", a$note)
    } else add("metafor", "mu", NA, call, a$note)
    a <- attempt(rma(measure = "IRLN", xi = events, ti = person_time, data = d, method = "ML", control = list(threshold = 1e-13, maxiter = 10000)))
    if (a$ok) { add("rma", "mu", a$v$b[1], "rma(measure='IRLN',xi=events,ti=patients*time,data=d,method='ML')", a$note); add("rma", "tau2", a$v$tau2) }
  }
  acc$get()
}
jobs <- expand.grid(name = names(sets), model = names(density_of), stringsAsFactors = FALSE)
jobs <- jobs[!(jobs$model == "cloglog-normal" & jobs$name %in% only_person_time), ]
rows <- mclapply(seq_len(nrow(jobs)), function(i) reference(jobs$name[i], jobs$model[i]), mc.cores = cores)

## ---- single rows ----------------------------------------------------------
single <- collector("synthetic_zeros")
d <- sets$synthetic_zeros
for (i in seq_len(nrow(d))) {
  p <- poisson.test(d$events[i], d$patients[i] * d$time[i])
  single$add("rows", sprintf("ci_low[%d]", i), p$conf.int[1], "poisson.test(events,patients*time)$conf.int")
  single$add("rows", sprintf("ci_high[%d]", i), p$conf.int[2])
}
one <- collector("synthetic_one")
p <- with(sets$synthetic_one, poisson.test(events, patients * time)); b <- with(sets$synthetic_one, binom.test(events, patients))
for (q in list(c("ci_low", 1), c("ci_high", 2))) {
  i <- as.integer(q[2])
  one$add("poisson-normal-exact", q[1], p$conf.int[i], "poisson.test(events,patients*time)$conf.int")
  one$add("cloglog-normal-exact", q[1], -log1p(-b$conf.int[i]) / sets$synthetic_one$time, "-log1p(-binom.test(events,patients)$conf.int)/time")
}
none <- collector("synthetic_none")
none$add("poisson-normal-exact", "ci_high", with(sets$synthetic_none, poisson.test(0, sum(patients * time), alternative = "less")$conf.int[2]),
         "poisson.test(0,sum(patients*time),alternative='less')$conf.int[2]")

## ---- a new study ----------------------------------------------------------
p <- read.csv(file.path(root, "reference_proportions.csv"))
future <- lapply(c("pritz1997", "rare12", "nielweise2007_treated", "hine1989_treated", "axfors2021_treated"), function(name) {
  g <- p[p$dataset == name & p$model == "glmm-exact", ]
  q <- setNames(as.numeric(g$value), g$quantity)
  k <- length(unique(read.csv(file.path(root, "datasets", paste0(name, ".csv")))$study))
  s <- sqrt(q[["tau2"]] + q[["se"]]^2); acc <- collector(name)
  for (t in c(5, 10, 20))
    acc$add("future", sprintf("probability_above[%d]", t), pt((qlogis(t / 100) - q[["mu"]]) / s, k - 1, lower.tail = FALSE),
            "pt((qlogis(t/100)-mu)/sqrt(tau2+se^2),k-1,lower.tail=FALSE)")
  # over the probability scale of t, in pieces, so that no tail is missed
  breaks <- c(0, 1e-9, 1e-6, 1e-4, .01, .1, .3, .5, .7, .9, .99, 1 - 1e-4, 1 - 1e-6, 1 - 1e-9, 1)
  over <- function(f) sum(vapply(seq_along(breaks)[-1], function(i)
    integrate(function(u) f(plogis(q[["mu"]] + s * qt(u, k - 1))), breaks[i - 1], breaks[i], rel.tol = 1e-10, abs.tol = 1e-13,
              subdivisions = 2000)$value, 0))
  acc$add("future", "events_mean[50]", over(function(x) 50 * x), "50*E[plogis(mu+s*T)], integrate over qt(u,k-1)")
  for (y in c(0, 1, 2, 5, 10, 25)) acc$add("future", sprintf("cdf[%d]", y), over(function(x) pbinom(y, 50, x)), "E[pbinom(y,50,plogis(mu+s*T))]")
  acc$get()
})
write_rows(c(Filter(Negate(is.null), rows), list(single$get(), one$get(), none$get()), future), "reference_rates.csv")
