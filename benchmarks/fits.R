# The same fits in R, timed inside one process, so that its start-up is not counted.
# Rscript fits.R counts.csv fits.csv seconds
# In:  k, set, study, events, patients
# Out: method, k, set, mean (logit), tau2, seconds (for one fit, the same for all sets of a method and k)
#
# Each method is timed as people call it, and its numbers are taken from a second call with tight tolerances: R's speed
# is not held against its accuracy, nor its accuracy against its speed.
suppressPackageStartupMessages({
  library(lme4)
  library(metafor)
})

args <- commandArgs(trailingOnly = TRUE)
counts <- read.csv(args[1])
enough <- as.numeric(args[3]) # seconds that a round takes at least, far above the millisecond that proc.time can see
ROUNDS <- 3
LONG <- 6 # seconds after which no further round begins

tight <- list(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e5))

fit_glmer <- function(d, control) {
  glmer(cbind(events, patients - events) ~ 1 + (1 | study), d, binomial, nAGQ = 25, control = control)
}
fit_rma_glmm <- function(d, control) {
  rma.glmm(measure = "PLO", xi = events, ni = patients, data = d, nAGQ = 25, control = control)
}
fit_rma <- function(d, control) {
  rma(measure = "PLO", xi = events, ni = patients, data = d, method = "REML", control = control)
}

# How each is timed; models.pool gives an interval of tau2 with every fit, which here is a second step.
timed <- list(
  glmer = function(d) fit_glmer(d, glmerControl()),
  glmer_interval = function(d) confint(fit_glmer(d, glmerControl()), parm = "theta_", method = "profile", quiet = TRUE),
  rma.glmm = function(d) fit_rma_glmm(d, list()),
  rma = function(d) fit_rma(d, list()),
  rma_interval = function(d) confint(fit_rma(d, list()))
)

# The numbers of each: mean logit and tau2.
numbers_glmer <- function(d) {
  fit <- fit_glmer(d, do.call(glmerControl, tight))
  c(fixef(fit)[[1]], VarCorr(fit)$study[1])
}
numbers_rma_glmm <- function(d) {
  fit <- fit_rma_glmm(d, list(glmerCtrl = tight))
  c(fit$beta[1], fit$tau2)
}
numbers_rma <- function(d) {
  fit <- fit_rma(d, list(threshold = 1e-13, maxiter = 10000))
  c(fit$beta[1], fit$tau2)
}
numbers <- list(
  glmer = numbers_glmer, glmer_interval = numbers_glmer, rma.glmm = numbers_rma_glmm,
  rma = numbers_rma, rma_interval = numbers_rma
)

quietly <- function(expression) suppressMessages(suppressWarnings(expression))

# Seconds for one fit: the fastest round over all sets, since whatever else a machine does only adds.
time_fits <- function(method, sets) {
  rounds <- numeric(0)
  spent <- 0
  while (length(rounds) < ROUNDS && spent < LONG) {
    start <- proc.time()[["elapsed"]]
    fits <- 0
    repeat {
      for (d in sets) method(d)
      fits <- fits + length(sets)
      took <- proc.time()[["elapsed"]] - start
      if (took >= enough) break
    }
    rounds <- c(rounds, took / fits)
    spent <- spent + took
  }
  min(rounds)
}

found <- NULL
for (k in unique(counts$k)) {
  mine <- counts[counts$k == k, ]
  sets <- split(mine, mine$set)
  for (name in names(timed)) {
    seconds <- quietly(time_fits(timed[[name]], sets))
    both <- sapply(sets, function(d) quietly(numbers[[name]](d)))
    found <- rbind(found, data.frame(
      method = name, k = k, set = as.integer(names(sets)), mean = both[1, ], tau2 = both[2, ], seconds = seconds
    ))
  }
}
found[] <- lapply(found, function(column) if (is.double(column)) sprintf("%.17g", column) else column)
write.csv(found, args[2], row.names = FALSE, quote = FALSE)
