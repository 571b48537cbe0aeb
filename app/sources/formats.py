"""What a batch was sent as, told by its bytes, and the listings in JSON and NDJSON."""

import io
import re
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.kit.problems import INVALID, FieldError, Problem
from app.kit.strict_json import BadJSON, loads, nul_paths
from app.opportunities.planned import Item
from app.sources.models import MOST_ITEMS, BatchWrite, Format

_BOM = b"\xef\xbb\xbf"
_NUL = re.compile(rb"\\u0000|\x00")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def format_of(data: bytes) -> Format:
    """What these bytes are. Whatever is neither JSON nor a workbook is read as a table of text."""
    if data.startswith(_ZIP):
        return Format.XLSX
    text = data.removeprefix(_BOM).lstrip()
    if not text.startswith((b"{", b"[")):
        return Format.CSV
    first, _, rest = text.partition(b"\n")
    if rest.strip():
        return Format.NDJSON if _is_object(first) else Format.JSON
    # One line: a whole batch without line ends, or the only listing of one.
    one = b'"external_id"' in first and b'"items"' not in first and text.startswith(b"{")
    return Format.NDJSON if one else Format.JSON


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(loads(line), dict)
    except BadJSON:
        return False


def json_items(data: bytes) -> list[Item]:
    """The items of a JSON batch. A 422 says what is wrong with the batch as a whole."""
    try:
        said = loads(data.removeprefix(_BOM), with_nul=True)
    except BadJSON as error:
        raise Problem(
            INVALID,
            f"The body is not acceptable JSON: {error}",
            errors=[FieldError(pointer="#", detail=str(error), code="json_invalid")],
        ) from None
    if isinstance(said, list):
        said_how = 'Wrap the list in an object: {"items": […]}.'
        raise Problem(
            INVALID,
            said_how,
            errors=[FieldError(pointer="#", detail=said_how, code="object_expected")],
        )
    try:
        batch = BatchWrite.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from None
    found = [Item(index, external_id(one), one) for index, one in enumerate(batch.items)]
    return [_spoilt(item) or item for item in found] if _NUL.search(data) else found


def _spoilt(item: Item) -> Item | None:
    """An item that holds a NUL character, without what it says: no database takes that."""
    errors = [
        FieldError(
            pointer=path.replace("\0", "\ufffd"),
            detail="This holds a NUL character: remove it.",
            code="nul_character",
        )
        for path in nul_paths(item.said, "#")
    ]
    if not errors:
        return None
    named = isinstance(item.external_id, str) and "\0" not in item.external_id
    name = item.external_id if named else None
    return Item(item.index, name, {"external_id": name} if named else None, errors=errors)


def ndjson_items(data: bytes) -> list[Item]:
    """The items of newline-delimited JSON; a line that is not JSON spoils itself only."""
    found: list[Item] = []
    for number, line in enumerate(io.BytesIO(data.removeprefix(_BOM)), start=1):
        if not line.strip():
            continue
        if len(found) == MOST_ITEMS:
            raise too_many(found)
        index = len(found)
        try:
            said = loads(line)
        except BadJSON as error:
            fault = FieldError(
                pointer="#",
                detail=f"Line {number} is not acceptable JSON: {error}. Each line holds one "
                "listing.",
                code="json_invalid",
            )
            found.append(Item(index, None, None, line=number, errors=[fault]))
        else:
            found.append(Item(index, external_id(said), said, line=number))
    return found


def too_many(found: Sequence[object]) -> Problem:
    """A batch that holds more than a batch may."""
    detail = f"A batch holds at most {MOST_ITEMS:,} items; this has more than {len(found):,}."
    error = FieldError(pointer="#", detail=f"{detail} Send the rest in another.", code="too_long")
    return Problem(INVALID, error.detail, errors=[error])


def external_id(said: Any) -> Any:
    """What an item gives as its id, whatever that is."""
    return said.get("external_id") if isinstance(said, dict) else None
