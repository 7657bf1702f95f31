"""What every model gives back."""

from dataclasses import dataclass

from numpy import nan

from ..words.terms import OK


@dataclass(frozen=True)
class Pooled:
    """A pooled proportion.

    Parameters
    ----------
    model : str
        Its name in the table of models.
    k, studies, events, patients : int
        Rows pooled, the studies they come from, and the totals.
    estimate, ci_low, ci_high, pi_low, pi_high : float
        Proportions, 0 to 1: the pooled estimate (median study), its confidence and its prediction interval.
    se, tau2, tau2_low, tau2_high : float
        Standard error and heterogeneity variance with its interval, on the model's own scale.
    i2 : float
        Per cent of the total variance that is between studies (Higgins & Thompson 2002, equation 9).
    q, q_df, q_p : float
        Test of homogeneity: Cochran's Q, or the likelihood-ratio statistic against the saturated model.
    status : str
        ``ok``, or why a number is missing.
    loglik, nodes, steps : float
        The maximised log likelihood, quadrature nodes and iterations, where there are such.

    Notes
    -----
    A number that does not exist is NaN, never 0.
    """

    model: str
    k: int
    studies: int
    events: int
    patients: int
    estimate: float = nan
    ci_low: float = nan
    ci_high: float = nan
    pi_low: float = nan
    pi_high: float = nan
    se: float = nan
    tau2: float = nan
    tau2_low: float = nan
    tau2_high: float = nan
    i2: float = nan
    q: float = nan
    q_df: float = nan
    q_p: float = nan
    status: str = OK
    loglik: float = nan
    nodes: float = nan
    steps: float = nan
