"""What surrounds the servers that are struck: who counts alarms, and how long payments stood still."""

import signal
import ssl
from dataclasses import dataclass, field
from typing import cast

import httpx
import pytest

from benchmarks import failover_surroundings
from benchmarks.failover_nodes import Nodes
from benchmarks.failover_surroundings import Victims, Webhook
from benchmarks.fleet_campus import BrokerProcess, ServerProcess
from benchmarks.servers import Clients
from benchmarks.servers_balancer import Balancer
from tests.waiting import PATIENCE_S


def post(hook: Webhook, **told: object) -> None:
    answer = httpx.post(hook.url, json=told, timeout=PATIENCE_S, trust_env=False)
    assert answer.status_code == 204


def test_an_alarm_that_is_told_twice_is_counted_twice_and_nothing_else_is() -> None:
    hook = Webhook()
    with hook.listening():
        for alarm in ("a", "b", "a"):
            post(hook, alarm_id=alarm, escalated=False)
        post(hook, alarm_id="b", escalated=True)
        post(hook, head="1:00")
    assert hook.received == {"a": 2, "b": 1}


def test_a_pause_is_the_longest_time_without_a_payment_from_the_strike_to_the_end() -> None:
    clients = Clients("https://127.0.0.1", ssl.create_default_context(), dict, "")
    clients.paid = [(at_s, str(at_s)) for at_s in (5.0, 9.0, 11.0, 19.0, 20.0, 31.0)]
    assert clients.pause_s(10.0, 21.0) == 8.0
    assert clients.pause_s(12.0, 18.0) == 6.0
    assert clients.pause_s(19.5, 30.0) == 10.0


@pytest.mark.parametrize("thing", ["leader", "other-server", "primary", "sync", "etcd-one", "broker", "balancer"])
def test_each_process_is_killed_and_frozen(thing: str) -> None:
    names = Victims.names()
    assert {f"{thing} killed", f"{thing} frozen"} <= set(names)
    assert len(names) == len(set(names))


@dataclass
class Server:
    """One of two servers, as far as it is struck."""

    says_it_leads: list[bool]
    """Each time it is asked; the last one stays."""
    struck: list[str] = field(default_factory=list)

    def leads(self) -> bool:
        return self.says_it_leads.pop(0) if len(self.says_it_leads) > 1 else self.says_it_leads[0]

    def kill(self) -> None:
        self.struck.append("kill")

    def start(self) -> None:
        self.struck.append("start")

    def send(self, number: signal.Signals) -> None:
        self.struck.append(number.name)


@pytest.mark.parametrize(("thing", "expected"), [("leader", 1), ("other-server", 0)])
def test_who_leads_is_asked_until_one_does(monkeypatch: pytest.MonkeyPatch, thing: str, expected: int) -> None:
    monkeypatch.setattr(failover_surroundings, "_AWAY_S", 0.0)
    # Nobody, as after the strike before; then both for a moment; then the second alone.
    servers = [Server([False, True, False]), Server([False, True, True])]
    nothing = cast("Nodes", None), cast("BrokerProcess", None), cast("Balancer", None)
    Victims(*nothing, cast("list[ServerProcess]", servers)).strike(f"{thing} killed")
    assert servers[expected].struck == ["kill", "start"]
    assert servers[1 - expected].struck == []
