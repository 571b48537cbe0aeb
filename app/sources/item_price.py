"""What a listing costs, from the columns of one row: a text, or amounts with what they pay for."""

from decimal import Decimal
from typing import Any

from app.opportunities.models import PricePer
from app.sources.cell_values import RowCells, amount, boolean, one_line, pounds, remembered
from app.sources.headings import plain
from app.sources.plain_writing import names_money, read_price

PER_TERMS = {per.value: per.value for per in PricePer}
BY_UNIT = ("hour", "session", "day", "week", "term")
TEXT_LENGTH = 300

_price = remembered(read_price)


def read_prices(cells: RowCells) -> None:
    """Set the price of a listing."""
    price = _from_text(cells)
    _add_amounts(cells, price)
    if cells.has("price_per"):
        known, code = cells.context.word(
            "price_per", _bare_unit(cells.line("price_per")), PER_TERMS
        )
        if known and code:
            price["per"] = code
        else:
            cells.doubt(
                "#/price/per",
                "unknown_word",
                f"“{cells.line('price_per')[:60]}” is no unit of a price known here.",
                "price_per",
            )
    _add_free(cells, price)
    _add_concessions(cells, price)
    text = price.get("text", "")
    if len(text) > TEXT_LENGTH:
        del price["text"]
        cells.doubt(
            "#/price/text",
            "too_long",
            f"A price has {TEXT_LENGTH} characters at most: the text was left out.",
            "price" if cells.has("price") else "concessions",
        )
    cells.put("price", price)


def _from_text(cells: RowCells) -> dict[str, Any]:
    texts = cells.all("price")
    if not texts:
        return {}
    sum_alone = amount(cells.cell("price")) if len(texts) == 1 else None
    if sum_alone is not None:
        # A number under a heading that says price is one.
        return _free_or(sum_alone)
    found = cells.take("#/price", "price", _price("; ".join(texts)))
    return dict(found or {})


def _free_or(value: Decimal) -> dict[str, Any]:
    return {"from": pounds(value)} if value else {"free": True}


def _add_amounts(cells: RowCells, price: dict[str, Any]) -> None:
    units = [unit for unit in BY_UNIT if cells.has(f"price_{unit}")]
    said: list[tuple[str, Decimal]] = []
    for unit in units:
        value = _amount(cells, f"price_{unit}")
        if value:
            said.append((unit, value))
    if said and "from" not in price:
        price.pop("free", None)
        unit, value = said[0]
        price |= {"from": pounds(value), "per": unit}
        if len(said) > 1:
            every = "; ".join(f"£{pounds(one)} per {name}" for name, one in said)
            price["text"] = f"{price['text']}; {every}" if "text" in price else every
    low, high = _amount(cells, "price_from"), _amount(cells, "price_to")
    if low is None and high is None:
        return
    price.pop("free", None)
    if low is not None and high is not None and high < low:
        low, high = high, low
        cells.doubt(
            "#/price/from", "reversed_prices", "The price to is under the price from.", "price_from"
        )
    if low == 0 and not high:
        price |= {"free": True}
        return
    price["from"] = pounds(low or Decimal(0)) if low is not None else pounds(high or Decimal(0))
    price.pop("to", None)
    if high is not None and low is not None and high != low:
        price["to"] = pounds(high)


def _amount(cells: RowCells, name: str) -> Decimal | None:
    """The sum of a field; a box that is ticked beside the column with the sum is none."""
    found = next((value for value in map(amount, cells.values(name)) if value is not None), None)
    if found is not None or not cells.has(name):
        return found
    if any(isinstance(cell, bool) for cell in cells.values(name)):
        return None
    if boolean(cells.line(name)).value is not None:
        return None
    price = cells.take(f"#/price/{name.removeprefix('price_')}", name, _price(cells.line(name)))
    if price and "from" in price:
        return Decimal(price["from"])
    return Decimal(0) if price and price.get("free") else None


def _add_free(cells: RowCells, price: dict[str, Any]) -> None:
    if not cells.has("is_free"):
        return
    cell = cells.cell("is_free")
    said = cell if isinstance(cell, bool) else boolean(cells.line("is_free")).value
    if said is None:
        found = cells.take("#/price", "is_free", _price(cells.line("is_free")))
        for name, value in (found or {}).items():
            price.setdefault(name, value)
        return
    costs = any(Decimal(price.get(name) or 0) for name in ("from", "to"))
    written = "; ".join(cells.all("price"))
    if said and not costs and not price.get("free") and _costs_some(written, price):
        price["text"] = price.get("text") or one_line(written)
        cells.doubt(
            "#/price/free",
            "free_with_a_price",
            "It is said to be free, and the price says that not everybody goes free: its words "
            "were kept.",
            "is_free",
        )
    elif said and costs:
        cells.doubt(
            "#/price/free",
            "free_with_a_price",
            "It is said to be free, and to have a price: the price was kept.",
            "is_free",
        )
    elif said:
        price["free"] = True
        price.pop("from", None)
        price.pop("to", None)
    elif price.get("free"):
        del price["free"]
        cells.doubt(
            "#/price/free", "not_free", "It is said not to be free: say the price.", "is_free"
        )


def _costs_some(written: str, price: dict[str, Any]) -> bool:
    """Whether words that set no amount say that somebody pays: "£5 deposit", "free to schools"."""
    if price.get("pay_what_you_can"):
        return False
    conditional = bool(price.get("text")) and "free" in written.casefold()
    return conditional or names_money(written)


def _add_concessions(cells: RowCells, price: dict[str, Any]) -> None:
    known = cells.context.terms.get("concession", {}).values()
    codes = [code for code in price.pop("concessions", ()) if code in known]
    found, unknown = cells.split_terms("concessions")
    codes += found
    if unknown:
        words = [one_line(word) for word in unknown]
        words = [word for word in words if plain(word) not in {"yes", "no", "na", "none", ""}]
        if words:
            extra = f"Concessions: {', '.join(words)}"
            price["text"] = f"{price['text']}. {extra}" if price.get("text") else extra
    if "pay_what_you_can" in codes and not price.get("free"):
        price["pay_what_you_can"] = True
    if "bursary" in codes:
        price["bursary"] = True
    if codes:
        price["concessions"] = list(dict.fromkeys(codes))


def _bare_unit(text: str) -> str:
    words = text.casefold().replace("/", " ").split()
    return (
        " ".join(words[1:] if words and words[0] in {"per", "a", "an", "each"} else words) or text
    )
