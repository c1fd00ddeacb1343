"""`campusgate serve` while its PostgreSQL hangs, is killed, and comes back."""

import os
from collections.abc import Iterator

import httpx
import pytest

from tests import forked
from tests.keys import key_text
from tests.ports import free_port
from tests.postgresql import FORGETFUL, Cluster, PostgresqlMissingError, cluster
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("model_store")

DEVICE = {"Authorization": "Bearer cgd_" + "0" * 32 + "_" + "x" * 43}
"""A token as devices have them, of none that there is: it is looked up each time."""


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    try:
        with cluster(FORGETFUL) as made:
            yield made
    except PostgresqlMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def address(database: Cluster, imported_rooms: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server answers."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    environment = {
        **os.environ,
        "CAMPUSGATE_DATA_DIR": str(folder),
        "CAMPUSGATE_DATABASE_URL": database.url("postgres"),
        "CAMPUSGATE_SERVER_PORT": str(port),
        "CAMPUSGATE_MQTT__PORT": str(free_port()),
        **{f"CAMPUSGATE_{name}": key_text(name) for name in ("TOKEN_SECRET", "TEMPLATE_KEY", "CREDENTIAL_KEY")},
    }
    with forked.command(environment, "serve") as (process, _):
        until(lambda: is_up(f"http://127.0.0.1:{port}"), timeout_s=3 * PATIENCE_S)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.join(PATIENCE_S)


def is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=PATIENCE_S).status_code == 200
    except httpx.ConnectError:
        return False


def connection_of(answer: httpx.Response) -> object:
    return answer.extensions["network_stream"].get_extra_info("client_addr")


def test_health_says_in_time_that_the_database_hangs(database: Cluster, address: str) -> None:
    with database.frozen():
        answer = httpx.get(f"{address}/health", timeout=PATIENCE_S)
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert answer.json()["storage"] == "unreachable"
    until(lambda: is_up(address), "it went on after the database did")


def test_devices_are_told_to_ask_again_over_a_connection_that_stays(database: Cluster, address: str) -> None:
    with httpx.Client(base_url=address, headers=DEVICE, timeout=PATIENCE_S) as device:
        well = device.get("/api/v1/directory/gates/north/changes")
        assert well.status_code == 401
        database.kill()
        try:
            during = [device.get("/api/v1/directory/gates/north/changes") for _ in range(30)]
        finally:
            database.start()
        assert {answer.status_code for answer in during} == {503}
        assert {answer.json()["code"] for answer in during} == {"storage_unusable"}
        assert {answer.headers["retry-after"] for answer in during} == {"2"}
        assert {connection_of(answer) for answer in during} == {connection_of(well)}
        assert device.get("/api/v1/directory/gates/north/changes").status_code == 401
