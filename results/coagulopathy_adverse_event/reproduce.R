# coagulopathy_adverse_event/reproduce.R: the headline numbers of coagulopathy_adverse_event/estimates.csv, computed again in R.
# Written by the workflow from coagulopathy_adverse_event/rows.csv and coagulopathy_adverse_event/estimates.csv; do not edit.
# Run: Rscript reproduce.R    Needs: lme4 and metafor
title <- "Coagulopathy reported as an adverse event in trials"
level <- 0.95
rows <- data.frame(
  study = c("fowler2022", "jacobson2022", "locke2022", "maude2018", "neelapu2017", "schuster2018", "shah2021",
    "wang2020z"),
  events = c(2, 9, 15, 5, 2, 5, 13, 8),
  patients = c(97, 146, 168, 79, 108, 115, 78, 82)
)

# Set R's numbers beside those of the workflow; collect what differs by more than 1e-4 of its size.
differing <- character(0)
compare <- function(model, r, ours) {
  difference <- abs(r - ours)
  allowed <- 1e-4 * abs(ours) + ifelse(names(ours) == "tau2", 1e-6, 1e-12)
  relative <- difference / pmax(abs(ours), 1e-6)
  line <- "%-14s %-12s R %.10g  workflow %.10g  relative difference %.1e\n"
  cat(sprintf(line, model, names(ours), r, ours, relative), sep = "")
  bad <- is.na(difference) | difference > allowed
  differing <<- c(differing, paste(model, names(ours))[bad])
}
cat(title, "\n")

# Each study with its Clopper-Pearson interval.
interval <- mapply(function(x, n) binom.test(x, n, conf.level = level)$conf.int, rows$events, rows$patients)
compare("study", interval[1, ], setNames(c(0.0025068297638172732, 0.028572137244686532, 0.050836219868742864, 0.020867946146561844,
    0.0022505995016578293, 0.014265830875120629, 0.0918384413360962, 0.04306884344010385), paste(rows$study, "low")))
compare("study", interval[2, ], setNames(c(0.07250214992639115, 0.11379256000356057, 0.14298600851732193, 0.14155158261729167,
    0.06529654694447373, 0.09854972399265016, 0.26812767237673063, 0.18321393839942765), paste(rows$study, "high")))

# Confidence limits by the normal or t quantile; the prediction interval by t with (studies - 1) degrees of freedom.
k <- length(unique(rows$study))
pool <- function(mean, se, tau2, low, high, back) {
  half <- if (k > 2) qt((1 + level) / 2, k - 1) * sqrt(tau2 + se^2) else NA
  logits <- c(estimate = mean, ci_low = low, ci_high = high, pi_low = mean - half, pi_high = mean + half)
  c(back(logits), tau2 = tau2)
}

# Random-intercept logistic model by maximum likelihood, 100 quadrature nodes, optimised to the last digits.
suppressPackageStartupMessages(library(lme4))
tight <- glmerControl("bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), check.conv.singular = "ignore")
model <- cbind(events, patients - events) ~ 1 + (1 | study)
fit <- suppressWarnings(glmer(model, rows, binomial, nAGQ = 100, control = tight))
mean <- fixef(fit)[[1]]
tau2 <- VarCorr(fit)$study[1]
# Without heterogeneity the model is one common proportion, and glmer's joint information is singular.
common <- sum(rows$events) / sum(rows$patients)
se <- if (tau2 < 1e-8) 1 / sqrt(sum(rows$events) * (1 - common)) else sqrt(vcov(fit)[1, 1])

half <- qnorm((1 + level) / 2) * se
ours <- c(estimate = 0.06127225610806161, ci_low = 0.03836576866388, ci_high = 0.0964829953637351,
    pi_low = 0.015186546814221831, pi_high = 0.2164705031581089, tau2 = 0.30923555404507247)
compare("glmm", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

half <- qt((1 + level) / 2, k - 1) * se
ours <- c(estimate = 0.06127225610806161, ci_low = 0.034787029245244905, ci_high = 0.10571360156663576,
    pi_low = 0.015186546814221831, pi_high = 0.2164705031581089, tau2 = 0.30923555404507247)
compare("glmm-t", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

# Two-stage inverse variance: REML for tau2, test = "knha".
suppressPackageStartupMessages(library(metafor))
sizes <- escalc(xi = events, ni = patients, data = rows, measure = "PLO", add = 1/2, to = "only0")
tight <- list(threshold = 1e-13, maxiter = 10000, stepadj = 0.5)
fit <- rma(yi, vi, data = sizes, method = "REML", test = "knha", level = 100 * level, control = tight)
back <- plogis
ours <- c(estimate = 0.06681839355585241, ci_low = 0.03708932852463373, ci_high = 0.11746982284704076,
    pi_low = 0.016538232204399525, pi_high = 0.23364566789333954, tau2 = 0.30663945075629473)
compare("logit-reml-hk", pool(fit$b[1], fit$se, fit$tau2, fit$ci.lb, fit$ci.ub, back)[names(ours)], ours)

if (length(differing)) stop("R and the workflow differ: ", paste(differing, collapse = ", "))
cat("R and the workflow agree to 1e-4.\n")
