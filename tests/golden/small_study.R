# Regenerates small_study.csv: funnel asymmetry of every data set with ten studies or more.
# Run from the repository root:   Rscript tests/golden/small_study.R
suppressPackageStartupMessages(library(metafor))
root <- "tests/golden"
call <- "regtest(rma(measure='PLO',xi=events,ni=patients,data=d,add=1/2,to='only0',method='EE'),model='lm',predictor=.)"
out <- NULL
for (name in setdiff(sub("\\.csv$", "", sort(list.files(file.path(root, "datasets"), "\\.csv$"), method = "radix")), "sources")) {
  d <- read.csv(file.path(root, "datasets", paste0(name, ".csv")))
  if (nrow(d) < 10) next
  for (test in c("egger", "peters")) {
    predictor <- c(egger = "sei", peters = "ninv")[[test]]
    note <- ""
    r <- tryCatch({
      x <- rma(measure = "PLO", xi = events, ni = patients, data = d, add = 1/2, to = "only0", method = "EE")
      regtest(x, model = "lm", predictor = predictor)
    }, error = function(e) { note <<- gsub("[\r\n,\"]+", " ", conditionMessage(e)); NULL })
    v <- if (is.null(r)) rep(NA, 3) else c(r$zval, r$ddf, r$pval)
    out <- rbind(out, data.frame(dataset = name, k = nrow(d), test = test, statistic = sprintf("%.17g", v[1]),
                                 df = sprintf("%.17g", v[2]), p = sprintf("%.17g", v[3]),
                                 call = sub("predictor=.", sprintf("predictor='%s'", predictor), call, fixed = TRUE),
                                 version = paste("metafor", packageVersion("metafor")), note = note))
  }
}
write.csv(out, file.path(root, "small_study.csv"), row.names = FALSE, quote = which(names(out) %in% c("call", "note")))
