# Tests between groups where a group has no events, or nothing but events: lme4's answer.
#   Rscript tests/golden/no_events.R     writes tests/golden/no_events.csv
# Such a group has the likelihood 1 at a mean of minus or plus infinity, so the model of the groups' own means is fitted
# to the other groups; lr_all_rows leaves the group in, and lets glmer walk towards infinity. With several nodes lme4's
# log likelihood lacks the saturated part, which is added here since the two fits have different rows.
suppressPackageStartupMessages(library(lme4))
control <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e6),
  check.conv.singular = "ignore", check.conv.grad = "ignore", check.conv.hess = "ignore")
loglik <- function(d, formula) {
  m <- suppressWarnings(glmer(formula, d, binomial, nAGQ = 100, control = control))
  as.numeric(logLik(m)) + sum(dbinom(d$events, d$patients, d$events / d$patients, log = TRUE))
}
grouped <- cbind(events, patients - events) ~ 0 + group + (1 | study)
one <- cbind(events, patients - events) ~ 1 + (1 | study)
case <- function(name, events, patients, group, study = seq_along(events)) {
  d <- data.frame(study, group, events, patients)
  total <- tapply(events, group, sum); edge <- names(total)[total == 0 | total == tapply(patients, group, sum)]
  inner <- d[!d$group %in% edge, ]
  null <- loglik(d, one); all_rows <- tryCatch(2 * (loglik(d, grouped) - null), error = function(e) NA) # glmer may stop on the way to infinity
  # One study left: its own proportion fits it without error, and glmer wants two.
  full <- if (nrow(inner) == 1) dbinom(inner$events, inner$patients, inner$events / inner$patients, log = TRUE) else
    loglik(inner, if (length(unique(inner$group)) > 1) grouped else one)
  df <- length(unique(group)) - 1
  data.frame(case = name, rows = paste0(study, ":", group, ":", events, "/", patients, collapse = " "), edge = paste(edge, collapse = " "),
    lr = 2 * (full - null), df, p = pchisq(2 * (full - null), df, lower.tail = FALSE), lr_all_rows = all_rows,
    call = "2*(logLik(glmer(cbind(events,patients-events)~0+group+(1|study),nAGQ=100))-logLik(glmer(.~1+(1|study))))",
    software = paste0("R ", getRversion(), ", lme4 ", packageVersion("lme4")))
}
found <- rbind(
  case("two groups", c(0, 0, 10, 12), rep(100, 4), c("A", "A", "B", "B")),
  case("nothing but events", c(100, 100, 90, 88), rep(100, 4), c("A", "A", "B", "B")),
  case("three groups, one study in one", c(0, 0, 10, 12, 5), rep(100, 5), c("A", "A", "B", "B", "C")),
  case("one study beside the group", c(0, 0, 12), rep(100, 3), c("A", "A", "B")),
  case("small", c(0, 0, 3, 4), c(20, 30, 40, 50), c("x", "x", "y", "y")),
  case("heterogeneous", c(0, 0, 2, 19, 7), c(40, 25, 80, 60, 33), c("x", "x", "y", "y", "y")),
  case("arms of one study", c(0, 4, 0, 6, 0, 7), c(50, 50, 60, 60, 40, 70), rep(c("x", "y"), 3), c(1, 1, 2, 2, 3, 3)),
  case("arms, two groups at the edge", c(0, 4, 40, 0, 6, 55), c(50, 50, 40, 60, 60, 55), rep(c("x", "y", "z"), 2), c(1, 1, 1, 2, 2, 2)))
num <- sapply(found, is.numeric); found[num] <- lapply(found[num], function(v) sprintf("%.12g", v))
write.csv(found, "tests/golden/no_events.csv", row.names = FALSE)
