"""config.yaml is typed and closed; the schemas follow the models."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import REVIEW, ROOT
from synthesis.documents.schemas import texts
from synthesis.protocol.config import TAKEN, read_protocol
from synthesis.protocol.config_names import page_ids
from synthesis.review.index import read_index, sheet_paths
from synthesis.sheets.sheet import Arm
from synthesis.tables.declared import columns_of
from synthesis.tables.problems import ProblemsError

# The analyses the review must have at least (issue A, point 4).
EXPECTED = {
    "bleeding",
    "thrombosis",
    "venous_thromboembolism",
    "intracranial_haemorrhage",
    "coagulopathy_adverse_event",
    "dic",
    "hypofibrinogenaemia",
    "prolonged_pt",
    "prolonged_aptt",
    "raised_d_dimer",
}

FAULTS = {
    "bad YAML": ("analyses:", "analyses: [", "config.yaml:23: Not readable as YAML"),
    "unknown key": ("  arms: cohort", "  arm: cohort", 'Unknown key. "arm" is not one of: label, outcomes'),
    "outcome without definition": ("outcomes: [rash]", "outcomes: [rashes]", 'Did you mean "rash"?'),
    "subgroup without definition": ("subgroups: [product, target]", "subgroups: [disease]", '"disease" is not one of'),
    "unknown model": ("primary: glmm", "primary: glm", 'models.primary: "glm" is not one of'),
    "model that cannot lead": ("primary: glmm", "primary: crude", '"crude" cannot lead'),
    "contrast of nothing": ("second: B", "second: D", "contrasts[0].second"),
    "parents in a circle": (
        "fever: {label: Fever, kind: clinical}",
        "fever: {label: Fever, kind: clinical, parent: high_fever}",
        "circle",
    ),
    "level without attribute": ("target: T1}", "target: T9}", '"T9" is not one of: T1, T2'),
    "number as a programmer types it": ("[5, 10, 20]", "[5, 1_0]", 'thresholds[1]: "1_0" is not a number.'),
    "number with a sign of thousands": (
        "figures:",
        "rates: {days: 1e1}\nfigures:",
        'rates.days: "1e1" is not a number.',
    ),
    "design twice": ("figures:", "designs: [N of 1, n of 1]\nfigures:", 'designs[1]: "n of 1" stands twice.'),
    "window in words": ("max_days: 100, unstated: exclude", "max_days: three, unstated: exclude", "max_days"),
    "name that is no folder": (
        "  rash:\n    label: Rash\n    outcomes",
        "  ../rash:\n    label: Rash\n    outcomes",
        "analyses",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_config_names_its_line(fault, tmp_path):
    old, new, message = FAULTS[fault]
    text = (REVIEW / "config.yaml").read_text()
    assert old in text
    path = tmp_path / "config.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ProblemsError) as caught:
        read_protocol(path)
    assert message in str(caught.value)
    assert all(p.line > 0 for p in caught.value.problems)


def test_one_item_that_is_wrong_is_told_once(tmp_path):
    """A list whose only item is wrong is not told to be empty, too."""
    text = (REVIEW / "config.yaml").read_text().replace("formats: [svg]", "formats: [SVG]")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ProblemsError) as caught:
        read_protocol(tmp_path / "config.yaml")
    assert [p.field for p in caught.value.problems] == ["figures.formats[0]"]


def test_no_place_of_the_page_and_no_column_can_be_taken():
    """A new section of the page, or a new column of rows.csv, is reserved by itself, or this says so."""
    page = (ROOT / "workflow" / "templates" / "report" / "page.html").read_text(encoding="utf-8")
    ids = set(re.findall(r' id="([a-z_]+)"', page))
    assert len(ids) > 15 and ids <= page_ids()
    assert {*columns_of("rows"), *Arm.model_fields, "all", "risk_of_bias"} <= TAKEN


def test_the_primary_model_may_stand_among_the_others_too(tmp_path):
    """Whoever changes it edits one line, and it is fitted once all the same (docs/howto/change-a-model.md)."""
    text = (REVIEW / "config.yaml").read_text()
    path = tmp_path / "config.yaml"
    path.write_text(text.replace("primary: glmm", "primary: logit-reml").replace("[crude]", "[crude, logit-reml]"))
    assert read_protocol(path).models.primary == "logit-reml"


def test_the_review_has_its_analyses():
    protocol = read_protocol(ROOT / "config.yaml")
    assert set(protocol.analyses) >= EXPECTED
    assert protocol.models.primary == "bayes"
    assert ("axi-cel", "CD19/22") in {(c.first, c.second) for c in protocol.contrasts}


def test_every_key_of_the_config_has_its_question():
    """Each top-level key, and each choice under `models` and `figures`, follows a comment that asks a question."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    asked = False
    for line in lines:
        if line.lstrip().startswith("#"):
            asked = asked or "?" in line
        elif line and not line.startswith(" "):
            assert asked or line in ("review:", "models:", "figures:"), line
            asked = False


@pytest.fixture
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_schemas_are_in_step_with_the_models(at_root):
    for path, text in texts().items():
        assert path.read_text() == text, f"{path} is behind the models. Run `make schemas`."


def test_schemas_accept_every_sheet_and_the_config(at_root):
    """What the reader accepts an editor accepts too, with YAML's own types."""
    sheet = jsonschema.Draft202012Validator(json.loads(Path("studies/sheet.schema.json").read_text()))
    config = jsonschema.Draft202012Validator(json.loads(Path("workflow/schemas/config.schema.json").read_text()))
    config.validate(yaml.load(Path("config.yaml").read_text(), Loader=EditorLoader))
    for path in [*sheet_paths("studies"), "studies/TEMPLATE.yaml"]:
        path = Path(path)
        # An editor reads dates and yes/no as text (YAML 1.2); PyYAML's safe loader reads YAML 1.1.
        data = yaml.load(path.read_text(), Loader=EditorLoader)
        errors = [f"{path}: {'.'.join(map(str, e.path))}: {e.message}" for e in sheet.iter_errors(data)]
        assert not errors, errors


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2's core types: no dates, no yes/no booleans, no sexagesimals."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag.endswith((":int", ":float", ":null"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
EditorLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def test_a_schema_refuses_what_the_reader_refuses(at_root):
    sheet = jsonschema.Draft202012Validator(json.loads(Path("studies/sheet.schema.json").read_text()))
    data = yaml.load((REVIEW / "studies" / "baker2002.yaml").read_text(), Loader=EditorLoader)
    data["outcomes"][0]["outcome"] = "no such outcome"
    data["colour"] = "blue"
    messages = " ".join(e.message for e in sheet.iter_errors(data))
    assert "no such outcome" in messages
    assert "colour" in messages


def test_a_config_adds_words_for_designs(review):
    """A review of prevalence meets designs that no list foresees: a sheet may name those of the config."""
    review.edit("config.yaml", "outcomes:\n  fever", "designs: [survey of registers]\noutcomes:\n  fever")
    review.edit("studies/clark2003.yaml", "design: trial", "design: survey of registers")
    review.edit("studies/baker2002.yaml", "design: trial", "design: cross-sectional")
    index = read_index(review.folder / "config.yaml", review.folder / "studies")
    assert {sheet.design for sheet in index.sheets.values()} >= {"survey of registers", "cross-sectional"}
    review.edit("config.yaml", "[survey of registers]", "[survey of ships]")
    with pytest.raises(ProblemsError) as caught:
        read_index(review.folder / "config.yaml", review.folder / "studies")
    assert '"survey of registers" is not one of: retrospective cohort' in str(caught.value)
