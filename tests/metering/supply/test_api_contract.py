"""The API of supply and of orders to meters keeps its own contract."""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st

from metering.api import meter_orders, supply
from tests.api_contract import Contract, Request
from tests.databases import ON_POSTGRESQL
from tests.metering.supply.test_api import Site, site  # noqa: F401 - a fixture
from web import problems

EXAMPLES = 4
"""Random requests for each operation and body."""


@pytest.fixture(scope="module")
def contract() -> Contract:
    """What is said, for which nothing needs to run."""
    app = FastAPI()
    for part in (meter_orders, supply):
        app.include_router(part.router)
    problems.install(app)
    return Contract(app)


@pytest.fixture(scope="module")
def requests(contract: Contract) -> list[Request]:
    return contract.random_requests(examples=EXAMPLES, known=st.booleans())


class Api:
    """The app with a room that is cut off, an order under way and a request that waits."""

    def __init__(self, site: Site) -> None:  # noqa: F811
        self.site = site
        site.dormitory.pay(-620)
        site.dormitory.review()
        (order,) = site.get("/meter-reader/orders", site.reader)["orders"]
        request = site.ask()
        self.known = {
            "room_id": str(site.dormitory.room),
            "order_id": order["id"],
            "request_id": request["id"],
        }

    def ask(self, case: schemathesis.Case, known: bool) -> Any:
        """Send a random request, with ids of things that exist if `known`."""
        if known and case.path_parameters:
            case.path_parameters.update({name: self.known[name] for name in case.path_parameters if name in self.known})
        path = case.operation.path
        headers = self.site.reader if "/meter-reader/" in path else self.site.staff
        if "/me/" in path:
            headers = self.site.resident
        if path.endswith("/meter-reader/orders") and case.query:
            # Whether it waits is tried elsewhere.
            case.query.pop("wait_s", None)
        return case.call(headers=headers, app=self.site.client.app)


@pytest.fixture
def api(site: Site) -> Api:  # noqa: F811
    return Api(site)


@ON_POSTGRESQL
def test_random_requests_never_fail_the_server_and_every_error_is_documented(
    api: Api, contract: Contract, requests: list[Request]
) -> None:
    assert len(contract.try_requests(api.ask, requests)) > 8


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(contract: Contract) -> None:
    contract.check_descriptions()
