"""The API against its own description: no answer of the server is its fault, and every problem is documented."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from accounts.vocabulary import Role
from database import Base, Database
from tests.directory.conftest import build


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    database = Database(f"sqlite:///{folder / 'campusgate.db'}")
    Base.metadata.create_all(database.engine)
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
    described = schemathesis.openapi.from_asgi("/openapi.json", fuzzed.client.app)
    asked = []

    def check(operation) -> None:
        @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def ask(case) -> None:
            for_devices = operation.path.endswith(("/changes", "/applied", "/presence"))
            answer = case.call(headers=device if for_devices else staff)
            body = answer.json() if answer.content else {}
            assert answer.status_code < 500 or body["code"] in {"busy", "directory_not_published"}
            assert str(answer.status_code) in operation.definition.raw["responses"]
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == ["application/problem+json"]
                schema = operation.definition.raw["responses"][str(answer.status_code)]["content"]
                codes = schema["application/problem+json"]["schema"]["properties"]["code"]["enum"]
                assert body["code"] in codes

        ask()
        asked.append(operation.label)

    for result in described.get_all_operations():
        check(result.ok())
    assert len(asked) == 22
