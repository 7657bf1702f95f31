# Pools without one study, all its arms gone.
# Run from the repository root:   Rscript tests/golden/leave_out.R
# Reads grouped/*.csv and writes reference_leave_out.csv: the pool of all (left_out empty) and of all but one study.
# glmer: lme4, study effect shared by the arms. rma.glmm: metafor, on sets of one row a study.
suppressPackageStartupMessages({library(lme4); library(metafor)})
glmerctl <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e5))
glmmctl <- list(glmerCtrl = list(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12, maxfun = 1e5)))
version <- c(glmer = paste("lme4", packageVersion("lme4")), rma.glmm = paste("metafor", packageVersion("metafor")))

out <- list()
put <- function(dataset, left_out, model, quantity, value, call)
  out[[length(out) + 1]] <<- data.frame(dataset, left_out, quantity, value = sprintf("%.17g", value), call, version = version[[model]])
for (name in c("pagliaro1992_trt", "nielweise2007_arms", "hine1989_arms", "debruin2009_patients")) {
  all <- read.csv(sprintf("tests/golden/grouped/%s.csv", name), stringsAsFactors = FALSE)
  for (gone in c("", unique(all$study))) {
    d <- all[all$study != gone, ]
    m <- suppressMessages(glmer(cbind(events, patients - events) ~ 1 + (1 | study), d, binomial, nAGQ = 25, control = glmerctl))
    call <- "glmer(cbind(events,patients-events)~1+(1|study),d,binomial,nAGQ=25,control=glmerctl)"
    put(name, gone, "glmer", "mu", fixef(m), call)
    put(name, gone, "glmer", "tau2", VarCorr(m)$study[1], "VarCorr(.)$study[1]")
    if (anyDuplicated(d$study)) next
    m <- rma.glmm(measure = "PLO", xi = events, ni = patients, data = d, nAGQ = 25, control = glmmctl)
    call <- "rma.glmm(measure='PLO',xi=events,ni=patients,data=d,nAGQ=25,control=glmmctl)"
    put(name, gone, "rma.glmm", "mu", coef(m), call)
    put(name, gone, "rma.glmm", "tau2", m$tau2, ".$tau2")
  }
}
d <- do.call(rbind, out)
write.csv(d, "tests/golden/reference_leave_out.csv", row.names = FALSE, quote = TRUE)
cat("reference_leave_out.csv", nrow(d), "rows\n")
