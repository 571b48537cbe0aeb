"""Descriptions as plain text that keeps its paragraphs and lists, for readers that know no HTML."""

import re
from html import unescape

_BLOCK_ENDS = re.compile(r"</(?:p|h3|ul|ol)>")
_LINE_ENDS = re.compile(r"<br ?/?>|</li>")
_TAG = re.compile(r"<[^>]*>")
_BLANK = re.compile(r"\n{3,}")
BULLET = "• "


def paragraphs(html: str) -> str:
    """The text of our safe subset of HTML; a blank line between blocks, a bullet to an entry."""
    text = _BLOCK_ENDS.sub("\n\n", _LINE_ENDS.sub("\n", html.replace("<li>", BULLET)))
    lines = (" ".join(line.split()) for line in unescape(_TAG.sub("", text)).split("\n"))
    return _BLANK.sub("\n\n", "\n".join(lines)).strip()
