"""Whether the kernel's clock is kept in step by a time server (`adjtimex`, as NTP daemons tell it)."""

import ctypes
from typing import Final

_STA_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512
"""More than `struct timex` takes on any architecture (208 on x86-64)."""
_STATUS_OFFSET: Final = 40 if ctypes.sizeof(ctypes.c_long) == 8 else 20
"""`int status` follows `modes` (padded to a long) and four longs."""


def is_synchronised() -> bool | None:
    """Return what the kernel says; None where it cannot be asked."""
    try:
        libc = ctypes.CDLL(None)
        buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
        state = libc.adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    status = int.from_bytes(buffer.raw[_STATUS_OFFSET : _STATUS_OFFSET + 4], "little")
    return state != _TIME_ERROR and not status & _STA_UNSYNC
