"""What py-spy sampled, by the parts of a piece of work."""

from pathlib import Path

import pytest

from benchmarks import shares

_ROUTE = "run (asyncio/runners.py:118);app (fastapi/routing.py:528)"
SAMPLES = (
    f"{_ROUTE};pay (accounts/api/payments/payments.py:90) 3",
    "_run (accounts/ledger/writer.py:180);record (accounts/ledger/posting.py:43);ask (sqlalchemy/base.py:1) 5",
    "run (asyncio/runners.py:118);data_received (uvicorn/protocols/http/h11_impl.py:176) 1",
    "<module> (<string>:1) 1",
    "run (threading.py:982);_run (accounts/ledger/writer.py:160);wait (threading.py:331) 50",
)


def test_a_sample_counts_for_the_innermost_part_and_a_library_for_whoever_asked_it() -> None:
    counted = shares.count(SAMPLES, shares.WORK["payment"])
    assert counted == {
        "the route and its bodies": 3,
        "journal, balances, limits: the ledger": 5,
        "HTTP and sockets": 1,
        "other": 1,
    }
    drawn = shares.draw(counted, shares.WORK["payment"])
    assert "| journal, balances, limits: the ledger | 50% | ████████████████████ |" in drawn
    assert drawn.index("the ledger") < drawn.index("the route") < drawn.index("HTTP") < drawn.index("other")


@pytest.mark.parametrize("work", sorted(shares.WORK))
def test_the_files_that_parts_are_made_of_stand_in_the_repository(work: str) -> None:
    """A file that was renamed would count for what is around it, without a word."""
    root = Path(shares.__file__).parents[1]
    rooms = {path.name for path in root.iterdir() if (path / "__init__.py").is_file()}
    ours = [file for _, files in shares.WORK[work] for file in files if file.split("/")[0] in rooms]
    assert ours
    assert [file for file in ours if not (root / file).exists() and not list(root.glob(f"{file}*"))] == []
