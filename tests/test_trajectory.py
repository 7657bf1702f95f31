"""The figure of the releases: texts apart and on the page, numbers those of the table, one release is no trajectory."""

from math import nan

import pytest
from matplotlib.text import Text
from page_checks import find_off_page, find_overlaps
from synthesis.figures.kit.readings import FigureText
from synthesis.figures.release_chart import LATEST, axis_top, draw_trajectory, draw_trajectory_file
from synthesis.tables.declared import write
from synthesis.words import formatting as fmt
from typed_rows import typed

LABELS = {"a": "Fever", "b": "A name of an outcome that runs on and on for well over sixty letters", "c": "Rash"}


def rows(releases: int, analyses=("a", "b", "c")) -> list[dict]:
    found = []
    for number in range(releases):
        for i, name in enumerate(analyses):
            estimate = [0.004, 0.12, 0.61][i % 3] * (1 + number / 40)
            values = {"estimate": estimate, "ci_low": estimate * 0.7, "ci_high": estimate * 1.5}
            found.append(
                {"version": f"26.{number + 1}.0", "analysis": name, "label": LABELS.get(name, name)}
                | {"studies": 1 + number // 2, "status": "ok"}
                | values
            )
    return typed("trajectory", found)


def texts(drawing) -> list[str]:
    return [text.get_text() for page in drawing.pages for text in page.findobj(Text)]


@pytest.mark.parametrize("preset", ["default", "slide", "bmj"])
@pytest.mark.parametrize("releases", [2, 5, LATEST, 40])
def test_texts_are_apart_and_on_the_page(releases, preset):
    drawing = draw_trajectory(rows(releases), FigureText("", preset=preset, version_line="Data version 1"))
    for page in drawing.pages:
        assert find_overlaps(page) == []
        assert find_off_page(page) == []


def test_printed_numbers_are_those_of_the_table():
    table = rows(3)
    drawing = draw_trajectory(table, FigureText(""))
    for row in table[-3:]:
        low, mid, high = (row[key] for key in ("ci_low", "estimate", "ci_high"))
        estimate, interval = fmt.format_percent_interval(mid, low, high, fmt.decimals_for([mid])).split(" ", 1)
        assert f"26.3.0: {estimate}% {interval}" in texts(drawing)
        assert f"{estimate}% {interval} in 26.3.0" in drawing.desc


def test_panels_stand_in_the_order_of_the_config_even_when_one_is_new():
    table = [row for row in rows(3) if row["version"] == "26.3.0" or row["analysis"] != "a"]
    shown = [text for text in texts(draw_trajectory(table, FigureText(""))) if text in LABELS.values()]
    assert shown == ["Fever", "Rash"]


def test_the_last_releases_are_shown_and_the_others_counted():
    drawing = draw_trajectory(rows(LATEST + 3), FigureText(""))
    assert any("3 earlier versions not shown." in text for text in texts(drawing))
    assert "26.3.0" not in " ".join(texts(drawing)).split()


def test_many_analyses_take_several_pages():
    drawing = draw_trajectory(rows(2, [f"analysis {i}" for i in range(20)]), FigureText(""))
    assert len(drawing.pages) == 2


def test_one_release_is_no_trajectory(tmp_path):
    write(tmp_path / "trajectory.csv", rows(1))
    parts = {
        "review": {"unit": "patients", "version": "26.1.0", "search": "2026-01-01"},
        "models": {"level": 0.95, "primary": "glmm", "draw_prediction_from": 5},
        "figures": {"preset": "default", "palette": "default", "sort": "year", "formats": ["svg"]},
    }
    draw_trajectory_file(str(tmp_path / "trajectory.csv"), tmp_path / "trajectory", **parts)
    assert ">Not drawn: 1 version so far; a trajectory needs two.</desc>" in (tmp_path / "trajectory.svg").read_text()
    write(tmp_path / "trajectory.csv", rows(4))
    draw_trajectory_file(str(tmp_path / "trajectory.csv"), tmp_path / "trajectory", **parts)
    first = (tmp_path / "trajectory.svg").read_bytes()
    draw_trajectory_file(str(tmp_path / "trajectory.csv"), tmp_path / "trajectory", **parts)
    assert (tmp_path / "trajectory.svg").read_bytes() == first


def test_an_answer_that_could_not_be_pooled_has_no_point():
    table = rows(3)
    table[0] |= {"estimate": nan, "ci_low": nan, "ci_high": nan, "status": "no studies"}
    drawing = draw_trajectory(table, FigureText(""))
    assert "Fever: no studies in 26.1.0" in drawing.desc
    assert axis_top([table[0]]) == 1
