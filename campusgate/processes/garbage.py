"""Python's garbage collector while a process starts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collection() -> Iterator[None]:
    """Look for no garbage while the block imports, nor later among what it imported.

    Modules stay to the end. Looking through them took 0.5 of 3.3 s of importing a server, 0.2 of 1.1 s of an edge.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
