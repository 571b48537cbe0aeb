"""HTML and Word paste, and plain text, as the safe subset of HTML."""

import re
from collections import Counter
from collections.abc import Iterator
from html import escape, unescape
from unicodedata import is_normalized

import nh3

from app.kit.text import ALLOWED_TAGS, safe_html
from app.sources.plain_writing.words import visible

SAME = {
    "b": "strong",
    "i": "em",
    "h1": "h3",
    "h2": "h3",
    "h4": "h3",
    "h5": "h3",
    "h6": "h3",
    "div": "p",
    "section": "p",
    "article": "p",
    "blockquote": "p",
    "tr": "p",
    "dt": "p",
    "dd": "p",
}
"""What a tag outside the subset becomes; others go and leave their text."""
_KNOWN = ALLOWED_TAGS | set(SAME) | {"span", "font", "table", "td", "u", "html", "body", "center"}
_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_KNOWN))}|o:p|style|script|meta|!--)\b[^<>]*>|<!--")
_WRITTEN_TAG = re.compile(r"&lt;/?(?:p|br|div|strong|em|ul|li|b|i|h[1-6]|a|span)\b")
_RENAMED = re.compile(rf"<(/?)({'|'.join(SAME)})>")
_INLINE = (
    r"(?=[^<>&\s]|<(?:strong|em|b|i)>)"
    r"(?:[^<>&]++|&(?:amp|lt|gt);|<br>"
    r"|<(?:strong>(?=[^<>&\s])[^<>&]++</strong|em>(?=[^<>&\s])[^<>&]++</em"
    r"|b>(?=[^<>&\s])[^<>&]++</b|i>(?=[^<>&\s])[^<>&]++</i)>)*+"
)
_CLEAN = re.compile(rf"(?:<p>{_INLINE}</p>|<h3>{_INLINE}</h3>|<ul>(?:<li>{_INLINE}</li>)++</ul>)++")
"""What comes out of the readers below as it went in."""
DEEPEST = 100
"""Tags that stand in one another: a parser's time grows with the square of that."""
_NESTING = re.compile(
    r"<(/?)(?!(?:p|li|br|td|tr|dt|dd|h[1-6]|meta|img|hr|input|link|col)\b)([a-z]{1,12})",
    re.IGNORECASE,
)
_ANY_TAG = re.compile(r"<[^<>]*>?")
_CELL = re.compile(r"</td>")
_OUTSIDE = re.compile(r"</?(?:td|table)>")
_EMPTY = re.compile(r"<(p|li|h3|strong|em)>(?: |&nbsp;|<br>)*</\1>")
_BLOCK = re.compile(r"(</?(?:p|ul|ol|h3)>)")
_BREAKS = re.compile(r"^(?:\s|<br>)+|(?:\s|<br>)+$")
_BULLET = re.compile(r"\s*(?:[\u2022\u25cf\u25aa\u00b7*]\s*|[-\u2013]\s+)(?=\S)")
# Word leaves the settings of its document in front of a paste without markup.
_WORD_SETTINGS = re.compile(
    r"(?:Normal\s{1,9})?0\s{1,9}(?:\d\s{1,9})?false\s{1,9}false\s{1,9}false"
    r"(?:\s{1,9}(?:EN-\w\w|X-NONE|MicrosoftInternetExplorer4)\b)*"
)


def read_html(text: str) -> str:
    """The text as safe HTML: paragraphs and lists kept, smart quotes kept, Word's remains gone."""
    if is_clean(text) and "false" not in text:
        return _renamed(text)
    return read_any_html(text)


def is_clean(html: str) -> bool:
    """Whether it is plain safe HTML already, told without parsing it: the fast path."""
    return _CLEAN.fullmatch(html) is not None and html.isprintable() and is_normalized("NFC", html)


def read_any_html(text: str) -> str:
    """The same by the whole path, which parses the text twice."""
    plain = _WORD_SETTINGS.sub("", visible(text)).strip()
    if _is_too_deep(plain) or _is_too_deep(unescape(plain)):
        plain = _ANY_TAG.sub(" ", unescape(plain))
    if not _TAG.search(plain.lower()) and _WRITTEN_TAG.search(plain.lower()):
        plain = unescape(plain)
    if _TAG.search(plain.lower()):
        html = _from_markup(plain)
    else:
        html = _from_lines(unescape(plain).replace("\u00a0", " "))
    return html if is_clean(html) else safe_html(visible(html))


def _from_markup(text: str) -> str:
    html = nh3.clean(
        text,
        tags=_KNOWN - {"span", "font", "u", "html", "body", "center"},
        attributes={"a": {"href"}},
        clean_content_tags={"script", "style", "title", "xml"},
    )
    html = _CELL.sub(" ", _renamed(html))
    html = _OUTSIDE.sub("", html).replace("&nbsp;", " ")
    return _EMPTY.sub("", _EMPTY.sub("", "".join(_in_paragraphs(html)))).strip()


def _is_too_deep(text: str) -> bool:
    depth = 0
    open_tags: Counter[str] = Counter()
    for tag in _NESTING.finditer(text):
        name = tag[2].lower()
        if not tag[1]:
            open_tags[name] += 1
            depth += 1
        elif open_tags[name]:
            open_tags[name] -= 1
            depth -= 1
        if depth > DEEPEST:
            return True
    return False


def _renamed(html: str) -> str:
    return _RENAMED.sub(lambda tag: f"<{tag[1]}{SAME[tag[2]]}>", html)


def _in_paragraphs(html: str) -> Iterator[str]:
    """Text that stands outside every block gets a paragraph; a block in a block is closed first."""
    inside: str | None = None
    for piece in _BLOCK.split(html):
        name = piece.strip("</>") if _BLOCK.fullmatch(piece) else None
        if name is None:
            bare = piece if inside else _BREAKS.sub("", piece)
            yield bare if inside or not bare else f"<p>{bare}</p>"
        elif piece.startswith("</"):
            if inside == name:
                inside = None
                yield piece
        elif inside in ("p", "h3"):
            yield f"</{inside}>{piece}"
            inside = name
        elif inside is None:
            inside = name
            yield piece
    if inside:
        yield f"</{inside}>"


def _from_lines(text: str) -> str:
    html: list[str] = []
    lines: list[str] = []
    bullets: list[str] = []
    for line in [*text.splitlines(), ""]:
        bullet = _BULLET.match(line)
        if lines and (bullet or not line.strip()):
            html.append(f"<p>{'<br>'.join(lines)}</p>")
            lines = []
        if bullets and not bullet:
            items = "".join(f"<li>{item}</li>" for item in bullets)
            html.append(f"<ul>{items}</ul>")
            bullets = []
        if bullet:
            bullets.append(escape(line[bullet.end() :].strip(), quote=False))
        elif line.strip():
            lines.append(escape(line.strip(), quote=False))
    return "".join(html)
