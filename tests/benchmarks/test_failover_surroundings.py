"""What surrounds the servers that are struck: who counts alarms, and how long payments stood still."""

import ssl

import httpx
import pytest

from benchmarks.failover_surroundings import Victims, Webhook
from benchmarks.servers import Clients
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


@pytest.mark.parametrize("thing", ["server-1", "server-2", "primary", "sync", "etcd-one", "broker", "balancer"])
def test_each_process_is_killed_and_frozen(thing: str) -> None:
    names = Victims.names()
    assert {f"{thing} killed", f"{thing} frozen"} <= set(names)
    assert len(names) == len(set(names))
