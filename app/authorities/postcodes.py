"""The shape of a postcode: as it is kept, and as people read it."""

import re

# The second part never holds C, I, K, M, O or V. GIR 0AA is the one old exception in form.
_SHAPE = re.compile(r"(?:[A-Z]{1,2}[0-9][0-9A-Z]?|GIR)[0-9][ABD-HJLNP-UW-Z]{2}")
_SHOWN = 20
"""So much of a malformed text is quoted back."""


def normalise_postcode(text: str) -> str:
    """Capitals without spaces, such as `B11BB`; ValueError unless shaped like a UK postcode."""
    plain = "".join(text.split())
    postcode = plain.upper()
    if not plain.isascii() or not _SHAPE.fullmatch(postcode):
        raise ValueError(
            f"{text[:_SHOWN]!r} is not shaped like a postcode. Give a whole one, such as B1 1BB."
        )
    return postcode


def spaced(postcode: str) -> str:
    """A kept postcode as people write it: `B1 1BB`."""
    return f"{postcode[:-3]} {postcode[-3:]}"
