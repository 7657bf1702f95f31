# Reference numbers for the model with priors: mu ~ N(0, 5^2), tau ~ half-normal(1).
# Run from the repository root:   Rscript tests/golden/bayes.R     (one minute)
# Base R only. The data are datasets/*.csv, and those of sparse.csv under their set's name; reference_bayes.csv gets the
# posterior medians and 95 % intervals of the proportion of the median study, of a new study's and of tau2, and the
# standard deviation of mu. The integrals are those of the cross-check, workflow/scripts/bayes.R, which shares nothing
# with the Python code. Before anything is written they are compared with integrate() nested in integrate() on three sets.
root <- "tests/golden"
level <- 0.95
source("workflow/scripts/counts.R")
code <- parse("workflow/scripts/bayes.R")
sets <- list()
for (name in read.csv(file.path(root, "datasets/sources.csv"))$name) sets[[name]] <- read.csv(file.path(root, "datasets", paste0(name, ".csv")))
sparse <- read.csv(file.path(root, "sparse.csv"))
for (name in unique(sparse$set)) sets[[name]] <- sparse[sparse$set == name, ]
posterior_of <- function(d) {
  rows <- data.frame(study = seq_along(d$events), from = d$events, to = d$events, patients = d$patients)
  found <- list2env(list(rows = rows), parent = globalenv())
  eval(code, found)
  found$posterior
}

# Probability that mu is below a value: over z in each study, over mu, over tau, each time by integrate().
over <- function(f, low, high) integrate(Vectorize(f), low, high, rel.tol = 1e-7, abs.tol = 0, subdivisions = 500, stop.on.error = FALSE)$value
nested <- function(d, logit) {
  chance <- function(y, n, mu, tau) {
    g <- function(z) dbinom(y, n, plogis(mu + tau * z)) * dnorm(z)
    integrate(g, -9, 9, rel.tol = 1e-9, abs.tol = 0, subdivisions = 500, stop.on.error = FALSE)$value
  }
  prior <- function(mu, tau) exp(dnorm(mu, 0, 5, log = TRUE) + dnorm(tau, log = TRUE) + 10 * nrow(d))
  at <- function(mu, tau) prior(mu, tau) * prod(mapply(chance, d$events, d$patients, mu, tau))
  mass <- function(low, high) over(function(tau) over(function(mu) at(mu, tau), low, high), 0, 5)
  low <- mass(logit - 40, logit - 8) + mass(logit - 8, logit)
  low / (low + mass(logit, logit + 8) + mass(logit + 8, logit + 40))
}
for (name in c("pritz1997_first2", "nielweise2007_treated_first2", "bcg_treated_first2")) {
  found <- posterior_of(sets[[name]])
  off <- nested(sets[[name]], qlogis(found[["ci_high"]])) - 0.975
  cat(sprintf("%s: integrate() puts %.1e more below the upper limit\n", name, off))
  stopifnot(abs(off) < 1e-5)
}
out <- NULL
for (name in names(sets)) {
  found <- posterior_of(sets[[name]])
  out <- c(out, paste(name, names(found), sprintf("%.12g", found), sep = ","))
}
head <- sprintf("# %s; call: Rscript tests/golden/bayes.R (fft, splinefunH, uniroot of stats %s)", R.version.string, packageVersion("stats"))
writeLines(c(head, "set,quantity,value", out), file.path(root, "reference_bayes.csv"))
