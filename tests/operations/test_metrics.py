from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI

import web.problems
from access.policy import GatePolicy
from database import Database, new_id
from directory import gates
from directory.tables import GateApplied
from messages import Availability, DoorState, DoorStatus, Health, ProcessStatus
from operations.alarms import register
from operations.alarms.rules import AlarmKind, Signal
from operations.api.metrics import MetricsServices, router
from operations.board import Board
from operations.metrics import OperationsCollector, make_registry
from tests.app_client import AppClient

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
TOKEN = "a token that only Prometheus has"
BOOT, DEVICE = new_id(), new_id()

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def registry(database: Database):
    """Two gates: north works and is behind with its directory, south was never heard of but once."""
    board = Board()
    board.availability(
        Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT), source="controller", heard_at=NOW
    )
    board.availability(
        Availability(gate="north", status=ProcessStatus.OFFLINE, boot_id=BOOT), source="edge", heard_at=NOW
    )
    board.availability(
        Availability(gate="south", status=ProcessStatus.ONLINE, boot_id=BOOT), source="controller", heard_at=NOW
    )
    figures = {"temperature_c": 51.5, "disk_free_mb": 20_000.0, "events_waiting": 4, "clock_sure": True}
    board.health(Health(gate="north", source="controller", at=NOW, figures=figures), heard_at=NOW)
    state = DoorState(gate="north", boot_id=BOOT, sequence=1, at=NOW, state=DoorStatus.HELD, unlocked=False)
    board.door(state, heard_at=NOW)
    with database.begin() as session:
        gates.add(session, GatePolicy(gate="north"), title="North", by="test", now=NOW)
        session.add(GateApplied(gate="north", view="full", device_id=DEVICE, revision=0, applied_at=NOW, seen_at=NOW))
        register.apply(session, [Signal("north", AlarmKind.FORCED, NOW, raises=True)], now=NOW)
    return make_registry(
        OperationsCollector(database, board, lambda: {"access_granted": 7}, backlog=lambda: 3, now=lambda: NOW)
    )


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("campusgate_gate_online", {"gate": "north", "process": "controller"}, 1),
        ("campusgate_gate_online", {"gate": "north", "process": "edge"}, 0),
        ("campusgate_gate_online", {"gate": "south", "process": "edge"}, None),
        ("campusgate_gate_temperature_celsius", {"gate": "north", "process": "controller"}, 51.5),
        ("campusgate_gate_disk_free_bytes", {"gate": "north", "process": "controller"}, 2e10),
        ("campusgate_gate_events_waiting", {"gate": "north", "process": "controller"}, 4),
        ("campusgate_gate_events_waiting", {"gate": "south", "process": "controller"}, None),
        ("campusgate_doors", {"state": "held"}, 1),
        ("campusgate_doors", {"state": "unknown"}, 1),
        ("campusgate_doors", {"state": "forced"}, 0),
        ("campusgate_events_total", {"kind": "access_granted"}, 7),
        ("campusgate_ingest_backlog", {}, 3),
        ("campusgate_alarms_open", {"kind": "forced", "severity": "critical", "acknowledged": "false"}, 1),
        ("campusgate_directory_lag_seconds", {"gate": "north", "view": "full", "device": str(DEVICE)}, 0),
        ("campusgate_directory_revocations_waiting", {"gate": "north", "view": "full", "device": str(DEVICE)}, 0),
    ],
)
def test_the_figures_say_what_is_true(registry, name: str, labels: dict, value: float | None) -> None:
    assert registry.get_sample_value(name, labels) == value


@pytest.fixture
def ask(registry) -> Callable[..., object]:
    app = FastAPI()
    web.problems.install(app)
    app.include_router(router)
    app.state.metrics = MetricsServices(registry, TOKEN)
    client = AppClient(app)
    return lambda token=None: client.get("/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})


def test_prometheus_reads_them_with_its_token(ask) -> None:
    answer = ask(TOKEN)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'campusgate_doors{state="held"} 1.0' in answer.text
    assert "python_info" not in answer.text, "the library's global registry is not ours to show"


@pytest.mark.parametrize("token", [None, "another token", TOKEN[:-1], TOKEN.upper()])
def test_nobody_else_does(ask, token: str | None) -> None:
    answer = ask(token)
    assert (answer.status_code, answer.json()["code"]) == (401, "metrics_token_needed")
    assert "campusgate_doors" not in answer.text


def test_without_a_configured_token_there_are_no_figures() -> None:
    app = FastAPI()
    web.problems.install(app)
    app.include_router(router)
    app.state.metrics = None
    assert AppClient(app).get("/metrics", headers={"Authorization": "Bearer None"}).status_code == 404
