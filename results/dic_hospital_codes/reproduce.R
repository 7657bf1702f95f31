# dic_hospital_codes/reproduce.R: the headline numbers of dic_hospital_codes/estimates.csv, computed again in R.
# Written by the workflow from dic_hospital_codes/rows.csv and dic_hospital_codes/estimates.csv; do not edit.
# Run: Rscript reproduce.R    Needs: nothing beyond R
title <- "Disseminated intravascular coagulation, coded in hospital"
level <- 0.95
rows <- data.frame(
  study = c("nis2019"),
  events = c(26),
  patients = c(714)
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
compare("study", interval[1, ], setNames(c(0.023922530410821926), paste(rows$study, "low")))
compare("study", interval[2, ], setNames(c(0.05290244498824633), paste(rows$study, "high")))

# One study is not a pool: its proportion with the exact (Clopper-Pearson) interval.
exact <- binom.test(sum(rows$events), sum(rows$patients), conf.level = level, alternative = "two.sided")
ours <- c(estimate = 0.036414565826330535, ci_low = 0.023922530410821926, ci_high = 0.05290244498824633)
found <- c(estimate = exact$estimate[[1]], ci_low = exact$conf.int[1], ci_high = exact$conf.int[2])
compare("exact", found[names(ours)], ours)

if (length(differing)) stop("R and the workflow differ: ", paste(differing, collapse = ", "))
cat("R and the workflow agree to 1e-4.\n")
