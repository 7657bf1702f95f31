"""The report in a real browser: no network, no error, every number of the explorer, keyboard, phone, contrast, print.

Playwright drives the system's Chromium; without either of them these tests are skipped.
"""

import csv
import io
import random
import re
import shutil

import pytest
from conftest import ROOT
from synthesis.models.catalogue import pool
from synthesis.pools.likelihoods import study_likelihoods
from synthesis.selection.arms import counts_of, used_rows
from synthesis.tables.files import read_table
from synthesis.tables.pools import pooled_rows
from synthesis.words import formatting as fmt
from test_report import FORMULA, RIGHT_TO_LEFT, SCRIPT, build, sheet

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
EXTRA = {
    "eaton2005": sheet(product="B"),
    "evil2006": sheet("evil2006", label=f"Evil {SCRIPT}", definition=FORMULA, note=f'"x" {SCRIPT} {RIGHT_TO_LEFT}'),
    "long2007": sheet("long2007", label="Long " + "name" * 18, events=0),
    "ford2008": sheet("ford2008", events=70),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser") / "review"
    build(folder, EXTRA, methods="# Methods\n\n## Evidence\n\nText.\n")
    return folder


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(folder, browser):
    """Open the page with the network off; complain of anything it asks for and of anything it prints."""
    contexts, troubles = [], []

    def opened(anchor="", width=1280, height=900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("request", lambda asked: asked.url.startswith(("file:", "blob:")) or troubles.append(asked.url))
        page.goto((folder / "results" / "report.html").as_uri() + anchor)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(scope="module")
def subsets(folder):
    """Give each selection of the first analysis as the table has it."""
    rows = read_table(folder / "results" / "fever" / "subsets.csv")
    return {frozenset(row["studies"].split(";")): row for row in rows}


def printed(row):
    """Give the numbers of a pool as they must stand on the page."""
    values = [float(row[key]) for key in ("estimate", "ci_low", "ci_high")]
    limits = [float(row[key]) if row[key] else None for key in ("pi_low", "pi_high")]
    prediction = fmt.format_percent_range(*limits)
    return (
        fmt.format_percent_interval(*values).replace(" (", "% (95% CI "),
        "none below three studies" if prediction == fmt.MISSING else f"{prediction}%",
        f"{row['k']} of ",
        f"{int(row['events']):,} of {int(row['patients']):,} patients",
        "" if row["status"] == "ok" else row["status"],
    )


def boxes(page):
    return {box.get_attribute("data-place"): box for box in page.locator("#x-rows input").all()}


def tick(page, places, wanted):
    """Tick exactly the wanted places."""
    for place in places:
        page.locator(f'#x-rows input[data-place="{place}"]').set_checked(place in wanted)


# ---------------------------------------------------------------- opens


def test_opens_from_a_file_without_network_or_error(page):
    assert page.title() == "A small review"
    assert page.locator("#explore").is_visible()
    assert page.evaluate("window.hacked") is None


def test_hostile_text_is_read_as_text_wherever_the_script_puts_it(page):
    page.locator("#x-rows li").filter(has_text="Evil").hover()
    source = page.locator("#x-source").inner_text()
    assert FORMULA in source and SCRIPT in source and '"x"' in source
    page.locator("#find").fill("evil")
    assert SCRIPT in page.locator("#found").inner_text()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main script").count() == 0


# ---------------------------------------------------------------- explorer


def test_the_explorer_prints_the_table_for_every_single_and_ten_random_exclusions(page, subsets, folder):
    rows = page.evaluate("JSON.parse(document.getElementById('data').textContent).analyses[0].rows.map(r => r.study)")
    places = [str(i) for i in range(len(rows))]
    assert len(rows) >= 6
    draw = random.Random(20261124)
    several = [set(draw.sample(places, draw.randint(2, len(rows) - 1))) for _ in range(10)]
    choices = [*({place} for place in places), *several]
    for gone in choices:
        tick(page, places, set(places) - gone)
        row = subsets[frozenset(study for place, study in zip(places, rows, strict=True) if place not in gone)]
        said = page.locator("#x-answer").inner_text()
        for part in printed(row):
            assert part in said, (gone, part, said)
        drawn = page.locator("#x-pool").inner_text()
        assert printed(row)[0].replace("% (95% CI ", " (") in drawn
    page.locator("#x-all").click()
    assert printed(subsets[frozenset(rows)])[0] in page.locator("#x-answer").inner_text()


def near(row):
    """Give what may be printed of a pool: its numbers, and those up to a thousandth away."""
    names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    return [
        {fmt.format_percent(getattr(row, name) * (1 + by)) for by in (-1e-3, -3e-4, 0, 3e-4, 1e-3)} for name in names
    ]


def test_bayes_pools_any_selection_in_the_page_as_the_program_does(page, folder):
    """One study is told alone, two without a prediction; no events at all have an upper limit only."""
    rows = pooled_rows(used_rows(folder / "results" / "fever" / "rows.csv"))
    shown = page.evaluate("JSON.parse(document.getElementById('data').textContent).analyses[0].rows.map(r => r.study)")
    page.locator("#x-model").select_option("bayes")
    draw = random.Random(20261128)
    places = range(len(shown))
    choices = [*([place] for place in places), *(draw.sample(places, draw.randint(2, len(shown))) for _ in range(12))]
    for kept in choices:
        tick(page, map(str, places), set(map(str, kept)))
        whole = pool("bayes", *counts_of(row for row in rows if row["study"] in {shown[place] for place in kept}))
        said = page.locator("#x-answer").inner_text()
        assert f"{whole.events} of {whole.patients} patients" in said
        assert ("95% CrI" if whole.status == "ok" else "95% CI") in said.split("\n")[0]
        assert whole.status == "ok" or whole.status in said
        found = re.match(r"(\S+)% \(95% CrI (\S+)(?:–| to )(\S+)\)\s+95% prediction interval: (\S+)–(\S+)%|.*", said)
        if len(kept) < 3:
            assert "none below three studies" in said
        if len(kept) == 1:
            assert fmt.format_percent_interval(whole.estimate, whole.ci_low, whole.ci_high).split(" ")[0] in said
        elif len(kept) > 2:
            assert all(text in allowed for text, allowed in zip(found.groups(), near(whole), strict=True)), (kept, said)


def made(counts):
    """Give rows of one arm a study."""
    return [
        {
            "study": f"s{i:02}",
            "events": low if low == high else None,
            "events_from": low,
            "events_to": high,
            "patients": n,
        }
        for i, (low, high, n) in enumerate(counts)
    ]


HARD = {
    "few events": made([(0, 0, 20), (0, 0, 35), (1, 1, 200), (0, 0, 400), (0, 2, 50)]),
    "far apart": made([(2, 2, 1000), (30, 30, 60), (300, 300, 3000), (900, 900, 1000), (5, 9, 100)]),
    "large and alike": made([(250 + i, 250 + i, 5000) for i in range(20)]),
    "arms within limits": made([(3, 6, 40), (1, 4, 30), (8, 8, 90), (2, 2, 70)]),
}
HARD["arms within limits"][0]["study"] = "s01"  # as the second arm


@pytest.mark.parametrize("name", HARD)
def test_the_page_adds_up_likelihoods_to_three_digits(browser, name):
    """Worst seen on 18 sets of 2 to 40 studies: 4e-4 of a proportion, 1.3e-3 of the median of τ²."""
    rows = HARD[name]
    prior, *held = study_likelihoods(rows, 0.95)
    axes = {
        key: {"centre": prior.get(f"{key}_centre", 0), "first": prior.get(f"{key}_first", 0)} for key in ("tau", "mu")
    }
    axes = {
        key: one | {part: prior[f"{key}_{part}"] for part in ("width", "last", "points")} for key, one in axes.items()
    }
    studies = [{"table": row["log_likelihood"]} for row in held]
    grid = axes | {"deep": prior["deep"], "prior": prior["log_likelihood"], "studies": studies}
    page, names = browser.new_page(), [row["study"] for row in held]
    script = (ROOT / "workflow/templates/report/pooling.js").read_text(encoding="utf-8")
    page.evaluate(
        f"grid => {{ {script}\n window.pool = places => pooling.pool(pooling.open(grid), places, 0.95); }}", grid
    )
    draw = random.Random(5)
    for chosen in [
        list(range(len(names))),
        *(draw.sample(range(len(names)), draw.randint(2, len(names))) for _ in range(5)),
    ]:
        found = page.evaluate("places => pool(places)", chosen)
        whole = pool("bayes", *counts_of(row for row in rows if row["study"] in {names[place] for place in chosen}))
        if whole.status != "ok":
            continue
        pairs = {"estimate": "estimate", "low": "ci_low", "high": "ci_high"}
        pairs |= {"from": "pi_low", "to": "pi_high"} if len(chosen) > 2 else {}
        for key, column in pairs.items():
            assert found[key] == pytest.approx(getattr(whole, column), rel=1e-3), (chosen, key)
        assert found["tau2"] == pytest.approx(whole.tau2, rel=3e-3)
    page.close()


def test_with_no_study_ticked_there_is_no_number(page):
    places = list(boxes(page))
    tick(page, places, set())
    assert "nothing to pool" in page.locator("#x-answer").inner_text()
    assert page.locator("#x-pool .sum:not(.axis)").count() == 0


def test_another_model_is_looked_up_and_says_when_it_has_no_such_selection(page, folder):
    rows = read_table(folder / "results" / "fever" / "estimates.csv")
    crude = next(r for r in rows if r["subset"] == "all" and r["model"] == "crude")
    page.locator("#x-model").select_option("crude")
    assert printed(crude)[0] in page.locator("#x-answer").inner_text()
    page.locator("#x-rows input").first.uncheck()
    assert "was not pooled with this model" in page.locator("#x-answer").inner_text()


def test_keep_only_one_level_and_sort(page, subsets, folder):
    rows = read_table(folder / "results" / "fever" / "rows.csv")
    chosen = frozenset(r["study"] for r in rows if r["subset"] == "all" and r["use"] == "yes" and r["product"] == "A")
    page.locator("#x-keep").select_option(label="Product A")
    assert printed(subsets[chosen])[0] in page.locator("#x-answer").inner_text()
    page.locator("#x-sort").select_option("size")
    sizes = [int(t.split("/")[1]) for t in page.locator("#x-rows .count").all_inner_texts()]
    assert sizes == sorted(sizes, reverse=True)


def test_the_saved_rows_cannot_run_in_a_spreadsheet(page):
    with page.expect_download() as download:
        page.locator("#x-csv").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert not [cell for row in table for cell in row.values() if cell and cell[0] in "=+-@"]
    evil = next(row for row in table if row["study"] == "evil2006")
    assert evil["Definition"] == f"'{FORMULA}" and SCRIPT in evil["label"]
    assert any(row["label"].startswith("pool: ") for row in table)


def test_the_saved_figure_is_a_figure_with_the_printed_numbers(page, subsets):
    with page.expect_download() as download:
        page.locator("#x-save").click()
    svg = download.value.path().read_text(encoding="utf-8")
    whole = max(subsets.values(), key=lambda row: int(row["k"]))
    assert svg.startswith("<svg") and printed(whole)[0].replace("% (95% CI ", " (") in svg
    assert "<script" not in svg and "Evil &lt;script&gt;" in svg


# ---------------------------------------------------------------- keyboard


def test_the_explorer_ticks_a_study_with_all_its_arms(browser, tmp_path):
    address = build(tmp_path / "review", arms="product", methods="# Methods\n\n## Evidence\n\nText.\n")
    page = browser.new_page()
    page.goto(address.as_uri())
    boxes = page.locator("#x-rows input")
    first = [i for i in range(boxes.count()) if "Adams 2001" in boxes.nth(i).get_attribute("aria-label")]
    assert len(first) == 2 and "4 of 4 studies" in page.locator("#x-answer").inner_text()
    boxes.nth(first[1]).click()
    assert [boxes.nth(i).is_checked() for i in range(boxes.count())] == [i not in first for i in range(boxes.count())]
    rows = read_table(address.parent / "fever" / "subsets.csv")
    left = next(row for row in rows if row["studies"] == "baker2002;clark2003;davis2004" and row["model"] == "glmm")
    said = page.locator("#x-answer").inner_text()
    assert "3 of 4 studies" in said and f"{left['events']} of {left['patients']} patients" in said
    # One arm of Adams has another product, so only the other studies can be kept by product.
    kept = page.locator("#x-keep option").all_inner_texts()
    page.locator("#x-keep").select_option(label=kept[1])
    assert not any(boxes.nth(i).is_checked() for i in first)
    page.close()


def test_the_explorer_works_by_keyboard_alone(page, subsets):
    page.locator("#x-analysis").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "checkbox"
    assert page.locator("#x-source .source").is_visible()  # the count's source shows on focus, not on hover alone
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.type") == "checkbox"  # redrawing keeps the place
    assert not page.evaluate("document.activeElement.checked")
    most = max(int(row["k"]) for row in subsets.values())
    assert f"{most - 1} of {most} studies" in page.locator("#x-answer").inner_text()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("#x-rows input:not(:checked)").count() == 2


def test_a_row_of_a_forest_plot_shows_its_source_on_focus_and_leads_to_its_line(page):
    row = page.locator("#fever a.row").first
    row.focus()
    assert "Where it stands" in page.locator("#tip").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    row.focus()
    page.keyboard.press("Enter")
    line = page.locator(row.get_attribute("href"))
    assert line.is_visible() and page.evaluate("location.hash") == row.get_attribute("href")


def test_the_card_stays_while_it_is_pointed_at(page):
    page.locator("#fever a.row").first.hover()
    page.locator("#tip a").last.hover()
    page.wait_for_timeout(500)
    assert page.locator("#tip").is_visible()


def test_the_skip_link_comes_first(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_search_filters_the_studies(page):
    field = page.locator("#filter-studies")
    field.fill("adams")
    rows = page.locator("#table-studies tbody tr")
    # Whatever a row says is searched: the made-up sheets may share patients with Adams 2001.
    holding = [text for text in rows.all_inner_texts() if "adams" in text.lower()]
    assert "Adams 2001" in holding[0] and 0 < len(holding) < rows.count()
    assert rows.filter(visible=True).count() == len(holding)
    field.fill("10.1000/adams")
    assert "Adams 2001" in rows.filter(visible=True).inner_text()
    field.fill("")
    assert rows.filter(visible=True).count() == rows.count()


# ---------------------------------------------------------------- screens


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_screen_scrolls_sideways(open_page, width):
    page = open_page(width=width)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_axe_finds_nothing_serious(open_page, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(width=width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    # The policy of the page forbids a script from outside, so axe is evaluated by the browser's own tools.
    answer = axe.run(page).response
    assert len(answer["passes"]) > 20  # it did run
    serious = [v for v in answer["violations"] if v["impact"] in ("serious", "critical")]
    assert not [(v["id"], v["nodes"][0]["html"][:200]) for v in serious]


def test_the_button_overrides_the_colours_of_the_system(open_page):
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.locator("#theme").click()
    light = page.evaluate(ground)
    assert light == "rgb(255, 255, 255)" != dark
    page.locator("#theme").click()
    assert page.evaluate(ground) == dark


def test_prints_with_its_tables_open(page):
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000
    page.emulate_media(media="print")
    assert page.locator("nav.contents").is_hidden() and page.locator("#explorer").is_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#fever details").first.get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#fever details").first.get_attribute("open") is None
