"""Which of the first rows of a table holds its headings, and what two rows of them say."""

from collections.abc import Collection, Sequence

from app.sources.cells import RawCell, RawRow, TooLong, is_blank
from app.sources.headings import BY_NAME, candidates, plain

HEADING_LENGTH = 80


class Finder:
    """Tells headings from other rows."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = {plain(heading) for heading in known}

    def knows(self, text: str) -> bool:
        """Whether a text is a heading that means something to us."""
        return plain(text) in self._known or bool(candidates(text))

    def recognised(self, cells: Sequence[RawCell]) -> int:
        """How many different fields the cells name."""
        found = set()
        for cell in cells:
            if isinstance(cell, str) and 0 < len(cell) <= HEADING_LENGTH:
                name = plain(cell)
                if name in self._known:
                    found.add(name)
                elif fields := candidates(cell):
                    found.add(fields[0])
        return len(found)

    def header(self, head: Sequence[RawRow]) -> int:
        """Which of the first rows holds the headings."""
        known = [self.recognised(cells) for _, _, cells in head]
        if max(known) >= 2:
            first = known.index(max(known))
            if first + 1 < len(head) and self._fills_gaps(head[first][2], head[first + 1][2]):
                return first + 1
            return first
        texts = [sum(map(_could_head, cells)) for _, _, cells in head]
        for position, count in enumerate(known):
            if count and texts[position] * 2 >= max(texts):
                return position
        return texts.index(max(texts))

    def _fills_gaps(self, upper: Sequence[RawCell], lower: Sequence[RawCell]) -> bool:
        """Whether the lower row completes headings that span several columns above it."""
        if not all(is_blank(cell) or _could_head(cell) for cell in lower):
            return False
        filled = [
            cell
            for position, cell in enumerate(lower)
            if isinstance(cell, str)
            and not is_blank(cell)
            and (position >= len(upper) or is_blank(upper[position]))
        ]
        return bool(filled) and all(self.knows(cell) for cell in filled)

    def combined(self, upper: Sequence[RawCell], lower: Sequence[RawCell]) -> list[str] | None:
        """The headings of two rows, the upper one spanning; None when it adds nothing."""
        if sum(not is_blank(cell) for cell in upper) < 2:
            return None
        if not all(is_blank(cell) or _could_head(cell) for cell in upper):
            return None
        found, group, used = [], "", False
        for position, cell in enumerate(lower):
            own = heading_of(cell)
            above = heading_of(upper[position]) if position < len(upper) else ""
            group = above or group
            both = next((one for one in _pairs(group, own) if candidates(one)), None)
            if own and both:
                found.append(both)
                used = True
            elif not own and above and self.knows(above):
                found.append(above)
                used = True
            else:
                found.append(own if self.knows(own) else f"{group} {own}".strip())
        return found if used else None


def _pairs(group: str, own: str) -> list[str]:
    """What a heading under a spanning one may be called: `Where`, `Name` is `Venue Name`."""
    fields = candidates(group)
    ours = [BY_NAME[fields[0]].label] if fields else []
    return [f"{first} {own}" for first in (group, *ours)] if group else []


def _could_head(cell: RawCell) -> bool:
    return (
        isinstance(cell, str)
        and not is_blank(cell)
        and len(cell) <= HEADING_LENGTH
        and any(one.isalpha() for one in cell)
    )


def heading_of(cell: RawCell) -> str:
    """The text of a cell as a heading: on one line, cut to a length."""
    if cell is None or isinstance(cell, TooLong):
        return ""
    text = " ".join(str(cell).replace("\0", "").replace("\ufeff", "").split())
    return text[:200]
