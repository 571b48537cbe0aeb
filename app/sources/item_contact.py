"""How to book, whom to ask and a picture, from the columns of one row."""

import re
from typing import Any

import phonenumbers

from app.kit.text import email_address, phone_number
from app.sources.cell_values import RowCells, remembered
from app.sources.plain_writing import read_url

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_LINK = re.compile(r"(?:https?://|www\.)[^\s,;<>\"']{3,500}", re.IGNORECASE)

_url = remembered(read_url)
_email_address = remembered(email_address)
_phone_number = remembered(phone_number)


def read_booking(cells: RowCells) -> None:
    """Set how a listing is booked."""
    booking: dict[str, Any] = dict(cells.found.item.get("booking", {}))
    text = "; ".join(cells.all("booking_text"))
    said = _contacts_in(text)
    booking |= {name: value for name, value in said.items() if name in {"url", "email", "phone"}}
    for name, read in (("url", address), ("email", _email), ("phone", _phone)):
        value = read(cells, f"booking_{name}", f"#/booking/{name}")
        if value:
            booking[name] = value
    if cells.has("booking_required"):
        required = _booking_required(cells)
        if required is not None:
            booking["required"] = required
    cells.put("booking", booking)


def _booking_required(cells: RowCells) -> bool | None:
    text = cells.line("booking_required").casefold()
    if re.search(r"\b(?:not|no need|drop[ -]?in|optional)\b", text):
        return False
    if re.search(r"\b(?:essential|required|must|necessary|in advance)\b", text):
        return True
    return cells.yes("booking_required", "#/booking/required")


def read_image(cells: RowCells) -> None:
    """Set the picture of a listing; without a description it is left out."""
    url = address(cells, "image_url", "#/image/url")
    alt = cells.line("image_alt")
    if not url:
        return
    if not alt:
        cells.doubt(
            "#/image/alt",
            "image_without_description",
            "An image needs a description for those who cannot see it: left out.",
            "image_url",
        )
        return
    image = {"url": url, "alt": alt[:300].strip()}
    credit = cells.line("image_credit")[:200].strip()
    if credit:
        image["credit"] = credit
    cells.put("image", image)


def read_contact(cells: RowCells) -> None:
    """Set whom to ask: an office, nobody's name."""
    contact: dict[str, str] = {}
    if cells.has("contact_text"):
        contact = _contacts_in("; ".join(cells.all("contact_text")))
        # Only what reaches an office is kept: the rest is mostly a person's name.
        cells.found.texts["contact_text"] = "; ".join(contact.values())
    for name, read in (("url", address), ("email", _email), ("phone", _phone)):
        value = read(cells, f"contact_{name}", f"#/contact/{name}")
        if value:
            contact[name] = value
    role = cells.line("contact_role")[:120].strip()
    if role:
        contact["role"] = role
    cells.put("contact", contact)


def _contacts_in(text: str) -> dict[str, str]:
    """The first web address, e-mail address and telephone number of a free text."""
    found: dict[str, str] = {}
    if not text:
        return found
    email = _EMAIL.search(text)
    if email:
        try:
            found["email"] = _email_address(email[0].rstrip("."))
        except ValueError:
            email = None
    link = _LINK.search(text)
    if link:
        value = _url(link[0].rstrip(".),;")).value
        if value:
            found["url"] = value
    phone = next(iter(phonenumbers.PhoneNumberMatcher(text[:2_000], "GB")), None)
    if phone:
        found["phone"] = _phone_number(phone.raw_string)
    return found


def address(cells: RowCells, name: str, pointer: str) -> str | None:
    """The web address of a field."""
    return cells.take(pointer, name, _url(cells.line(name))) if cells.has(name) else None


def _email(cells: RowCells, name: str, pointer: str) -> str | None:
    text = cells.line(name).removeprefix("mailto:")
    if not text:
        return None
    match = _EMAIL.search(text)
    try:
        return _email_address(match[0] if match else text)
    except ValueError:
        cells.doubt(pointer, "not_an_email", f"“{text[:60]}” is no e-mail address.", name)
        return None


def _phone(cells: RowCells, name: str, pointer: str) -> str | None:
    text = cells.line(name)
    if not text:
        return None
    try:
        return _phone_number(text)
    except ValueError:
        match = next(iter(phonenumbers.PhoneNumberMatcher(text[:2_000], "GB")), None)
    if match:
        return _phone_number(match.raw_string)
    cells.doubt(pointer, "not_a_phone", f"“{text[:60]}” is no telephone number.", name)
    return None
