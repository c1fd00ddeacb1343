"""Days and times that no calendar of a campus holds are answered for, not stumbled over."""

from collections.abc import Iterator

import httpx
import pytest

from tests.console.administration import staff
from tests.console.page_server import Pages, signed_in

EDGES = ("0001-01-01", "9999-12-31")
FIRST_TIMES = "since=0001-01-01T00:00&until=0001-01-02T00:00"
ADDRESSES = {
    "F1": (
        *(f"/console/charts?day={day}" for day in EDGES),
        *(f"/console/records/late-returns?night={day}" for day in EDGES),
        *(f"/console/me/money?to={day}" for day in EDGES),
        *(f"/console/me/gates/passages?from={day}&to={day}" for day in EDGES),
        *(f"/console/records/{page}?{FIRST_TIMES}" for page in ("events", "alarms", "orders", "shift")),
        *(f"/console/metering/days?day={day}" for day in EDGES),
    ),
    "A1": (
        *(f"/console/money/day?day={day}" for day in EDGES),
        *(f"/console/money/days?last={day}" for day in EDGES),
        *(f"/console/money/channels?day={day}" for day in EDGES),
        *(f"/console/office/audit?{end}={day}" for day in EDGES for end in ("since", "until")),
    ),
}


@pytest.fixture(scope="module")
def readers(served_pages: Pages) -> Iterator[dict[str, httpx.Client]]:
    staff(served_pages)
    with signed_in(served_pages, "F1") as facilities, signed_in(served_pages, "A1") as admin:
        yield {"F1": facilities, "A1": admin}


@pytest.mark.parametrize("number", ADDRESSES)
def test_no_page_stumbles_over_a_day_out_of_reach(readers: dict[str, httpx.Client], number: str) -> None:
    answered = {address: readers[number].get(address).status_code for address in ADDRESSES[number]}
    assert {address: status for address, status in answered.items() if status not in {200, 422}} == {}
