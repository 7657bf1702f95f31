"""The typed protocol: every scientific choice of a review, as ``config.yaml`` states it."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from .levels import MIXED, NOT_REPORTED
from .located import Located, check_model, read_located, spelled
from .model_names import MODEL_NAMES
from .problems import Problem, ProblemsError, one_of
from .sheets import DESIGNS, NAME, NAME_WORDS, Name, Text, Whole


def _flag(value: Any) -> Any:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError(f'"{value}" is neither true nor false. Write one of them.')
    return words[str(value).lower()]


Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Slug = Annotated[str, spelled(NAME, NAME_WORDS, max_length=60)]
Model = Literal[MODEL_NAMES]


class Part(BaseModel):
    """What every part of the protocol shares."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(Part):
    """Under which licence the data are given away."""

    name: Text
    title: Text
    path: Text


class Review(Part):
    """What the review asks."""

    title: Text
    question: Text
    version: Text = Field(description="Release of the data: year.month.number.")
    last_search: Text
    registration: Text
    collection: Text = Field(
        "a curated collection, not a systematic search",
        description="How the reports were found: the flow diagram's title.",
    )
    limits: Text = Field(description="What the evidence is and cannot show; the summary and the report print it.")
    licence: Licence | None = Field(None, description="Of the data, as `data.zip` states it.")
    unit: Text = Field("patients", description="What one unit of the denominator is called.")


class OutcomeTerm(Part):
    """An outcome a sheet may report."""

    label: Text
    kind: Literal["clinical", "laboratory"]
    parent: Name | None = Field(None, description="The wider outcome that holds at least as many patients.")


class Product(BaseModel):
    """A product; beside its label, any attribute of the config that follows from it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    label: Text


class Attribute(Part):
    """Something that describes an arm, with its levels in the order of figures."""

    label: Text
    levels: dict[str, Text]


class WindowRule(Part):
    """Which follow-up windows may meet in a pool."""

    max_days: Whole
    unstated: Literal["include", "exclude"]


class Analysis(Part):
    """One question: what is pooled, and how it is split."""

    label: Text
    outcomes: tuple[Name, ...] = Field(min_length=1, description="In order of preference.")
    window: WindowRule
    arms: Literal["cohort", "product"]
    subgroups: tuple[Slug, ...] = ()
    ascertainment: tuple[Text, ...] = Field((), description="Which may meet; all when left out.")
    exclude_basis: tuple[Literal["derived", "reconstructed"], ...] = ()
    minimum_patients: Whole = 1
    readings: Literal["any", "twice"] = Field("any", description="twice: only counts a second reader agreed on.")
    moderators: tuple[Slug, ...] = Field((), description="Continuous moderators for meta-regression.")
    note: Text | None = None


class Contrast(Part):
    """Two levels set against each other."""

    by: Slug
    first: Text
    second: Text


class Models(Part):
    """How it is pooled."""

    primary: Model
    sensitivity: tuple[Model, ...] = ()
    subgroups: tuple[Model, ...] = Field(("glmm", "logit-reml", "crude"), description="Models that pool subgroups.")
    level: float = Field(0.95, gt=0.5, lt=1)
    study_interval: Literal["clopper-pearson", "wilson"] = "clopper-pearson"
    draw_prediction_from: Whole = Field(5, ge=3)


class Moderator(Part):
    """A continuous property of a study: the year, or a characteristic of the pooled arm or of an arm that holds it."""

    label: Text
    unit: Text = ""
    characteristic: Name | None = Field(None, description="The name in the sheets; left out: the year of publication.")


class Sensitivity(Part):
    """How the pool reacts to what is in it."""

    exact_subsets_up_to: Whole = Field(14, ge=3, le=18, description="Studies up to which all subsets are fitted.")
    sampled_subsets: Whole = 10000
    subset_models: tuple[Model, ...] = Field((), description="Beside the primary model: glmm-t, or two-stage models.")
    bootstrap: Whole = 2000
    permutations: Whole = 2000
    seed: Whole = 1
    chunks: Whole = Field(1, ge=1, description="Jobs that share subsets and samples; the answer does not depend on it.")


class Multiverse(Part):
    """Which defensible choices are crossed."""

    models: tuple[Model, ...] = Field(min_length=1)
    windows: tuple[Whole, ...] = Field(min_length=1, description="Longest windows allowed, in days.")
    risk_of_bias_ignores: tuple[Name, ...] = Field(
        (), description="Risk-of-bias items that keep no study out of the specifications without any judged no."
    )


class Future(Part):
    """What is said of a new study."""

    thresholds: tuple[Annotated[float, Field(gt=0, lt=100)], ...] = Field(
        description="Per cent: how probable is a true proportion above it?"
    )
    patients: Whole = Field(50, ge=1, description="Events are predicted for the next so many.")
    study: Whole = Field(100, ge=1, description="Size of one more study whose gain is simulated.")
    simulations: Whole = 2000
    seed: Whole = 1


class Rates(Part):
    """Pooling per unit of time, for analyses whose windows are stated."""

    days: float = Field(30.4375, gt=0, allow_inf_nan=False, description="Days in the unit of time.")
    unit: Text = "patient-month"
    analyses: tuple[Slug, ...] = ()


class PublishedPair(Part):
    """A published pool and the analysis it stands beside."""

    review: Text
    outcome: Text
    subgroup: Text
    analysis: Slug
    measure: Literal["proportion", "rate"]
    note: Text


class Published(Part):
    """Published pools to stand beside ours."""

    file: Text
    pairs: tuple[PublishedPair, ...] = ()


class Simulation(Part):
    """Simulated reviews that show how the models behave."""

    reviews: Whole = Field(200, ge=1, description="Simulated reviews a scenario.")
    chunks: Whole = Field(4, ge=1, description="Jobs; the answer does not depend on how many.")
    seed: Whole = 1
    k: tuple[Annotated[Whole, Field(ge=2)], ...] = Field(min_length=1)
    incidence: tuple[Annotated[float, Field(gt=0, lt=100)], ...] = Field(
        min_length=1, description="Per cent of the median study."
    )
    tau: tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...] = Field(min_length=1)
    models: tuple[Model, ...] = Field(min_length=1)


class Figures(Part):
    """How it is drawn."""

    preset: Literal["default", "slide", "jama", "bmj", "revman"] = "default"
    palette: Literal["default", "grey"] = "default"
    sort: Literal["year", "label", "estimate", "patients"] = "year"
    shared_axis: Flag = True
    forest_by: tuple[Slug, ...] = ("product",)
    evidence_map: tuple[Slug, ...] = Field(
        (), max_length=2, description="Two properties of arms: down and across; the first two there are, when left out."
    )
    formats: tuple[Literal["svg", "pdf", "png"], ...] = ("svg", "pdf", "png")


class Protocol(Part):
    """The whole of ``config.yaml``."""

    review: Review
    outcomes: dict[Name, OutcomeTerm]
    products: dict[str, Product]
    attributes: dict[Slug, Attribute] = {}
    ascertainment: dict[str, Text] = Field(description="How events can be found: name → label in figures.")
    designs: tuple[Text, ...] = Field((), description="Words for how a study was done, beside the usual ones.")
    tools: dict[str, dict[Name, Text]] = Field({}, description="Risk-of-bias tool → item → question.")
    analyses: dict[Slug, Analysis] = Field(min_length=1)
    contrasts: tuple[Contrast, ...] = ()
    moderators: dict[Slug, Moderator] = {}
    models: Models
    sensitivity: Sensitivity = Sensitivity()
    multiverse: Multiverse = Multiverse(models=("glmm",), windows=(100,))
    future: Future = Future(thresholds=(5, 10, 20))
    rates: Rates = Rates()
    published: Published | None = None
    simulation: Simulation = Simulation(k=(5,), incidence=(5,), tau=(0.5,), models=("glmm",))
    figures: Figures

    @property
    def every_design(self) -> tuple[str, ...]:
        """Give the words for how a study was done: the usual ones, and the review's own."""
        return (*DESIGNS, *self.designs)

    def levels(self, variable: str) -> dict[str, str]:
        """Give level → label of something an analysis can be split by, in the order of figures."""
        if variable == "product":
            return {name: product.label for name, product in self.products.items()}
        if variable == "ascertainment":
            return dict(self.ascertainment)
        if variable == "report":
            return {name: name.capitalize() for name in REPORTS}
        return dict(self.attributes[variable].levels)

    def variable_label(self, variable: str) -> str:
        """Give the name of a splitting variable as figures print it."""
        fixed = {"product": "Product", "ascertainment": "How events were found", "report": "Report"}
        return fixed.get(variable) or self.attributes[variable].label


REPORTS = ("article", "abstract", "label", "review-table", "registry", "manufacturer")
STUDY_VARIABLES = ("ascertainment", "report")
FOLDERS = ("data", "figures")  # of results/, beside those of the analyses
# What an attribute must not be called: a key of an arm, or a column of a table that has one column an attribute.
TAKEN = {
    *("label", "product", "patients", "comprises", "part_of", "note"),
    *("analysis", "subset", "group", "study", "arm", "arm_label", "ascertainment", "report", "year", "outcome"),
    *("definition", "events", "window", "window_text", "basis", "confidence", "second_reading", "use", "reason"),
    *("proportion", "ci_low", "ci_high", "source", "url", "doi", "cohort"),
}


def read_protocol(path: str | Path) -> Protocol:
    """Read and check ``config.yaml``.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Protocol

    Raises
    ------
    ProblemsError
        With every problem: YAML errors with their line, unknown keys, and names that are not defined.
    """
    located = read_located(path)
    protocol = check_model(Protocol, located)
    problems = _check_names(protocol, located)
    if problems:
        raise ProblemsError(problems)
    return protocol


def _check_names(protocol: Protocol, located: Located) -> list[Problem]:
    """Find names that point at nothing."""
    problems = []

    def known(path: tuple, value: str | None, allowed: Any) -> None:
        if value is not None and value not in allowed:
            problems.append(located.problem(path, one_of(value, allowed)))

    splits = ["product", *STUDY_VARIABLES, *protocol.attributes]
    for name, term in protocol.outcomes.items():
        known(("outcomes", name, "parent"), term.parent, [o for o in protocol.outcomes if o != name])
    for name, product in protocol.products.items():
        for attribute, level in (product.__pydantic_extra__ or {}).items():
            at = ("products", name, attribute)
            known(at, attribute, list(protocol.attributes))
            if attribute in protocol.attributes:
                known(at, str(level), list(protocol.attributes[attribute].levels))
    for name, analysis in protocol.analyses.items():
        at = ("analyses", name)
        for i, outcome in enumerate(analysis.outcomes):
            known((*at, "outcomes", i), outcome, list(protocol.outcomes))
        for i, variable in enumerate(analysis.subgroups):
            known((*at, "subgroups", i), variable, splits)
        for i, moderator in enumerate(analysis.moderators):
            known((*at, "moderators", i), moderator, list(protocol.moderators))
        for i, way in enumerate(analysis.ascertainment):
            known((*at, "ascertainment", i), way, list(protocol.ascertainment))
    for i, contrast in enumerate(protocol.contrasts):
        known(("contrasts", i, "by"), contrast.by, splits)
        if contrast.by in splits:
            for side in ("first", "second"):
                known(("contrasts", i, side), getattr(contrast, side), list(protocol.levels(contrast.by)))
    for i, variable in enumerate(protocol.figures.forest_by):
        known(("figures", "forest_by", i), variable, splits)
    for i, variable in enumerate(protocol.figures.evidence_map):
        known(("figures", "evidence_map", i), variable, splits)
    single = ("betabinom", "bayes", "crude")  # fitted one by one: too slow for thousands of subsets
    for i, model in enumerate(protocol.sensitivity.subset_models):
        known(("sensitivity", "subset_models", i), model, [name for name in MODEL_NAMES if name not in single])
    for i, item in enumerate(protocol.multiverse.risk_of_bias_ignores):
        known(("multiverse", "risk_of_bias_ignores", i), item, [i for items in protocol.tools.values() for i in items])
    for i, name in enumerate(protocol.rates.analyses):
        known(("rates", "analyses", i), name, list(protocol.analyses))
    for i, pair in enumerate(protocol.published.pairs if protocol.published else ()):
        known(("published", "pairs", i, "analysis"), pair.analysis, list(protocol.analyses))
    problems += _check_parents(protocol, located) + _check_repeats(located) + _check_reserved(protocol, located)
    if protocol.models.primary == "crude":
        message = '"crude" cannot lead: it ignores that studies differ. Use glmm, or another model.'
        problems.append(located.problem(("models", "primary"), message))
    return problems


def _check_repeats(located: Located) -> list[Problem]:
    """Find what stands twice in one list: a subgroup named twice would be pooled twice."""
    problems: list[Problem] = []
    queue: list[tuple[tuple, Any]] = [((), located.data)]
    while queue:
        path, here = queue.pop()
        items = list(here.items() if isinstance(here, dict) else enumerate(here))
        queue += [((*path, step), value) for step, value in items if not isinstance(value, str)]
        texts = [value for _, value in items if isinstance(value, str)] if isinstance(here, list) else []
        repeated = [i for i, text in enumerate(texts) if text in texts[:i]]
        problems += [located.problem((*path, i), f'"{texts[i]}" stands twice. Keep one.') for i in repeated]
    return problems


def _check_reserved(protocol: Protocol, located: Located) -> list[Problem]:
    """Find names that mean something else to the engine, and choices that undo each other."""
    found: list[tuple[tuple, str]] = []
    names = [(("attributes", name), name, TAKEN) for name in protocol.attributes]
    names += [(("products", name), name, (MIXED, NOT_REPORTED)) for name in protocol.products]
    for name, attribute in protocol.attributes.items():
        names += [(("attributes", name, "levels", one), one, (MIXED, NOT_REPORTED)) for one in attribute.levels]
    found += [
        (at, f'"{one}" has a meaning of its own here. Take another name.') for at, one, taken in names if one in taken
    ]
    for name in set(FOLDERS) & set(protocol.analyses):
        found.append((("analyses", name), f"results/{name}/ is a folder of its own. Give the analysis another name."))
    for i, contrast in enumerate(protocol.contrasts):
        if contrast.first == contrast.second:
            message = f'"{contrast.second}" stands on both sides. Set two different levels against each other.'
            found.append((("contrasts", i, "second"), message))
    if protocol.published and (
        Path(protocol.published.file).is_absolute() or ".." in Path(protocol.published.file).parts
    ):
        message = f'"{protocol.published.file}" is outside this folder. Put the table into it.'
        found.append((("published", "file"), message))
    return [located.problem(*one) for one in found]


def _check_parents(protocol: Protocol, located: Located) -> list[Problem]:
    """Find outcomes that are their own ancestor."""
    problems = []
    for name in protocol.outcomes:
        seen, here = [name], protocol.outcomes[name].parent
        while here in protocol.outcomes and here not in seen:
            seen.append(here)
            here = protocol.outcomes[here].parent
        if here == name:
            message = f"The parents run in a circle: {' → '.join([*seen, here])}. Take one out."
            problems.append(located.problem(("outcomes", name, "parent"), message))
    return problems
