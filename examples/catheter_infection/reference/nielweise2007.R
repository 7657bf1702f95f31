# Writes nielweise2007.csv (the data as metadat has them) and reference.csv (metafor's answers, each with its call).
# Rscript reference/nielweise2007.R in this folder; needs metadat and metafor (Debian: r-cran-metadat r-cran-metafor).
suppressMessages({library(metadat); library(metafor)})
dat <- dat.nielweise2007
write.csv(dat, "nielweise2007.csv", row.names = FALSE, quote = FALSE)

software <- paste0("R ", getRversion(), ", metafor ", packageVersion("metafor"), ", lme4 ", packageVersion("lme4"),
                   ", metadat ", packageVersion("metadat"))
ctl <- list(threshold = 1e-13, maxiter = 10000)
calls <- c(
  glmm.standard         = 'rma.glmm(measure="PLO", xi=ci, ni=n2i, data=dat, nAGQ=25)',
  `glmm.anti-infective` = 'rma.glmm(measure="PLO", xi=ai, ni=n1i, data=dat, nAGQ=25)',
  `logit-reml.standard`         = 'rma(measure="PLO", xi=ci, ni=n2i, data=dat, add=1/2, to="only0", control=ctl)',
  `logit-reml.anti-infective`   = 'rma(measure="PLO", xi=ai, ni=n1i, data=dat, add=1/2, to="only0", control=ctl)')
rows <- do.call(rbind, lapply(names(calls), function(name) {
  fit <- eval(parse(text = calls[[name]]))
  pooled <- predict(fit, transf = transf.ilogit)
  key <- strsplit(name, ".", fixed = TRUE)[[1]]
  values <- c(estimate = pooled$pred, ci_low = pooled$ci.lb, ci_high = pooled$ci.ub, se = fit$se, tau2 = fit$tau2)
  data.frame(model = key[1], group = key[2], as.list(setNames(sprintf("%.17g", values), names(values))),
             call = calls[[name]], software = software)
}))
write.csv(rows, "reference/reference.csv", row.names = FALSE)
