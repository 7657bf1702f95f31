# thrombosis/reproduce.R: the headline numbers of thrombosis/estimates.csv, computed again in R.
# Written by the workflow from thrombosis/rows.csv and thrombosis/estimates.csv; do not edit.
# Run: Rscript reproduce.R    Needs: lme4 and metafor
title <- "Thrombosis (any, else venous)"
level <- 0.95
rows <- data.frame(
  study = c("hashmi2020", "johnsrud2021", "melody2022", "schorr2023"),
  events = c(16, 8, 2, 10),
  patients = c(148, 127, 97, 140)
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
compare("study", interval[1, ], setNames(c(0.0630690182356502, 0.027585296475011005, 0.0025068297638172732, 0.03478243496068231), paste(rows$study, "low")))
compare("study", interval[2, ], setNames(c(0.16961944995120018, 0.1203479276599831, 0.07250214992639115, 0.12743629706451493), paste(rows$study, "high")))

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
ours <- c(estimate = 0.06573550057953406, ci_low = 0.040755502540701705, ci_high = 0.10436058765053127,
    pi_low = 0.018661634185731933, pi_high = 0.20655895383500356, tau2 = 0.10277027342903347)
compare("glmm", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

half <- qt((1 + level) / 2, k - 1) * se
ours <- c(estimate = 0.06573550057953406, ci_low = 0.030084915777250462, ci_high = 0.1376370234697473,
    pi_low = 0.018661634185731933, pi_high = 0.20655895383500356, tau2 = 0.10277027342903347)
compare("glmm-t", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

# Two-stage inverse variance: REML for tau2, test = "knha".
suppressPackageStartupMessages(library(metafor))
sizes <- escalc(xi = events, ni = patients, data = rows, measure = "PLO", add = 1/2, to = "only0")
tight <- list(threshold = 1e-13, maxiter = 10000, stepadj = 0.5)
fit <- rma(yi, vi, data = sizes, method = "REML", test = "knha", level = 100 * level, control = tight)
back <- plogis
ours <- c(estimate = 0.0711698504076168, ci_low = 0.029932719074603938, ci_high = 0.1598559917480838,
    pi_low = 0.019074068011478297, pi_high = 0.23191205974242418, tau2 = 0.10398925941062101)
compare("logit-reml-hk", pool(fit$b[1], fit$se, fit$tau2, fit$ci.lb, fit$ci.ub, back)[names(ours)], ours)

if (length(differing)) stop("R and the workflow differ: ", paste(differing, collapse = ", "))
cat("R and the workflow agree to 1e-4.\n")
