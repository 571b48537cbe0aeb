"""What comes of reading a feed's item: a listing as a batch takes it, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.kit.problems import FieldError


@dataclass(frozen=True, slots=True)
class Reading:
    """A listing as a feed tells it."""

    external_id: str
    item: dict[str, Any]
    """Members of a listing as a batch takes them, `external_id` included."""
    warnings: Sequence[FieldError] = field(default_factory=tuple)
    """What the feed says that a listing cannot carry, or says oddly."""
    withdrawn: bool = False
    """The feed says itself that it is not to be shown any more."""


class Unreadable(Exception):
    """The feed's item cannot become a listing; the errors say what its publisher should change."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[0].detail if errors else "")
        self.errors = errors
