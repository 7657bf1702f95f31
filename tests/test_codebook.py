"""The codebook and the template keep up with the models."""

import pytest
from conftest import ROOT
from pydantic import BaseModel
from synthesis.protocol.config import read_protocol
from synthesis.protocol.scalars import DESIGNS
from synthesis.sheets import sheet as sheets
from synthesis.sheets.checks import read_sheets
from synthesis.sheets.sheet import Sheet

MODELS = [m for m in vars(sheets).values() if isinstance(m, type) and issubclass(m, BaseModel) and m is not BaseModel]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_the_codebook_explains_every_field(model):
    text = (ROOT / "studies" / "README.md").read_text()
    missing = [
        f.alias or n
        for n, f in model.model_fields.items()
        if f"`{f.alias or n}" not in text and f"{n}," not in text and f"{n}:" not in text
    ]
    assert not missing, f"studies/README.md does not explain {missing}"


def test_the_codebook_names_every_allowed_value():
    text = (ROOT / "studies" / "README.md").read_text()
    for literal in (sheets.Report, sheets.Basis, sheets.Confidence, sheets.Reading):
        assert all(f"`{value}`" in text for value in literal.__args__)
    assert all(f"`{word}`" in text for word in DESIGNS)


def test_the_template_is_a_sheet_without_fault(tmp_path):
    (tmp_path / "smith2025.yaml").write_text((ROOT / "studies" / "TEMPLATE.yaml").read_text())
    sheet = read_sheets([tmp_path / "smith2025.yaml"], read_protocol(ROOT / "config.yaml"))[0]
    used = {name for name in Sheet.model_fields if name in sheet.model_fields_set}
    assert {"arms", "outcomes", "comparisons", "characteristics", "extraction"} <= used
