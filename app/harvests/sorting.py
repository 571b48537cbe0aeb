"""What the words by which a feed sorts its items say of a listing."""

from typing import Any

from app.opportunities.models import Kind
from app.sources.cell_values import Context
from app.sources.items import KIND_TERMS

KIND_LABELS = {kind.value.replace("_", " ").capitalize(): kind.value for kind in Kind}
FIELDS = (("artforms", "artform"), ("themes", "theme"), ("audiences", "audience"))


def sort_word(label: str, words: Context, found: dict[str, Any]) -> bool:
    """Put a word where it belongs: first by our own labels, then by other words for them."""
    kind = KIND_LABELS.get(label)
    if kind:
        found.setdefault("kind", kind)
        return True
    for name, vocabulary in FIELDS:
        code = words.terms.get(vocabulary, {}).get(label.casefold())
        if code:
            found[name].append(code)
            return True
    for name, _ in FIELDS:
        codes, unknown = words.terms_in(name, label)
        if not unknown:
            found[name] += codes
            return True
    known, kind = words.word("kind", label, KIND_TERMS)
    if known and kind:
        found.setdefault("kind", kind)
    return known
