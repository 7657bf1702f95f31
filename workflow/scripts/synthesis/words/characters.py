"""One spelling of every text that people type or paste, and the characters that are refused.

A copy from a page or a PDF brings along what nobody sees: soft hyphens, zero-width spaces, no-break spaces, accents
apart from their letters. Two texts that look alike must be one text, or a report is entered twice and a count pooled
twice. Sheets, config, workbooks and tables all pass through here.
"""

import re
import unicodedata
from urllib.parse import unquote

# Without width or form of their own: they say nothing in a name, a number or a definition.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_SPACE = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_WIDE = re.compile("[\ufb00-\ufb06\uff01-\uff5e]+")  # ligatures of PDFs, and the full-width letters of some keyboards
_DASH = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63]")
_QUOTE = re.compile("[\u2018\u2019\u201b\u2032\u00b4`]")
# No figure, page or workbook can hold these; some turn the text around them, some are all that is left of a letter.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffd-\uffff"
    "\U000f0000-\U0010ffff]"
)
_MIXED = re.compile("[^\\W\\d_]*(?:[A-Za-z][\u0400-\u052f]|[\u0400-\u052f][A-Za-z])[^\\W\\d_]*")


def plain(text: str) -> str:
    """Give a text in the one spelling that is kept.

    Characters without width are taken out, every kind of space becomes a space, ligatures and full-width letters and
    digits become plain ones, and accents join their letters (Unicode NFC).

    >>> plain("Adams\\u00a02001"), plain("\\u200b10.1/ad\\u00adams"), plain("de\\ufb01nition"), plain("\\uff11\\uff12")
    ('Adams 2001', '10.1/adams', 'definition', '12')
    """
    if text.isascii():
        return text.replace("\t", " ")
    text = _SPACE.sub(" ", _IGNORED.sub("", text))
    return unicodedata.normalize("NFC", _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text))


def comparable(text: str) -> str:
    """Give what two texts share that a reader would call the same: no case, one kind of dash, quote and space.

    >>> comparable("Any  fever\\u2013like") == comparable("any fever-like")
    True
    """
    text = unicodedata.normalize("NFKC", _QUOTE.sub("'", _DASH.sub("-", plain(text))))
    return " ".join(text.casefold().split())


def complaint(text: str) -> str | None:
    """Say which character of a text cannot stay, and what to do; None when all can.

    >>> complaint("a\\u202eb")
    'The text holds the character U+202E, which cannot be seen. Take it out.'
    >>> complaint("Müller, 5 µg/L, TNFα") is None
    True
    """
    if text.isascii() and text.isprintable():
        return None
    if bad := _UNSEEN.search(text):
        if bad[0] == "\ufffd":
            return "The text holds U+FFFD, the sign for a letter that was lost on the way. Type the letter again."
        return f"The text holds the character U+{ord(bad[0]):04X}, which cannot be seen. Take it out."
    if mixed := _MIXED.search(text):
        return f'"{mixed[0][:60]}" mixes Latin letters with Cyrillic ones that look alike. Type the word again.'
    return None


def look_alike(text: str) -> str | None:
    """Name the first character that only looks like a plain one, for a line that cannot be read because of it.

    >>> look_alike("events:\\u00a012")
    'U+00A0 (NO-BREAK SPACE)'
    """
    odd = next((c for c in text if plain(c) != c or _UNSEEN.match(c)), None)
    return f"U+{ord(odd):04X} ({unicodedata.name(odd, 'no name')})" if odd else None


def bare_doi(text: str) -> str:
    """Give a DOI without its address, and without what stands round it in a sentence.

    Two spellings of one DOI are one: see https://www.doi.org/doi-handbook/HTML/case-sensitivity.html (DOIs do not
    distinguish capitals). Capitals are kept here; compare with :func:`comparable`.

    >>> [bare_doi(d) for d in ("https://doi.org/10.1000/x.", "doi: 10.1000/x/", "(DOI 10.1000/X)", "10.1000%2Fx", "?")]
    ['10.1000/x', '10.1000/x', '10.1000/X', '10.1000/x', '?']
    """
    text = _DASH.sub("-", plain(text)).strip()
    if "://" in text:
        text = re.split("[?#]", text)[0]
    text = unquote(text) if "%" in text else text
    found = re.search(r"10\.[0-9]{4,9}/\S.*", text)
    if not found:
        return text
    bare, last = re.split(r"\s+[(\[]|[.,;]\s", found[0])[0], ""
    while bare != last:
        last, bare = bare, bare.rstrip(" .,;:/<>\"'|*…")
        if bare and bare[-1] in ")]}" and bare.count(bare[-1]) > bare.count("([{"[")]}".index(bare[-1])]):
            bare = bare[:-1]
    return bare
