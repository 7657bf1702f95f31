"""Pages and house styles: what a journal's forest plots look like, as data.

A preset is a page with its sizes of type, and a layout: which columns stand on which side of the panel, in which words
and brackets, on what ground. Nothing else in the figures asks which preset it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...words.formatting import DASH, HOUSES, House

TITLE = 5.5  # mm of the head that the title takes


@dataclass(frozen=True)
class Layout:
    """How a journal sets a table with a panel of marks."""

    # Columns on either side of the panel, in order: study, events, patients; ``counts``, which is events/patients in
    # one; ``percent``, the estimate with its interval; ``window``, the sixth column, whatever stands in it.
    left: tuple[str, ...] = ("study", "events", "patients")
    right: tuple[str, ...] = ("percent", "window")
    words: Mapping[str, str] = field(default_factory=dict)  # headings, and beginnings of the names of pools
    house: str = "default"  # of ``formatting.HOUSES``: the zero of P values, dash or ``to`` in ranges
    brackets: str = "()"  # around an interval
    between: str = ""  # its limits; blank: as formatted
    title: str = "above"  # or below
    palette: str = "default"  # of ``style.PALETTES``, unless the reader asks for another one
    grid: bool = True  # lines in the panel
    bands: bool = False  # every other study on a grey ground

    def call(self, words: str) -> str:
        """Give the journal's word for a heading, or for the beginning of a name.

        >>> Layout(words={"All studies": "Total"}).call("All studies (k = 4)")
        'Total (k = 4)'
        """
        for ours, theirs in self.words.items():
            if words == ours or words.startswith(f"{ours} ("):
                return theirs + words[len(ours) :]
        return words

    def bracket(self, interval: str) -> str:
        """Put an interval, printed as ``(6.3–17.0)``, into the journal's brackets.

        >>> Layout(brackets="[]", between=", ").bracket("(6.3–17.0)")
        '[6.3, 17.0]'
        """
        if not (interval.startswith("(") and interval.endswith(")")):
            return interval
        inner = interval[1:-1]
        if self.between:
            inner = inner.replace(" to ", self.between).replace(DASH, self.between)
        return f"{self.brackets[0]}{inner}{self.brackets[1]}"


@dataclass(frozen=True)
class Preset:
    """A page: millimetres for places, points for type and lines."""

    width: float = 180
    height: float | None = None  # None lets the content decide, up to ``rows_per_page``; a slide has one of its own
    body: float = 7.5
    title: float = 9
    notes: float = 6.6  # lines below the figure
    small: float = 6.6  # lines inside the table
    row: float = 4.9  # height of a row of a table
    leading: float = 3.15  # from one line of notes to the next
    head: float = 16  # above the first row
    rows_per_page: float = 45
    scale: float = 1.0  # of marks and distances, against the default page
    layout: Layout = Layout()

    def mm(self, length: float) -> float:
        """Turn a length of the default page into one of this page."""
        return length * self.width / 180

    @property
    def top(self) -> float:
        """Give the height above the first row; less where the title stands below."""
        return self.head - (TITLE * self.body / 7.5 if self.layout.title == "below" else 0)

    @property
    def house(self) -> House:
        """Give the house style of numbers."""
        return HOUSES[self.layout.house]


JOURNAL = Preset()
LAYOUTS = {
    # JAMA: source, counts and effect left of the panel; no zero before the point of a P value.
    "jama": Layout(
        left=("study", "counts", "percent"),
        right=("window",),
        words={"Study": "Source", "All studies": "Overall"},
        house="jama",
        palette="jama",
    ),
    # BMJ: counts in one column, "to" in ranges, the title as a caption below, a grey ground to lead the eye.
    "bmj": Layout(
        left=("study", "counts"),
        words={"All studies": "Overall"},
        house="bmj",
        title="below",
        palette="bmj",
        grid=False,
        bands=True,
    ),
    # RevMan: effect left of the panel in square brackets, totals and subtotals, black diamonds, no grid.
    "revman": Layout(
        left=("study", "events", "patients", "percent"),
        right=("window",),
        words={"Study": "Study or subgroup", "All studies": "Total", "Subgroup": "Subtotal"},
        brackets="[]",
        between=", ",
        palette="revman",
        grid=False,
    ),
}
# 16:9 at 10 inches: 11 pt is read from the back row, so a slide holds fewer rows and splits sooner.
SLIDE = {"width": 254, "height": 143, "body": 11, "title": 14, "notes": 8, "small": 9, "row": 6.3, "leading": 3.8}
PRESETS = {
    "default": JOURNAL,
    "slide": Preset(**SLIDE, head=21, rows_per_page=99, scale=1.4),
    **{name: replace(JOURNAL, layout=layout) for name, layout in LAYOUTS.items()},
}
