"""Strikes are carried out by their plan; whatever is struck runs again afterwards."""

import time
from dataclasses import dataclass, field

from benchmarks.day_schedule import Strike, Target, Way
from benchmarks.day_strikes import Strikes


@dataclass
class Noted:
    """Notes what is done to it."""

    done: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.done.append("kill")

    def start(self) -> None:
        self.done.append("start")

    def freeze(self) -> None:
        self.done.append("freeze")

    def thaw(self) -> None:
        self.done.append("thaw")


class Broken(Noted):
    """Cannot be started again."""

    def start(self) -> None:
        raise RuntimeError("it does not start")


def strike(target: Target, way: Way, which: int = 0) -> Strike:
    return Strike(at_s=0.0, target=target, way=way, lasts_s=0.0, which=which)


def test_what_is_struck_runs_again_and_is_counted() -> None:
    broker, gates = Noted(), (Noted(), Noted())
    plan = [
        strike(Target.BROKER, Way.KILLED),
        strike(Target.CONTROLLER, Way.HUNG, which=3),
        strike(Target.BROKER, Way.HUNG),
    ]
    strikes = Strikes(plan, {Target.BROKER: [broker], Target.CONTROLLER: gates})
    begun_s = time.monotonic()
    strikes.run(begun_s, lambda _what: None)
    assert broker.done == ["kill", "start", "freeze", "thaw"]
    assert [gate.done for gate in gates] == [[], ["freeze", "thaw"]]
    assert strikes.done == {"broker killed": 1, "controller hung": 1, "broker hung": 1}
    assert all(begun_s <= since < until for since, until in strikes.away)
    assert strikes.failed is None


def test_what_cannot_be_struck_ends_the_plan_and_is_told() -> None:
    plan = [strike(Target.BROKER, Way.KILLED), strike(Target.BROKER, Way.HUNG)]
    strikes = Strikes(plan, {Target.BROKER: [Broken()]})
    strikes.run(time.monotonic(), lambda _what: None)
    assert str(strikes.failed) == "it does not start"
    assert not strikes.done


def test_what_a_campus_does_not_have_is_passed_over() -> None:
    strikes = Strikes([strike(Target.EDGE, Way.KILLED)], {Target.EDGE: []})
    strikes.run(time.monotonic(), lambda _what: None)
    assert not strikes.done
    assert strikes.failed is None
