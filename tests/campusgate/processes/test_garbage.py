"""While a process imports, nothing looks for garbage; afterwards it is looked for as before."""

import gc

import pytest

from campusgate.processes.garbage import pause_collection


def test_garbage_is_looked_for_again_after_the_block() -> None:
    with pause_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_garbage_is_looked_for_again_after_a_block_that_failed() -> None:
    with pytest.raises(ImportError), pause_collection():
        raise ImportError
    assert gc.isenabled()


def test_what_was_imported_is_not_looked_through_again() -> None:
    before = gc.get_freeze_count()
    with pause_collection():
        made = [[one] for one in range(10_000)]
    assert gc.get_freeze_count() >= before + len(made)
