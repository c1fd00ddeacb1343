"""What malloc keeps of memory that was freed: bounded, and given back to the system. For glibc; others do nothing."""

import contextlib
import ctypes

_ARENA_MAX = -8
"""`M_ARENA_MAX` of malloc.h: how many pools threads share between them; 8 for each core otherwise."""
_ARENAS = 2
"""Threads of Python allocate one after another; the networks' own threads allocate little."""


def bound_arenas() -> None:
    """Let all threads that begin from now on share a few pools of memory."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def give_back_memory() -> None:
    """Give freed memory back to the system; some milliseconds, and a little more for whoever needs it again."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
