"""The API against its own description: no answer of the server is its fault, and every problem is documented."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis

from accounts.vocabulary import Role
from tests.api_contract import Contract
from tests.databases import copied
from tests.directory.conftest import build


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory, sqlite_template):
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    database = copied(sqlite_template, folder)
    campus = build(database, folder)
    campus.gate("main")
    campus.person("students", face=1, card="04A31B72")
    campus.publisher.publish()
    yield campus
    campus.client.close()
    database.close()


def test_every_answer_is_documented_and_none_is_a_failure(fuzzed) -> None:
    staff = fuzzed.as_role(Role.FACILITIES)
    device = {"Authorization": f"Bearer {fuzzed.token('main')}"}

    def ask(case: schemathesis.Case) -> Any:
        for_devices = case.operation.path.endswith(
            ("/changes", "/applied", "/presence", "/probe-offers", "/{offer_id}")
        )
        return case.call(headers=device if for_devices else staff)

    contract = Contract(fuzzed.client.app)
    assert len(contract.try_requests(ask, contract.random_requests(examples=6))) == 33
