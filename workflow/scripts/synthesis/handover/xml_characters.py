"""Text that a file format can hold: Office files are XML, which has no room for some characters."""

import re

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_text(text: str) -> str:
    """Give a text without the characters XML does not allow.

    >>> xml_text("a\\x00b \\t=c")
    'ab \\t=c'
    """
    return FORBIDDEN.sub("", text)
