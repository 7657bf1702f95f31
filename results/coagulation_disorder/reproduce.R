# coagulation_disorder/reproduce.R: the headline numbers of coagulation_disorder/estimates.csv, computed again in R.
# Written by the workflow from coagulation_disorder/rows.csv and coagulation_disorder/estimates.csv; do not edit.
# Run: Rscript reproduce.R    Needs: lme4 and metafor
title <- "Coagulation disorder by laboratory"
level <- 0.95
rows <- data.frame(
  study = c("jiang2019", "legend2023", "shao2021", "xu2021"),
  events = c(30, 25, 34, 37),
  patients = c(53, 51, 37, 46)
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
compare("study", interval[1, ], setNames(c(0.4228258323790299, 0.3475279629951143, 0.7809037937619998, 0.6608524004890015), paste(rows$study, "low")))
compare("study", interval[2, ], setNames(c(0.7016078795124479, 0.634042860329036, 0.9829564693041812, 0.9064242655785913), paste(rows$study, "high")))

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
ours <- c(estimate = 0.7224121113047582, ci_low = 0.504732755521929, ci_high = 0.8692092018681906,
    pi_low = 0.09823495975547403, pi_high = 0.9841702555784392, tau2 = 0.7655464018802653)
compare("glmm", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

half <- qt((1 + level) / 2, k - 1) * se
ours <- c(estimate = 0.7224121113047582, ci_low = 0.36219981975722937, ci_high = 0.9226382906220639,
    pi_low = 0.09823495975547403, pi_high = 0.9841702555784392, tau2 = 0.7655464018802653)
compare("glmm-t", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

# Two-stage inverse variance: REML for tau2, test = "knha".
suppressPackageStartupMessages(library(metafor))
sizes <- escalc(xi = events, ni = patients, data = rows, measure = "PLO", add = 1/2, to = "only0")
tight <- list(threshold = 1e-13, maxiter = 10000, stepadj = 0.5)
fit <- rma(yi, vi, data = sizes, method = "REML", test = "knha", level = 100 * level, control = tight)
back <- plogis
ours <- c(estimate = 0.7174602853000716, ci_low = 0.30705719096399015, ci_high = 0.9356985024557338,
    pi_low = 0.06374754306794087, pi_high = 0.9895510665138094, tau2 = 0.9921280523453216)
compare("logit-reml-hk", pool(fit$b[1], fit$se, fit$tau2, fit$ci.lb, fit$ci.ub, back)[names(ours)], ours)

if (length(differing)) stop("R and the workflow differ: ", paste(differing, collapse = ", "))
cat("R and the workflow agree to 1e-4.\n")
