"""The typed protocol: every scientific choice of a review, as ``config.yaml`` states it."""

import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from ..tables.located import check_model, read_located, spelled
from ..tables.problems import as_typed, one_of, quote, refuse
from ..words.levels import NOT_LEVELS
from ..words.model_names import MODEL_NAMES
from .config_names import check_alike, check_repeats, page_ids
from .scalars import DESIGNS, LONGEST_WINDOW, NAME, NAME_WORDS, Name, Part, Text, Whole


def _flag(value: Any) -> Any:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError(f'"{value}" is neither true nor false. Write one of them.')
    return words[str(value).lower()]


def _number(value: Any) -> Any:
    """Read a number as a person types it: no 1e300, nan or 1_000, which a programmer's reader takes."""
    text = as_typed(value).strip()
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", text):
        raise ValueError(f'"{text}" is not a number. Write digits, with a point before decimals.')
    return float(text)


Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Slug = Annotated[str, spelled(NAME, NAME_WORDS, max_length=60)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=80)]
# What is more is a slip of the pen, and would keep a machine busy for days or fill its disk.
Days = Annotated[Whole, Field(le=LONGEST_WINDOW)]
Size = Annotated[Whole, Field(ge=1, le=1_000_000)]  # of what is simulated, sampled or predicted
Jobs = Annotated[Whole, Field(ge=1, le=1000)]
Number = Annotated[float, BeforeValidator(_number)]
Incidence = Annotated[Number, Field(ge=0.001, le=99.999)]  # in per cent
Model = Literal[MODEL_NAMES]


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
    levels: dict[Key, Text] = Field(min_length=1)


class WindowRule(Part):
    """Which follow-up windows may meet in a pool."""

    max_days: Days
    unstated: Literal["include", "exclude"] = Field(description="Counts whose report says nothing of a window.")
    open: Literal["include", "exclude"] = Field("include", description="Counts followed without a fixed end.")


class Analysis(Part):
    """One question: what is pooled, and how it is split."""

    label: Text
    outcomes: tuple[Name, ...] = Field(min_length=1, description="In order of preference.")
    window: WindowRule
    arms: Literal["cohort", "product"]
    subgroups: tuple[Slug, ...] = ()
    ascertainment: tuple[Text, ...] = Field((), description="Which may meet; all when left out.")
    exclude_basis: tuple[Literal["derived", "reconstructed"], ...] = ()
    minimum_patients: Whole = Field(1, ge=1)
    readings: Literal["any", "twice"] = Field("any", description="twice: only counts a second reader agreed on.")
    moderators: tuple[Slug, ...] = Field((), description="Continuous moderators for meta-regression.")
    headline: Literal["pool", "range"] = Field(
        "pool", description="range: definitions differ in kind, so the range is the answer and the pool a description."
    )
    note: Text | None = None


class Contrast(Part):
    """Two levels set against each other."""

    by: Slug
    first: Text
    second: Text


class Models(Part):
    """How it is pooled."""

    primary: Model
    beside: Model | None = Field(None, description="The model in the second line of tables of answers.")
    sensitivity: tuple[Model, ...] = ()
    subgroups: tuple[Model, ...] = Field(("glmm", "logit-reml", "crude"), description="Models that pool subgroups.")
    level: Number = Field(0.95, gt=0.5, le=0.9999)
    study_interval: Literal["clopper-pearson", "wilson"] = "clopper-pearson"
    draw_prediction_from: Whole = Field(5, ge=3, le=1000)


class Moderator(Part):
    """A continuous property of a study: the year, or a characteristic of the pooled arm or of an arm that holds it."""

    label: Text
    unit: Text = ""
    characteristic: Name | None = Field(None, description="The name in the sheets; left out: the year of publication.")


class Sensitivity(Part):
    """How the pool reacts to what is in it."""

    exact_subsets_up_to: Whole = Field(14, ge=3, le=18, description="Studies up to which all subsets are fitted.")
    sampled_subsets: Size = 10000
    subset_models: tuple[Model, ...] = Field((), description="Beside the primary model: glmm-t, or two-stage models.")
    bootstrap: Size = 2000
    permutations: Size = 2000
    seed: Whole = 1
    chunks: Jobs = Field(1, description="Jobs that share subsets and samples; the answer does not depend on it.")


class Multiverse(Part):
    """Which defensible choices are crossed."""

    models: tuple[Model, ...] = Field(min_length=1)
    windows: tuple[Days, ...] = Field(
        min_length=1, max_length=20, description="Longest windows allowed, in days; what states no window is left out."
    )
    prior_scales: tuple[Annotated[Number, Field(gt=0, le=10)], ...] = Field(
        (), max_length=20, description="Scales of the half-normal prior on τ (log odds) of `bayes`, beside the usual 1."
    )
    risk_of_bias_ignores: tuple[Name, ...] = Field(
        (),
        description="Risk-of-bias items about precision: no risk in figures, no reason to leave a study out.",
    )


class Future(Part):
    """What is said of a new study."""

    thresholds: tuple[Incidence, ...] = Field(
        max_length=20, description="Per cent: how probable is a true proportion above it?"
    )
    patients: Size = Field(50, description="Events are predicted for the next so many.")
    study: Size = Field(100, description="Size of one more study whose gain is simulated.")
    simulations: Size = 2000
    seed: Whole = 1


class Rates(Part):
    """Pooling per unit of time, for analyses whose windows are stated."""

    days: Number = Field(30.4375, ge=0.01, le=LONGEST_WINDOW, description="Days in the unit of time.")
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

    file: Annotated[Text, Field(max_length=200)]
    pairs: tuple[PublishedPair, ...] = ()


class Simulation(Part):
    """Simulated reviews that show how the models behave."""

    reviews: Size = Field(200, description="Simulated reviews a scenario.")
    chunks: Jobs = Field(4, description="Jobs; the answer does not depend on how many.")
    seed: Whole = 1
    k: tuple[Annotated[Whole, Field(ge=2, le=1000)], ...] = Field(min_length=1, max_length=20)
    incidence: tuple[Incidence, ...] = Field(min_length=1, max_length=20, description="Per cent of the median study.")
    tau: tuple[Annotated[Number, Field(ge=0, le=10)], ...] = Field(min_length=1, max_length=20)
    models: tuple[Model, ...] = Field(min_length=1)
    prior_scales: tuple[Annotated[Number, Field(gt=0, le=10)], ...] = Field(
        (), max_length=5, description="Further scales of the prior on tau of `bayes`, beside its own."
    )


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
    formats: tuple[Literal["svg", "pdf", "png"], ...] = Field(("svg", "pdf", "png"), min_length=1)


class Protocol(Part):
    """The whole of ``config.yaml``."""

    review: Review
    outcomes: dict[Name, OutcomeTerm] = Field(min_length=1)
    products: dict[Key, Product]
    attributes: dict[Slug, Attribute] = Field({})
    ascertainment: dict[Key, Text] = Field(
        min_length=1, description="How events can be found: name → label in figures."
    )
    designs: tuple[Text, ...] = Field((), description="Words for how a study was done, beside the usual ones.")
    tools: dict[Key, dict[Name, Text]] = Field({}, description="Risk-of-bias tool → item → question.")
    analyses: dict[Slug, Analysis] = Field(min_length=1)
    contrasts: tuple[Contrast, ...] = ()
    moderators: dict[Slug, Moderator] = Field({})
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

    @property
    def questions_of_bias(self) -> dict[str, dict[str, str]]:
        """Give tool → item → question without the items that are about precision."""
        aside = self.multiverse.risk_of_bias_ignores
        return {tool: {item: q for item, q in items.items() if item not in aside} for tool, items in self.tools.items()}

    @property
    def questions_of_precision(self) -> list[str]:
        """Give the questions of the other items."""
        aside = self.multiverse.risk_of_bias_ignores
        return [q for items in self.tools.values() for item, q in items.items() if item in aside]

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
    *("definition", "events", "events_from", "events_to", "window", "window_text", "window_words", "basis", "use"),
    *("confidence", "second_reading", "reason", "proportion", "ci_low", "ci_high", "source", "url", "doi", "cohort"),
    *("all", "risk_of_bias"),  # a subset of its own, and a forest plot of its own
}
HINTS = {"": "Add it; docs/reference/config.md says what it holds."}


def read_protocol(path: str | Path) -> Protocol:
    """Read and check ``config.yaml``.

    Raises
    ------
    ProblemsError
        With every problem: YAML errors with their line, unknown keys, and names that are not defined.
    """
    located = read_located(path)
    protocol = check_model(Protocol, located, HINTS)
    found = [(at, one_of(name, known)) for at, name, known in _names(protocol) if name not in (None, *known)]
    for faults in (_parents(protocol), _reserved(protocol), _clashes(protocol)):
        found += faults
    refuse([*(located.problem(*one) for one in found), *check_repeats(located), *check_alike(located)])
    return protocol


def _splits(protocol: Protocol) -> list[str]:
    """Name what an analysis can be split by."""
    return ["product", *STUDY_VARIABLES, *protocol.attributes]


def _names(protocol: Protocol) -> Iterator[tuple[tuple, str | None, Collection[str]]]:
    """Give place, name and what may stand there, for all that names another part of the config."""
    splits = _splits(protocol)
    for name, term in protocol.outcomes.items():
        yield ("outcomes", name, "parent"), term.parent, [other for other in protocol.outcomes if other != name]
    for name, product in protocol.products.items():
        for attribute, level in product.model_extra.items():
            at = ("products", name, attribute)
            yield at, attribute, protocol.attributes
            if attribute in protocol.attributes:
                yield at, str(level), protocol.attributes[attribute].levels
    for i, contrast in enumerate(protocol.contrasts):
        yield ("contrasts", i, "by"), contrast.by, splits
        for side in ("first", "second") if contrast.by in splits else ():
            yield ("contrasts", i, side), getattr(contrast, side), protocol.levels(contrast.by)
    for i, pair in enumerate(protocol.published.pairs if protocol.published else ()):
        yield ("published", "pairs", i, "analysis"), pair.analysis, protocol.analyses
    single = ("betabinom", "crude")  # fitted one by one: too slow for thousands of subsets
    subsets, items = [name for name in MODEL_NAMES if name not in single], [*chain(*protocol.tools.values())]
    lists = [
        (("figures",), protocol.figures, {"forest_by": splits, "evidence_map": splits}),
        (("sensitivity",), protocol.sensitivity, {"subset_models": subsets}),
        (("multiverse",), protocol.multiverse, {"risk_of_bias_ignores": items}),
        (("rates",), protocol.rates, {"analyses": protocol.analyses}),
    ]
    known = {key: getattr(protocol, key) for key in ("outcomes", "moderators", "ascertainment")}
    lists += [(("analyses", name), one, known | {"subgroups": splits}) for name, one in protocol.analyses.items()]
    for at, part, allowed in lists:
        for key, words in allowed.items():
            yield from (((*at, key, i), name, words) for i, name in enumerate(getattr(part, key)))


def _reserved(protocol: Protocol) -> Iterator[tuple[tuple, str]]:
    """Find names that mean something else to the engine."""
    own = '"{}" has a meaning of its own here. Take another name.'
    analysis, another = (f"Give the {kind} another name." for kind in ("analysis", "moderator"))
    taken = [
        ("attributes", TAKEN, own),
        ("products", NOT_LEVELS, own),
        ("analyses", FOLDERS, f"results/{{}}/ is a folder of its own. {analysis}"),
        ("analyses", page_ids(), f'"{{}}" is a place of its own in results/report.html. {analysis}'),
        ("moderators", _splits(protocol), f'"{{}}" is a property of arms or studies already. {another}'),
    ]
    for kind, words, said in taken:
        yield from (((kind, name), said.format(name)) for name in getattr(protocol, kind) if name in words)
    for name, attribute in protocol.attributes.items():
        for level in {*NOT_LEVELS} & {*attribute.levels}:
            yield ("attributes", name, "levels", level), own.format(level)


def _clashes(protocol: Protocol) -> Iterator[tuple[tuple, str]]:
    """Find choices that undo each other."""
    if protocol.models.primary == "crude":
        message = '"crude" cannot lead: it ignores that studies differ. Use glmm, or another model.'
        yield ("models", "primary"), message
    if protocol.simulation.chunks > protocol.simulation.reviews:
        message = f"{protocol.simulation.chunks} jobs for {protocol.simulation.reviews} reviews. Write fewer jobs."
        yield ("simulation", "chunks"), message
    pairs: dict[tuple, int] = {}
    for i, contrast in enumerate(protocol.contrasts):
        first = pairs.setdefault((contrast.by, frozenset((contrast.first, contrast.second))), i)
        if first != i:
            yield ("contrasts", i), f"The same two levels as contrasts[{first}]. Keep one."
        if contrast.first == contrast.second:
            message = f'"{contrast.second}" stands on both sides. Set two different levels against each other.'
            yield ("contrasts", i, "second"), message
    if protocol.published:
        file, path = quote(protocol.published.file), Path(protocol.published.file)
        if path.is_absolute() or ".." in path.parts:
            yield ("published", "file"), f"{file} is outside this folder. Put the table into it."
        elif path.parts[:1] == ("results",):
            message = f"{file} is in the folder that the build writes. Keep it in studies/, for instance."
            yield ("published", "file"), message


def _parents(protocol: Protocol) -> Iterator[tuple[tuple, str]]:
    """Find outcomes that are their own ancestor."""
    for name in protocol.outcomes:
        seen, here = [name], protocol.outcomes[name].parent
        while here in protocol.outcomes and here not in seen:
            seen.append(here)
            here = protocol.outcomes[here].parent
        if here == name:
            message = f"The parents run in a circle: {' → '.join([*seen, here])}. Take one out."
            yield ("outcomes", name, "parent"), message
