"""What an OpenActive item costs."""

import re
from typing import Any

from app.harvests.linked_data import Data, address, line, member, number, objects
from app.harvests.openactive_when import Warn
from app.opportunities.models import PricePer

MOST_PRICE = 100_000
TEXT_LENGTH = 300
PAY_WHAT_YOU_CAN = "pay what you can"
OWN_NAMES = re.compile(r"(free|pay what you can|(lowest |highest )?price)( per [a-z ]+)?", re.I)
"""What our own feeds call offers: these names say nothing that a price does not."""
_PER = re.compile(r"\bper ([a-z ]+)$", re.IGNORECASE)


def prices(data: Data, warn: Warn) -> dict[str, Any]:
    """The price and the address to book at, as far as they are told."""
    found: dict[str, Any] = {}
    offers = objects(data.get("offers"))
    amounts: list[float] = []
    for one in offers:
        amount, currency = number(one.get("price")), line(one.get("priceCurrency"))
        if amount is None or not 0 <= amount <= MOST_PRICE:
            continue
        if amount and currency not in {"", "GBP"}:
            warn("#/price", "currency", f"A price in {currency[:3]} is left out: give pounds.")
            continue
        amounts.append(round(amount, 2))
    price = _price(offers, sorted(set(amounts)))
    if data.get("isAccessibleForFree") is True and not any(amounts):
        price.setdefault("free", not price.get("pay_what_you_can"))
    if price:
        found["price"] = {name: value for name, value in price.items() if value is not False}
    pages = {url for one in offers if (url := address(one.get("url")))}
    if len(pages) == 1:
        found["booking"] = {"url": pages.pop()}
    return found


def _price(offers: list[Data], amounts: list[float]) -> dict[str, Any]:
    names = [line(one.get("name")) for one in offers]
    found: dict[str, Any] = {}
    if any(PAY_WHAT_YOU_CAN in name.casefold() for name in names):
        found["pay_what_you_can"] = True
        amounts = [amount for amount in amounts if amount]
    if amounts == [0]:
        found["free"] = True
    elif amounts:
        found["from"] = f"{amounts[0]:.2f}"
        if amounts[-1] != amounts[0]:
            found["to"] = f"{amounts[-1]:.2f}"
    units = {unit for name in names if (unit := _unit(name))}
    if len(units) == 1 and "from" in found:
        found["per"] = units.pop()
    text = _text(offers, names)
    if text:
        found["text"] = text
    return found


def _unit(name: str) -> str | None:
    match = _PER.search(name)
    code = match[1].strip().casefold().replace(" ", "_") if match else ""
    return code if code in set(PricePer) else None


def _text(offers: list[Data], names: list[str]) -> str:
    """What is said of prices beyond the numbers: the description, or the names of several."""
    said = {line(member(one, "description")) for one in offers} - {""}
    if len(said) == 1:
        return said.pop()[:TEXT_LENGTH]
    told = [
        f"{name} £{amount:.2f}" if (amount := number(one.get("price"))) else name
        for one, name in zip(offers, names, strict=True)
        if name and not OWN_NAMES.fullmatch(name)
    ]
    return ", ".join(dict.fromkeys(told))[:TEXT_LENGTH]
