"""What `deploy/monitoring` asks for is what a server's `/metrics` has, and the rules fire when they should."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import APIRouter
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from accounts import audit
from database import Database, new_id
from enrollment.metrics import EnrollmentCollector
from messages import Event, EventKind, Method
from operations.board import Board
from operations.metrics import OperationsCollector, PassageTimes, make_registry
from tests.deploy.broker import DEPLOY
from web.request_times import RequestTimes, area_of, find_areas

MONITORING = DEPLOY / "monitoring"
NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
ASKED = re.compile(r"\b(?:campusgate|process)_[a-z_]+")
OF_THE_SCRAPE = {"instance", "job", "le"}
OF_PROMETHEUS = re.compile(r"_(bucket|count|sum)$")


def granted(**more: Any) -> Event:
    return Event(id=new_id(), gate="north", kind=EventKind.ACCESS_GRANTED, at=NOW, source="controller", **more)


def expressions() -> Iterator[str]:
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def registry(database: Database) -> CollectorRegistry:
    with database.begin() as session:
        audit.record(session, actor=audit.SYSTEM, action=audit.BACKUP, subject="server:database", now=NOW)
    made = make_registry(OperationsCollector(database, Board(), dict, backlog=lambda: 0, now=lambda: NOW))
    PassageTimes(made).observe([granted(method=Method.CARD, latency_ms=150.0)])
    RequestTimes(made).observe("/api/v1/payments", 201, 0.04)
    made.register(EnrollmentCollector(database, [], now=lambda: NOW))
    ProcessCollector(registry=made)
    return made


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whatever_is_asked_for_is_there(registry: CollectorRegistry) -> None:
    there = {_bare(name) for name in re.findall(r"^# TYPE (\S+)", generate_latest(registry).decode(), re.MULTILINE)}
    asked = {_family(name) for one in expressions() for name in ASKED.findall(one)}
    assert len(asked) > 15
    assert asked - there == set()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whatever_labels_are_asked_for_are_there(registry: CollectorRegistry) -> None:
    labels = labels_of(registry)
    asked: set[tuple[str, str]] = set()
    for expression in expressions():
        for name, selected in re.findall(r"((?:campusgate|process)_[a-z_]+)\{([^}]*)\}", expression):
            asked |= {(_family(name), label) for label in re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", selected)}
        names = [_family(name) for name in ASKED.findall(expression)]
        grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
        asked |= {(name, label) for name in names for label in grouped}
    assert len(asked) > 15
    assert {one for one in asked if one[1] not in OF_THE_SCRAPE | labels[one[0]]} == set()


def test_a_legend_names_what_its_panel_keeps_apart() -> None:
    for panel in json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            kept = {one.strip() for found in re.findall(r"by \(([^)]*)\)", target["expr"]) for one in found.split(",")}
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= kept | OF_THE_SCRAPE, panel["title"]


def labels_of(registry: CollectorRegistry) -> dict[str, set[str]]:
    """The labels of each family, also of those that have no sample yet."""
    return {
        _bare(metric.name): {
            *getattr(metric, "_labelnames", ()),
            *(name for one in metric.samples for name in one.labels),
        }
        for metric in registry.collect()
    }


def _family(name: str) -> str:
    return _bare(OF_PROMETHEUS.sub("", name))


def _bare(name: str) -> str:
    return name.removesuffix("_total")


def test_areas_hold_no_ids_and_are_few() -> None:
    router = APIRouter()
    for path in ("/api/v1/payments", "/api/v1/payments/{payment_id}", "/api/v1/{anything}/x", "/console/office/people"):
        router.add_api_route(path, lambda: None)
    assert find_areas(router) == {"/api/v1/payments", "/console/office"}
    registry = CollectorRegistry()
    times = RequestTimes(registry)
    times.areas = find_areas(router)
    times.observe(f"/api/v1/payments/{new_id()}", 201, 0.04)
    times.observe("/api/v1/somebody/else", 404, 0.04)
    times.observe("/console/office/people/x", None, 30.0)
    counted = {
        (sample.labels["area"], sample.labels["status"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name.endswith("_count")
    }
    assert counted == {("/api/v1/payments", "2xx"): 1, ("other", "4xx"): 1, ("/console/office", "lost"): 1}
    assert area_of("/") == "/"


def test_a_passage_is_measured_by_what_the_gate_told() -> None:
    registry = CollectorRegistry()
    PassageTimes(registry).observe(
        [
            granted(**more)
            for more in ({"method": Method.CARD, "latency_ms": 150.0}, {"latency_ms": None}, {"latency_ms": 900.0})
        ]
    )
    assert registry.get_sample_value("campusgate_passage_seconds_count", {"method": "card"}) == 1
    assert registry.get_sample_value("campusgate_passage_seconds_sum", {"method": "other"}) == pytest.approx(0.9)


def test_rules_fire_when_they_should(tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: Debian package `prometheus`")
    cases = Path(__file__).parent / "alerts_test.yml"
    (tmp_path / "alerts_test.yml").write_text(cases.read_text(encoding="utf-8"), encoding="utf-8")
    shutil.copy(MONITORING / "alerts.yml", tmp_path)
    done = subprocess.run(
        [program, "test", "rules", "alerts_test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_servers_count_a_gate_once(tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: Debian package `prometheus`")
    panels = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))["panels"]
    asked = {panel["title"]: panel["targets"][0]["expr"] for panel in panels}
    heard = {
        'campusgate_gate_online{gate="north", process="controller"': "0x20",
        'campusgate_gate_online{gate="south", process="controller"': "1x20",
        'campusgate_gate_events_waiting{gate="north", process="edge"': "5x20",
    }
    counted = {"Gates without a controller": 1, "Events that wait, at gates and here": 5}
    by_both = [(f'{series}, instance="{one}"}}', values) for series, values in heard.items() for one in "ab"]
    test = {
        "input_series": [{"series": series, "values": values} for series, values in by_both],
        "promql_expr_test": [
            {"expr": asked[title], "eval_time": "3m", "exp_samples": [{"labels": "{}", "value": number}]}
            for title, number in counted.items()
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"tests": [{"interval": "15s", **test}]}), encoding="utf-8")
    done = subprocess.run(
        [program, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
