# Writes the CSV data of tests/golden/{datasets,tables,grouped} from metadat.
# Run from the repository root:  Rscript tests/golden/make_datasets.R
# Rows whose events or total are missing in metadat are left out.
suppressMessages(library(metadat))
root <- "tests/golden"
ver <- as.character(packageVersion("metadat"))
db <- tools::Rd_db("metadat")

# the "Source" section of a help page, as plain text
citation_of <- function(name) {
  x <- capture.output(tools::Rd2txt(db[[paste0(name, ".Rd")]],
    options = list(underline_titles = FALSE, width = 2000)))
  x <- gsub("_\b", "", x)
  a <- grep("^Source:", x)[1]
  b <- grep("^(References|Examples|See Also|Note|Author\\(s\\)):", x)
  b <- b[b > a]
  b <- if (length(b)) b[1] else length(x) + 1
  s <- trimws(paste(trimws(x[(a + 1):(b - 1)]), collapse = " "))
  trimws(gsub("\\*([0-9]+)\\*", "\\1", gsub("(^| )_([^_]+)_", "\\1\\2", gsub(" +", " ", s))))
}
src <- list(datasets = NULL, tables = NULL, grouped = NULL)
note <- function(dir, name, dataset, notes) {
  syn <- dataset == "synthetic"
  src[[dir]] <<- rbind(src[[dir]], data.frame(name = name, dataset = dataset,
    package = if (syn) "" else "metadat", version = if (syn) "" else ver,
    citation = if (syn) "made up for this project" else citation_of(dataset), notes = notes))
}
put <- function(dir, name, d, dataset, notes) {
  num <- setdiff(names(d), c("study", "group"))
  d <- d[stats::complete.cases(d[num]), , drop = FALSE]
  d$study <- trimws(as.character(d$study))
  if (dir != "grouped") d$study <- sub(" #1$", " (2)", make.unique(d$study, sep = " #"))
  for (v in num) d[[v]] <- as.integer(d[[v]])
  q <- which(names(d) %in% c("study", "group"))
  write.csv(d, file.path(root, dir, paste0(name, ".csv")), row.names = FALSE, quote = q,
            fileEncoding = "UTF-8")
  note(dir, name, dataset, notes)
}
prop <- function(name, dataset, study, events, patients, notes, group = NULL) {
  d <- data.frame(study = study, events = events, patients = patients)
  if (!is.null(group)) d$group <- as.character(group)
  put("datasets", name, d, dataset, notes)
}
ay <- function(d, who = "author") paste(d[[who]], d$year)

## ---- proportions ---------------------------------------------------------
d <- dat.pritz1997
prop("pritz1997", "dat.pritz1997", d$authors, d$xi, d$ni, "events=xi (improved), patients=ni")
d <- subset(dat.bourassa1996, sex == "combined" & selection == "no")
prop("bourassa1996_left", "dat.bourassa1996", paste(d$author, d$year, "sample", d$sample),
     d$lh.le + d$lh.re, d$lh.le + d$lh.re + d$rh.le + d$rh.re,
     "left-handed: events=lh.le+lh.re, patients=all four cells; rows with sex combined and selection no; group=investigator",
     d$investigator)
d <- dat.hannum2020
prop("hannum2020", "dat.hannum2020", d$authorName, d$xi, d$ni,
     "events=xi (olfactory loss), patients=ni, group=objectivity", d$objectivity)
d <- dat.bcg
prop("bcg_treated", "dat.bcg", ay(d), d$tpos, d$tpos + d$tneg,
     "vaccinated arm: events=tpos, patients=tpos+tneg, group=alloc", d$alloc)
prop("bcg_control", "dat.bcg", ay(d), d$cpos, d$cpos + d$cneg,
     "control arm: events=cpos, patients=cpos+cneg, group=alloc", d$alloc)
d <- dat.nielweise2007
prop("nielweise2007_treated", "dat.nielweise2007", ay(d), d$ai, d$n1i,
     "anti-infective catheter arm: events=ai, patients=n1i; many zeros")
prop("nielweise2007_control", "dat.nielweise2007", ay(d), d$ci, d$n2i,
     "standard catheter arm: events=ci, patients=n2i")
d <- subset(dat.gurusamy2011, treatment == "Control/Placebo")
prop("rare12", "dat.gurusamy2011", d$study, d$death, d$n,
     "the 12 Control/Placebo arms: events=death (60 days), patients=n; 4 zero studies")
d <- dat.hine1989
prop("hine1989_treated", "dat.hine1989", d$source, d$ai, d$n1i, "lidocaine arm: events=ai, patients=n1i")
prop("hine1989_control", "dat.hine1989", d$source, d$ci, d$n2i, "control arm: events=ci, patients=n2i")
d <- dat.collins1985a
prop("collins1985a_death_treated", "dat.collins1985a", ay(d, "trial"), d$d.xti, d$nti,
     "treatment arm: events=d.xti (died), patients=nti, group=ctrl; trials without d.xti left out", d$ctrl)
prop("collins1985a_bleed_control", "dat.collins1985a", ay(d, "trial"), d$b.xci, d$nci,
     "control arm: events=b.xci (persistent or recurrent bleeding), patients=nci; trials without b.xci left out")
d <- dat.anand1999
prop("anand1999_treated", "dat.anand1999", ay(d, "study"), d$ai, d$n1i,
     "anticoagulant arm: events=ai (deaths), patients=n1i, group=intensity", d$intensity)
d <- subset(dat.yusuf1985, table == "6")
prop("yusuf1985_t6_control", "dat.yusuf1985", paste(d$id, d$trial), d$ci, d$n2i,
     "table 6, control arm: events=ci (deaths), patients=n2i; trials without data left out")
d <- subset(dat.yusuf1985, table == "9")
prop("yusuf1985_t9_treated", "dat.yusuf1985", paste(d$id, d$trial), d$ai, d$n1i,
     "table 9, treated arm: events=ai (deaths in one week), patients=n1i; trials without data left out")
d <- dat.axfors2021
prop("axfors2021_treated", "dat.axfors2021", d$acronym, d$hcq_arm_event, d$hcq_arm_total,
     "hydroxychloroquine/chloroquine arm: events=hcq_arm_event (deaths), patients=hcq_arm_total, group=hcq_cq; many zeros, arms of 1 to 1561", d$hcq_cq)
prop("axfors2021_control", "dat.axfors2021", d$acronym, d$control_arm_event, d$control_arm_total,
     "control arm: events=control_arm_event (deaths), patients=control_arm_total, group=Control", d$Control)
d <- dat.hahn2001
prop("hahn2001_reduced", "dat.hahn2001", d$study, d$ai, d$n1i,
     "reduced osmolarity arm: events=ai (unscheduled infusion), patients=n1i")
d <- dat.damico2009
prop("damico2009_control", "dat.damico2009", ay(d, "study"), d$xc, d$nc,
     "control arm: events=xc (respiratory tract infections), patients=nc, group=conceal",
     ifelse(d$conceal == 1, "concealed", "not concealed"))
d <- dat.debruin2009
prop("debruin2009", "dat.debruin2009", ay(d), d$xi, d$ni,
     "standard care arm: events=xi (undetectable viral load), patients=ni, group=patients", d$patients)
d <- dat.lau1992
prop("lau1992_treated", "dat.lau1992", ay(d, "trial"), d$ai, d$n1i,
     "streptokinase arm: events=ai (deaths), patients=n1i")
d <- dat.lee2004
prop("lee2004_treated", "dat.lee2004", ay(d, "study"), d$ai, d$n1i, "treatment arm: events=ai (nausea), patients=n1i")
d <- dat.kearon1998
prop("kearon1998_sens", "dat.kearon1998", paste(ay(d, "study"), d$patients), d$tp, d$np,
     "sensitivity: events=tp (true positives), patients=np (with the disease), group=patients; studies without tp left out", d$patients)
d <- subset(dat.hasselblad1998, trt == "no_contact")
prop("hasselblad1998_nocontact", "dat.hasselblad1998", ay(d, "authors"), d$xi, d$ni,
     "no_contact arms: events=xi (abstinent), patients=ni")
d <- subset(dat.dong2013, treatment == "Placebo")
prop("dong2013_placebo", "dat.dong2013", paste("study", d$id), d$death, d$randomized,
     "Placebo arms: events=death, patients=randomized")
d <- dat.dorn2007
prop("dorn2007_placebo", "dat.dorn2007", ay(d, "study"), d$x.p, d$n.p, "placebo arm: events=x.p (responders), patients=n.p")

## subsets and made-up edge cases
d <- dat.pritz1997
prop("pritz1997_first2", "dat.pritz1997", d$authors[1:2], d$xi[1:2], d$ni[1:2], "first two studies of pritz1997")
prop("pritz1997_single", "dat.pritz1997", d$authors[1], d$xi[1], d$ni[1], "first study of pritz1997")
d <- dat.nielweise2007
prop("nielweise2007_treated_first2", "dat.nielweise2007", ay(d)[1:2], d$ai[1:2], d$n1i[1:2],
     "first two studies of nielweise2007_treated (0/116 and 1/44)")
d <- dat.bcg
prop("bcg_treated_first2", "dat.bcg", ay(d)[1:2], d$tpos[1:2], (d$tpos + d$tneg)[1:2],
     "first two studies of bcg_treated")
syn <- function(name, events, patients, notes, group = NULL)
  prop(name, "synthetic", paste("S", seq_along(events), sep = ""), events, patients, notes, group)
syn("synthetic_all_zero", rep(0, 5), c(12, 30, 45, 80, 150), "no event anywhere")
syn("synthetic_all_events", c(12, 30, 45, 80, 150), c(12, 30, 45, 80, 150), "every patient has the event")
syn("synthetic_single_zero", 0, 25, "one study without events")
syn("synthetic_large_n", c(120000, 98500, 251000, 47000, 333000, 141000),
    c(1000000, 900000, 1000000, 500000, 1000000, 750000), "totals up to one million")
syn("synthetic_large_n_rare", c(0, 3, 12, 41, 7, 0, 150, 26),
    c(1000000, 500000, 1000000, 750000, 100000, 20000, 1000000, 250000), "totals up to one million, rare events")
syn("synthetic_homogeneous", c(4, 10, 6, 20, 15), c(20, 50, 30, 100, 75), "every study at exactly 20 percent: tau2 = 0")
syn("synthetic_extreme", c(0, 40, 1, 59, 10, 0, 25, 30, 3, 77), c(40, 40, 60, 60, 20, 35, 25, 31, 90, 80),
    "proportions from 0 to 1: very large tau2")
syn("synthetic_tiny_n", c(0, 1, 1, 2, 0, 1, 3, 1, 0, 2, 1, 0), c(1, 1, 2, 2, 1, 3, 3, 2, 2, 3, 1, 1), "totals of 1 to 3")
i <- 1:150
n <- 20 + (i * 37) %% 181
syn("synthetic_k150", pmin(n, floor(n * plogis(-1.2 + 0.9 * qnorm((((i * 61) %% 150) + 0.5) / 150)) + 0.5)), n,
    "150 studies, deterministic: n = 20 + (37 i) mod 181, events = round(n plogis(-1.2 + 0.9 qnorm((((61 i) mod 150) + 0.5) / 150)))")

## ---- 2x2 tables -----------------------------------------------------------
tab <- function(name, dataset, study, a, na, b, nb, notes)
  put("tables", name, data.frame(study = study, a_events = a, a_patients = na, b_events = b, b_patients = nb),
      dataset, notes)
d <- dat.bcg
tab("bcg", "dat.bcg", ay(d), d$tpos, d$tpos + d$tneg, d$cpos, d$cpos + d$cneg, "a=vaccinated (tpos, tpos+tneg), b=control (cpos, cpos+cneg)")
d <- dat.nielweise2007
tab("nielweise2007", "dat.nielweise2007", ay(d), d$ai, d$n1i, d$ci, d$n2i, "a=anti-infective (ai, n1i), b=standard (ci, n2i)")
d <- dat.hine1989
tab("hine1989", "dat.hine1989", d$source, d$ai, d$n1i, d$ci, d$n2i, "a=lidocaine (ai, n1i), b=control (ci, n2i)")
d <- dat.collins1985b
tab("collins1985b_pre", "dat.collins1985b", ay(d), d$pre.xti, d$pre.nti, d$pre.xci, d$pre.nci,
    "pre-eclampsia: a=treatment (pre.xti, pre.nti), b=control (pre.xci, pre.nci)")
tab("collins1985b_stb", "dat.collins1985b", ay(d), d$stb.xti, d$fup.nti, d$stb.xci, d$fup.nci,
    "stillbirths: a=treatment (stb.xti, fup.nti), b=control (stb.xci, fup.nci)")
d <- dat.anand1999
tab("anand1999", "dat.anand1999", ay(d, "study"), d$ai, d$n1i, d$ci, d$n2i, "a=anticoagulant (ai, n1i), b=control (ci, n2i)")
d <- subset(dat.yusuf1985, table == "6")
tab("yusuf1985_t6", "dat.yusuf1985", paste(d$id, d$trial), d$ai, d$n1i, d$ci, d$n2i,
    "table 6: a=beta blocker (ai, n1i), b=control (ci, n2i); double-zero trials kept; trials without data left out")
d <- dat.hahn2001
tab("hahn2001", "dat.hahn2001", d$study, d$ai, d$n1i, d$ci, d$n2i, "a=reduced (ai, n1i), b=standard (ci, n2i); one double-zero trial")
d <- dat.damico2009
tab("damico2009", "dat.damico2009", ay(d, "study"), d$xt, d$nt, d$xc, d$nc, "a=treatment (xt, nt), b=control (xc, nc)")

## ---- grouped ----------------------------------------------------------------
grp <- function(name, dataset, study, group, events, patients, notes)
  put("grouped", name, data.frame(study = study, group = as.character(group), events = events, patients = patients),
      dataset, notes)
arms <- function(d, study, a, na, b, nb, la, lb) data.frame(study = rep(study, each = 2),
  group = rep(c(la, lb), length(study)), events = c(rbind(a, b)), patients = c(rbind(na, nb)))
d <- dat.bcg
x <- arms(d, ay(d), d$tpos, d$tpos + d$tneg, d$cpos, d$cpos + d$cneg, "vaccinated", "control")
grp("bcg_arms", "dat.bcg", x$study, x$group, x$events, x$patients, "two arms per study: vaccinated (tpos), control (cpos)")
grp("bcg_alloc", "dat.bcg", ay(d), d$alloc, d$tpos, d$tpos + d$tneg, "vaccinated arm; group=alloc, a study-level factor")
d <- dat.nielweise2007
x <- arms(d, ay(d), d$ai, d$n1i, d$ci, d$n2i, "anti-infective", "standard")
grp("nielweise2007_arms", "dat.nielweise2007", x$study, x$group, x$events, x$patients, "two arms per study; zeros")
d <- dat.hine1989
x <- arms(d, d$source, d$ai, d$n1i, d$ci, d$n2i, "lidocaine", "control")
grp("hine1989_arms", "dat.hine1989", x$study, x$group, x$events, x$patients, "two arms per study")
d <- dat.hannum2020
grp("hannum2020_objectivity", "dat.hannum2020", d$authorName, d$objectivity, d$xi, d$ni, "group=objectivity, a study-level factor")
d <- dat.pagliaro1992
grp("pagliaro1992_trt", "dat.pagliaro1992", paste("study", d$study), d$trt, d$xi, d$ni, "two or three arms per study: group=trt, events=xi (first bleeding), patients=ni")
d <- dat.kearon1998
grp("kearon1998_patients", "dat.kearon1998", paste(ay(d, "study"), d$patients), d$patients, d$tp, d$np,
    "sensitivity tp/np; group=patients, a study-level factor; studies without tp left out")
d <- dat.debruin2009
grp("debruin2009_patients", "dat.debruin2009", ay(d), d$patients, d$xi, d$ni, "group=patients, a study-level factor")

for (dir in names(src)) write.csv(src[[dir]], file.path(root, dir, "sources.csv"), row.names = FALSE, fileEncoding = "UTF-8")
