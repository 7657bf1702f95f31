"""The same sheets give the same bytes, whatever the processor and the release of Python (design, section 6)."""

import hashlib

import pytest
from conftest import Review
from synthesis.tables.files import read_table, write_table

# Python 3.12 adds floats in sum() with compensation: here every release does, so that a sum that enters a result shows.
NEWER_PYTHON = """
import builtins, math
plain = builtins.sum
def compensated(values, /, start=0):
    values = list(values)
    floats = any(isinstance(v, float) for v in values) and all(isinstance(v, (int, float)) for v in values)
    return math.fsum([start, *values]) if floats else plain(values, start)
builtins.sum = compensated
"""
OLD_KERNELS = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_NUM_THREADS": "2",
}


def digests(review: Review) -> dict[str, str]:
    found = (path for path in sorted((review.folder / "results").rglob("*")) if path.is_file())
    return {str(p.relative_to(review.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


@pytest.mark.slow
@pytest.mark.workflow
def test_another_processor_and_another_python_give_the_same_bytes(built, tmp_path):
    other = Review(tmp_path / "review")
    other.add_engine()
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "sitecustomize.py").write_text(NEWER_PYTHON)
    other.environment = OLD_KERNELS | {"PYTHONPATH": str(tmp_path / "newer")}
    other.build()
    one, two = digests(built), digests(other)
    assert len(one) > 50
    assert {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)} == set()


def test_what_two_processors_round_differently_is_one_number_in_a_table(tmp_path):
    here, there = 0.1 + 0.2, 0.3
    assert here != there
    tables = []
    for value in (here, there, -0.0, 0.0):
        write_table(tmp_path / "t.csv", [{"x": value}], ["x"])
        tables.append(read_table(tmp_path / "t.csv")[0]["x"])
    assert tables == ["0.3", "0.3", "0.0", "0.0"]
