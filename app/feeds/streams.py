"""Long answers, made while they are sent: nothing of them is kept, and no session is open.

Their tag is known before their body: it stands for the revision of the data, the London day, what
was asked and who asked. So a conditional request costs one look-up of the revision.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from isal import isal_zlib
from sqlmodel import Session

from app.access.models import Caller
from app.kit.conditional import accepts_gzip, condition_of, matches
from app.kit.revisions import current_revision
from app.kit.times import today

SHORT = 200_000
"""Up to so many bytes are sent in one piece, which may be kept and given again."""
FORM = 1
"""Of all that is made here. Raise it when the same data come out otherwise."""
GZIP = {"Content-Encoding": "gzip"}


def tag_of(request: Request, session: Session, caller: Caller) -> str:
    """The tag of an answer that is made of the data, the day and the request alone."""
    revision = current_revision(session)
    sight = (caller.role, caller.organisation_pk, sorted(caller.partnership_pks))
    told = (
        FORM,
        today().isoformat(),
        request.app.state.settings.public_url,
        request.url.path,
        urlencode(sorted(request.query_params.multi_items())),
        sight if caller.is_signed_in else (),
    )
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:18]
    return f"{revision}-{digest}"


def unmodified(request: Request, tag: str) -> Response | None:
    """The 304 for whoever has this already. `*` has to wait until the request is looked at."""
    condition = condition_of(request.scope)
    if condition is None or condition.strip() == "*":
        return None
    zipped = f"{tag}-gzip"
    for one in (tag, zipped):
        if matches(condition, one):
            return Response(status_code=304, headers={"ETag": f'"{one}"'})
    return None


def answer(
    request: Request, tag: str, kind: str, parts: Iterable[bytes], *, name: str | None = None
) -> Response:
    """The answer with this body, in one piece if it is short; `name` is that of the file."""
    headers = {"ETag": f'"{tag}"'}
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if request.scope.get("bodiless"):
        return StreamingResponse(iter(()), media_type=kind, headers=headers)
    begun: list[bytes] = []
    size = 0
    rest = iter(parts)
    for part in rest:
        begun.append(part)
        size += len(part)
        if size > SHORT:
            break
    else:
        return Response(b"".join(begun), media_type=kind, headers=headers)
    body: Iterator[bytes] = chain(begun, rest)
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        body = _zipped(body)
        headers |= GZIP | {"ETag": f'"{tag}-gzip"'}
    return StreamingResponse(body, media_type=kind, headers=headers)


def _zipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()
