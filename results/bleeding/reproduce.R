# bleeding/reproduce.R: the headline numbers of bleeding/estimates.csv, computed again in R.
# Written by the workflow from bleeding/rows.csv and bleeding/estimates.csv; do not edit.
# Run: Rscript reproduce.R    Needs: lme4 and metafor
title <- "Bleeding"
level <- 0.95
rows <- data.frame(
  study = c("jess2023", "johnsrud2021", "kymriahlabel2018"),
  events = c(16, 12, 21),
  patients = c(53, 127, 68)
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
compare("study", interval[1, ], setNames(c(0.18340201618215218, 0.049782143331590215, 0.20236347599741306), paste(rows$study, "low")))
compare("study", interval[2, ], setNames(c(0.44343401583957703, 0.1592353357112278, 0.43256084449031273), paste(rows$study, "high")))

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
ours <- c(estimate = 0.21155647985020395, ci_low = 0.11030011443198515, ci_high = 0.36738346097136115,
    pi_low = 0.011301846376946664, pi_high = 0.8629824622056051, tau2 = 0.38278435156139595)
compare("glmm", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

half <- qt((1 + level) / 2, k - 1) * se
ours <- c(estimate = 0.21155647985020395, ci_low = 0.04695104828392972, ci_high = 0.5937339783952108,
    pi_low = 0.011301846376946664, pi_high = 0.8629824622056051, tau2 = 0.38278435156139595)
compare("glmm-t", pool(mean, se, tau2, mean - half, mean + half, plogis)[names(ours)], ours)

# Two-stage inverse variance: REML for tau2, test = "knha".
suppressPackageStartupMessages(library(metafor))
sizes <- escalc(xi = events, ni = patients, data = rows, measure = "PLO", add = 1/2, to = "only0")
tight <- list(threshold = 1e-13, maxiter = 10000, stepadj = 0.5)
fit <- rma(yi, vi, data = sizes, method = "REML", test = "knha", level = 100 * level, control = tight)
back <- plogis
ours <- c(estimate = 0.21498852312352928, ci_low = 0.03383785096688112, ci_high = 0.6816845767457619,
    pi_low = 0.005448566692820382, pi_high = 0.9319294120444468, tau2 = 0.5981054786574739)
compare("logit-reml-hk", pool(fit$b[1], fit$se, fit$tau2, fit$ci.lb, fit$ci.ub, back)[names(ours)], ours)

if (length(differing)) stop("R and the workflow differ: ", paste(differing, collapse = ", "))
cat("R and the workflow agree to 1e-4.\n")
