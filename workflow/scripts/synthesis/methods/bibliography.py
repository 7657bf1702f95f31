"""The references of the methods text, each once: what is cited for a method, and where to find it.

Every DOI was looked up and found printed beside its paper; a reference without one is a book or a chapter, or its DOI
could not be confirmed.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Reference(NamedTuple):
    """One reference: its text in Vancouver style without the DOI, and the DOI (blank when there is none)."""

    text: str
    doi: str = ""


REFERENCES: Mapping[str, Reference] = {
    # Models of counts
    "stijnen2010": Reference(
        "Stijnen T, Hamza TH, Özdemir P. Random effects meta-analysis of event outcome in the framework of the "
        "generalized linear mixed model with applications in sparse data. Stat Med 2010;29:3046–67.",
        "10.1002/sim.4040",
    ),
    "pinheiro1995": Reference(
        "Pinheiro JC, Bates DM. Approximations to the log-likelihood function in the nonlinear mixed-effects model. "
        "J Comput Graph Stat 1995;4:12–35.",
        "10.1080/10618600.1995.10474663",
    ),
    "hardy1996": Reference(
        "Hardy RJ, Thompson SG. A likelihood approach to meta-analysis with random effects. Stat Med 1996;15:619–29.",
        "10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A",
    ),
    "self1987": Reference(
        "Self SG, Liang KY. Asymptotic properties of maximum likelihood estimators and likelihood ratio tests under "
        "nonstandard conditions. J Am Stat Assoc 1987;82:605–10.",
        "10.1080/01621459.1987.10478472",
    ),
    "zeger1988": Reference(
        "Zeger SL, Liang KY, Albert PS. Models for longitudinal data: a generalized estimating equation approach. "
        "Biometrics 1988;44:1049–60.",
        "10.2307/2531734",
    ),
    "griffiths1973": Reference(
        "Griffiths DA. Maximum likelihood estimation for the beta-binomial distribution and an application to the "
        "household distribution of the total number of cases of a disease. Biometrics 1973;29:637–48."
    ),
    "kuss2015": Reference(
        "Kuss O. Statistical methods for meta-analyses including information from studies without any events: add "
        "nothing to nothing and succeed nevertheless. Stat Med 2015;34:1097–116.",
        "10.1002/sim.6383",
    ),
    "smith1995": Reference(
        "Smith TC, Spiegelhalter DJ, Thomas A. Bayesian approaches to random-effects meta-analysis: a comparative "
        "study. Stat Med 1995;14:2685–99.",
        "10.1002/sim.4780142408",
    ),
    "rover2021": Reference(
        "Röver C, Bender R, Dias S, et al. On weakly informative prior distributions for the heterogeneity "
        "parameter in Bayesian random-effects meta-analysis. Res Synth Methods 2021;12:448–74.",
        "10.1002/jrsm.1475",
    ),
    "friede2017": Reference(
        "Friede T, Röver C, Wandel S, Neuenschwander B. Meta-analysis of two studies in the presence of heterogeneity "
        "with applications in rare diseases. Biom J 2017;59:658–71.",
        "10.1002/bimj.201500236",
    ),
    # Intervals of one proportion, rate or difference
    "clopper1934": Reference(
        "Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial. "
        "Biometrika 1934;26:404–13.",
        "10.1093/biomet/26.4.404",
    ),
    "wilson1927": Reference(
        "Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc "
        "1927;22:209–12.",
        "10.1080/01621459.1927.10502953",
    ),
    "garwood1936": Reference(
        "Garwood F. Fiducial limits for the Poisson distribution. Biometrika 1936;28:437–42.",
        "10.1093/biomet/28.3-4.437",
    ),
    "newcombe1998": Reference(
        "Newcombe RG. Interval estimation for the difference between independent proportions: comparison of eleven "
        "methods. Stat Med 1998;17:873–90.",
        "10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I",
    ),
    "koopman1984": Reference(
        "Koopman PAR. Confidence intervals for the ratio of two binomial proportions. Biometrics 1984;40:513–7.",
        "10.2307/2531405",
    ),
    "miettinen1985": Reference(
        "Miettinen O, Nurminen M. Comparative analysis of two rates. Stat Med 1985;4:213–26.",
        "10.1002/sim.4780040211",
    ),
    # Heterogeneity and prediction
    "higgins2009": Reference(
        "Higgins JPT, Thompson SG, Spiegelhalter DJ. A re-evaluation of random-effects meta-analysis. J R Stat Soc A "
        "2009;172:137–59.",
        "10.1111/j.1467-985X.2008.00552.x",
    ),
    "partlett2017": Reference(
        "Partlett C, Riley RD. Random effects meta-analysis: coverage performance of 95% confidence and prediction "
        "intervals following REML estimation. Stat Med 2017;36:301–17.",
        "10.1002/sim.7140",
    ),
    "higgins2002": Reference(
        "Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis. Stat Med 2002;21:1539–58.",
        "10.1002/sim.1186",
    ),
    "viechtbauer2007": Reference(
        "Viechtbauer W. Confidence intervals for the amount of heterogeneity in meta-analysis. Stat Med 2007;26:37–52.",
        "10.1002/sim.2514",
    ),
    # Two-stage models
    "warton2011": Reference(
        "Warton DI, Hui FKC. The arcsine is asinine: the analysis of proportions in ecology. Ecology 2011;92:3–10.",
        "10.1890/10-0340.1",
    ),
    "rucker2009": Reference(
        "Rücker G, Schwarzer G, Carpenter J, Olkin I. Why add anything to nothing? The arcsine difference as a measure "
        "of treatment effect in meta-analysis with zero cells. Stat Med 2009;28:721–38."
    ),
    "freeman1950": Reference(
        "Freeman MF, Tukey JW. Transformations related to the angular and the square root. Ann Math Stat "
        "1950;21:607–11.",
        "10.1214/aoms/1177729756",
    ),
    "miller1978": Reference(
        "Miller JJ. The inverse of the Freeman–Tukey double arcsine transformation. Am Stat 1978;32:138.",
        "10.1080/00031305.1978.10479283",
    ),
    "schwarzer2019": Reference(
        "Schwarzer G, Chemaitelly H, Abu-Raddad LJ, Rücker G. Seriously misleading results using inverse of "
        "Freeman–Tukey double arcsine transformation in meta-analysis of single proportions. Res Synth Methods "
        "2019;10:476–83.",
        "10.1002/jrsm.1348",
    ),
    "dersimonian1986": Reference(
        "DerSimonian R, Laird N. Meta-analysis in clinical trials. Control Clin Trials 1986;7:177–88.",
        "10.1016/0197-2456(86)90046-2",
    ),
    "viechtbauer2005": Reference(
        "Viechtbauer W. Bias and efficiency of meta-analytic variance estimators in the random-effects model. J Educ "
        "Behav Stat 2005;30:261–93.",
        "10.3102/10769986030003261",
    ),
    "paule1982": Reference(
        "Paule RC, Mandel J. Consensus values and weighting factors. J Res Natl Bur Stand 1982;87:377–85.",
        "10.6028/jres.087.022",
    ),
    "hedges1985": Reference(
        "Hedges LV, Olkin I. Statistical methods for meta-analysis. Academic Press 1985, chapter 9."
    ),
    "sidik2005": Reference(
        "Sidik K, Jonkman JN. Simple heterogeneity variance estimation for meta-analysis. J R Stat Soc C "
        "2005;54:367–84.",
        "10.1111/j.1467-9876.2005.00489.x",
    ),
    "hartung2001": Reference(
        "Hartung J, Knapp G. A refined method for the meta-analysis of controlled clinical trials with binary "
        "outcome. Stat Med 2001;20:3875–89.",
        "10.1002/sim.1009",
    ),
    "knapp2003": Reference(
        "Knapp G, Hartung J. Improved tests for a random effects meta-regression with a single covariate. Stat Med "
        "2003;22:2693–710.",
        "10.1002/sim.1482",
    ),
    "rover2015": Reference(
        "Röver C, Knapp G, Friede T. Hartung–Knapp–Sidik–Jonkman approach and its modification for random-effects "
        "meta-analysis with few studies. BMC Med Res Methodol 2015;15:99.",
        "10.1186/s12874-015-0091-1",
    ),
    # Subgroups and regression
    "borenstein2013": Reference("Borenstein M, Higgins JPT. Meta-analysis and subgroups. Prev Sci 2013;14:134–43."),
    "higgins2004": Reference(
        "Higgins JPT, Thompson SG. Controlling the risk of spurious findings from meta-regression. Stat Med "
        "2004;23:1663–82.",
        "10.1002/sim.1752",
    ),
    "phipson2010": Reference(
        "Phipson B, Smyth GK. Permutation P-values should never be zero: calculating exact P-values when permutations "
        "are randomly drawn. Stat Appl Genet Mol Biol 2010;9:39.",
        "10.2202/1544-6115.1585",
    ),
    "raudenbush2009": Reference(
        "Raudenbush SW. Analyzing effect sizes: random-effects models. In: Cooper H, Hedges LV, Valentine JC, editors. "
        "The handbook of research synthesis and meta-analysis. 2nd ed. Russell Sage Foundation 2009:295–315."
    ),
    "cochrane2019": Reference(
        "Higgins JPT, Thomas J, Chandler J, Cumpston M, Li T, Page MJ, Welch VA, editors. Cochrane handbook for "
        "systematic reviews of interventions. 2nd ed. Wiley 2019.",
        "10.1002/9781119536604",
    ),
    # Sensitivity
    "olkin2012": Reference(
        "Olkin I, Dahabreh IJ, Trikalinos TA. GOSH: a graphical display of study heterogeneity. Res Synth Methods "
        "2012;3:214–23.",
        "10.1002/jrsm.1053",
    ),
    "efron1993": Reference(
        "Efron B, Tibshirani RJ. An introduction to the bootstrap. Chapman & Hall 1993.", "10.1007/978-1-4899-4541-9"
    ),
    "steegen2016": Reference(
        "Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W. Increasing transparency through a multiverse analysis. "
        "Perspect Psychol Sci 2016;11:702–12.",
        "10.1177/1745691616658637",
    ),
    "simonsohn2020": Reference(
        "Simonsohn U, Simmons JP, Nelson LD. Specification curve analysis. Nat Hum Behav 2020;4:1208–14.",
        "10.1038/s41562-020-0912-z",
    ),
    "morris2019": Reference(
        "Morris TP, White IR, Crowther MJ. Using simulation studies to evaluate statistical methods. Stat Med "
        "2019;38:2074–102.",
        "10.1002/sim.8086",
    ),
    "egger1997": Reference(
        "Egger M, Davey Smith G, Schneider M, Minder C. Bias in meta-analysis detected by a simple, graphical test. "
        "BMJ 1997;315:629–34.",
        "10.1136/bmj.315.7109.629",
    ),
    "peters2006": Reference(
        "Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L. Comparison of two methods to detect publication bias in "
        "meta-analysis. JAMA 2006;295:676–80.",
        "10.1001/jama.295.6.676",
    ),
    "sterne2011": Reference(
        "Sterne JAC, Sutton AJ, Ioannidis JPA, et al. Recommendations for examining and interpreting funnel plot "
        "asymmetry in meta-analyses of randomised controlled trials. BMJ 2011;343:d4002.",
        "10.1136/bmj.d4002",
    ),
    # 2×2 tables
    "mantel1959": Reference(
        "Mantel N, Haenszel W. Statistical aspects of the analysis of data from retrospective studies of disease. "
        "J Natl Cancer Inst 1959;22:719–48.",
        "10.1093/jnci/22.4.719",
    ),
    "robins1986": Reference(
        "Robins J, Breslow N, Greenland S. Estimators of the Mantel–Haenszel variance consistent in both sparse data "
        "and large-strata limiting models. Biometrics 1986;42:311–23.",
        "10.2307/2531052",
    ),
    "greenland1985": Reference(
        "Greenland S, Robins JM. Estimation of a common effect parameter from sparse follow-up data. Biometrics "
        "1985;41:55–68.",
        "10.2307/2530643",
    ),
    "sato1989": Reference(
        "Sato T, Greenland S, Robins JM. On the variance estimator for the Mantel–Haenszel risk difference. Biometrics "
        "1989;45:1323–4."
    ),
    "yusuf1985": Reference(
        "Yusuf S, Peto R, Lewis J, Collins R, Sleight P. Beta blockade during and after myocardial infarction: an "
        "overview of the randomized trials. Prog Cardiovasc Dis 1985;27:335–71.",
        "10.1016/S0033-0620(85)80003-7",
    ),
    "turner2000": Reference(
        "Turner RM, Omar RZ, Yang M, Goldstein H, Thompson SG. A multilevel model framework for meta-analysis of "
        "clinical trials with binary outcomes. Stat Med 2000;19:3417–32."
    ),
    "jackson2018": Reference(
        "Jackson D, Law M, Stijnen T, Viechtbauer W, White IR. A comparison of seven random-effects models for "
        "meta-analyses that estimate the summary odds ratio. Stat Med 2018;37:1059–85.",
        "10.1002/sim.7588",
    ),
    # Software
    "harris2020": Reference(
        "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 2020;585:357–62.",
        "10.1038/s41586-020-2649-2",
    ),
    "virtanen2020": Reference(
        "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for scientific computing in "
        "Python. Nat Methods 2020;17:261–72.",
        "10.1038/s41592-019-0686-2",
    ),
    "mckinney2010": Reference(
        "McKinney W. Data structures for statistical computing in Python. Proceedings of the 9th Python in Science "
        "Conference 2010:56–61.",
        "10.25080/Majora-92bf1922-00a",
    ),
    "hunter2007": Reference(
        "Hunter JD. Matplotlib: a 2D graphics environment. Comput Sci Eng 2007;9:90–5.", "10.1109/MCSE.2007.55"
    ),
    "molder2021": Reference(
        "Mölder F, Jablonski KP, Letcher B, et al. Sustainable data analysis with Snakemake. F1000Research 2021;10:33.",
        "10.12688/f1000research.29032.2",
    ),
    "viechtbauer2010": Reference(
        "Viechtbauer W. Conducting meta-analyses in R with the metafor package. J Stat Softw 2010;36(3):1–48.",
        "10.18637/jss.v036.i03",
    ),
    "bates2015": Reference(
        "Bates D, Mächler M, Bolker B, Walker S. Fitting linear mixed-effects models using lme4. J Stat Softw "
        "2015;67(1):1–48.",
        "10.18637/jss.v067.i01",
    ),
}

CITED = re.compile(r" ?\[@([a-z0-9; @]+)\]")


def number_references(text: str, references: Mapping[str, Reference] = REFERENCES) -> str:
    """Number the citations of a text in order of appearance, and list the references after it.

    Parameters
    ----------
    text : str
        Markdown with citations as ``[@stijnen2010]`` or ``[@harris2020; @virtanen2020]``.
    references : mapping

    Returns
    -------
    str
        The text with numbers in brackets, and a numbered list. Only what is cited is listed.

    Raises
    ------
    KeyError
        When a key is not in the table.

    Examples
    --------
    >>> table = {"a": Reference("A. 2001.", "10.1/a"), "b": Reference("B. 2002.")}
    >>> print(number_references("Exact [@b], then both [@a; @b].", table))
    Exact [1], then both [1,2].
    <BLANKLINE>
    1. B. 2002.
    2. A. 2001. [doi:10.1/a](https://doi.org/10.1/a)
    """
    order: list[str] = []

    def cite(found: re.Match) -> str:
        keys = [key.strip().removeprefix("@") for key in found[1].split(";")]
        for key in keys:
            if key not in references:
                raise KeyError(f"no reference {key!r}: add it to REFERENCES, with a DOI that was looked up")
            if key not in order:
                order.append(key)
        return f" [{','.join(str(n) for n in sorted(order.index(key) + 1 for key in keys))}]"

    numbered = CITED.sub(cite, text)
    return "\n\n".join([numbered.rstrip(), listed([references[key] for key in order])])


def listed(references: list[Reference]) -> str:
    """Give a numbered list of references, each with a link when it has a DOI."""
    return "\n".join(f"{i}. {reference.text}{link(reference.doi)}" for i, reference in enumerate(references, 1))


def link(doi: str) -> str:
    """Give a DOI as a Markdown link; brackets and angles in old DOIs are escaped in the address."""
    if not doi:
        return ""
    address = doi.translate({ord(c): f"%{ord(c):02X}" for c in "()<>;"})
    shown = doi.replace("<", "\\<").replace(">", "\\>")
    return f" [doi:{shown}](https://doi.org/{address})"
