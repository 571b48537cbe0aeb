"""What Schemathesis has to be told: how newline-delimited JSON is sent."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: Any) -> bytes:
    """A text as it is; anything else as a line of JSON."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
