"""Texts in files that spreadsheet programs open: none of them is taken for a formula."""

import re

_FORMULA = re.compile(r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")


def safe_cell(text: str) -> str:
    """A text that no spreadsheet program takes for a formula, for every CSV that we write.

    A quotation mark goes before texts that start with =, +, -, @ (also in full width), a tab or
    a line end. Source: OWASP, CSV injection.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def without_guard(text: str) -> str:
    """The text that `safe_cell` was given: our own CSV may come back."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
