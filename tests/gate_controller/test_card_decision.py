"""The controller alone: rules that look at other people hold without the edge too."""

from datetime import UTC, datetime, timedelta

import pytest

from access.passages import PassageLog
from access.policy import AntiPassback, Curfew, Direction, GatePolicy, Rule, TwoPersons
from access.reasons import Notice, Reason
from access.snapshot import CredentialEntry, PersonEntry
from database import new_id
from gate_controller.card_decision import decide_card
from gate_controller.passage_recorder import PassageRecorder
from gate_controller.signals import BarrierEvent, Grant
from messages import EventKind

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
ANN, BEN = "a" * 64, "b" * 64


class Directory:
    """Two people in memory."""

    def __init__(self, **policy) -> None:
        self.policy = GatePolicy(gate="north", rules=(Rule(group="students"),), **policy)
        self.synced_at, self.revision = NOW, 1
        self.people = {
            digest: PersonEntry(
                person_id=new_id(), groups=("students",), credentials=(CredentialEntry(kind="card", digest=digest),)
            )
            for digest in (ANN, BEN)
        }

    def by_credential(self, _kind, digest):
        return self.people.get(digest)

    def person(self, person_id):
        return next(one for one in self.people.values() if one.person_id == person_id)


@pytest.fixture
def passage_log() -> PassageLog:
    return PassageLog.in_memory()


def ask(directory: Directory, passage_log: PassageLog, card: str, second: float = 0):
    return decide_card(directory, passage_log, "card", card, authenticated=False, now=NOW + timedelta(seconds=second))


def test_two_people_open_one_after_the_other(passage_log: PassageLog) -> None:
    directory = Directory(two_persons=TwoPersons(within=timedelta(seconds=20)))
    assert ask(directory, passage_log, ANN).reason is Reason.SECOND_PERSON_AWAITED
    assert ask(directory, passage_log, ANN, 1).reason is Reason.SECOND_PERSON_AWAITED, "one person twice is one"
    assert ask(directory, passage_log, BEN, 5).granted
    assert ask(directory, passage_log, ANN, 60).reason is Reason.SECOND_PERSON_AWAITED, "and then it begins anew"


def test_what_happened_at_the_door_is_what_counts(passage_log: PassageLog) -> None:
    directory = Directory(anti_passback=AntiPassback(within=timedelta(minutes=5)))
    log, ann = PassageRecorder(passage_log, directory), directory.people[ANN].person_id
    assert ask(directory, passage_log, ANN).granted
    assert ask(directory, passage_log, ANN).granted, "a decision is no passage yet"
    log.record(BarrierEvent(EventKind.ACCESS_GRANTED, Grant(ann)), NOW)
    assert ask(directory, passage_log, ANN, 60).reason is Reason.PASSED_BACK
    log.record(BarrierEvent(EventKind.NOT_TAKEN, Grant(ann)), NOW + timedelta(seconds=61))
    assert ask(directory, passage_log, ANN, 62).granted


@pytest.mark.parametrize(
    ("direction", "notice"),
    [(Direction.EXIT, Notice.LATE_EXIT), (Direction.ENTRY, Notice.LATE_RETURN), (Direction.BOTH, Notice.LATE_RETURN)],
)
def test_a_gate_that_leads_out_decides_about_going_out(
    passage_log: PassageLog, direction: Direction, notice: Notice
) -> None:
    directory = Directory(direction=direction, curfew=Curfew(schedule="always"))
    assert ask(directory, passage_log, ANN).notices == (notice,)
