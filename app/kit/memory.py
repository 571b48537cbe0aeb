"""Giving memory back around something large, since neither Python nor glibc does so by itself."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def given_back() -> Iterator[None]:
    """Hand free pages back to the system before the block, so that it has room, and after it.

    What earlier requests left in cycles goes first: after long pages it is a hundred megabytes.
    Some thirty milliseconds each time: for what takes seconds, not for every request.
    """
    _give_back()
    try:
        yield
    finally:
        _give_back()


def _give_back() -> None:
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library has other ways
        ctypes.CDLL("libc.so.6").malloc_trim(0)
