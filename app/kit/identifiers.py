"""Identifiers: time-ordered UUIDs for rows and slugs for people and URLs."""

import re
import secrets
import time
import unicodedata
import uuid


def uuid7() -> uuid.UUID:
    """A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80
    value |= 0x7 << 76
    value |= secrets.randbits(12) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)


def slugify(text: str, limit: int = 80) -> str:
    """Lower-case ASCII words joined by hyphens, at most `limit` characters; may be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower().replace("'", "").replace("&", " and "))
    return "-".join(words)[:limit].strip("-")
