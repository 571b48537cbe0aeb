"""Bodies that a server compressed, read within a bound that counts what comes out of them."""

import zlib

GZIP = 31
"""zlib's name for a gzip wrapper."""
NAMES = frozenset({"gzip", "x-gzip"})
PLAIN = frozenset({"", "identity"})


class Undecodable(ValueError):
    """A body is not what its Content-Encoding says."""


class Gzip:
    """Takes gzip apart while it comes, never more than was asked for."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)

    def read(self, part: bytes, most: int) -> bytes:
        """What comes out of a part, at most so many bytes (at least one); Undecodable if it is no
        gzip. Whoever gets as many as that asks for no more: the rest of the part is let go.
        """
        found = b""
        try:
            while part and len(found) < most:
                if self._member.eof:  # several members after each other are one body
                    self._member = zlib.decompressobj(GZIP)
                found += self._member.decompress(part, most - len(found))
                part = self._member.unused_data
        except zlib.error:
            raise Undecodable("The body is not gzip, as its Content-Encoding says.") from None
        return found

    def end(self) -> None:
        """The body is over; Undecodable if it was over too soon."""
        if not self._member.eof:
            raise Undecodable("The compressed body breaks off.")


def decoder(encoding: str) -> Gzip | None:
    """How a body of this Content-Encoding is read; None if as it is. Undecodable if not at all."""
    name = encoding.strip().lower()
    if name in PLAIN:
        return None
    if name in NAMES:
        return Gzip()
    raise Undecodable(f"The body is encoded as {name[:40]!r}. Send it as it is, or as gzip.")
