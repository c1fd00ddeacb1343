"""Which gates a person may pass, when and with what, as their own page says it: what the gate itself decides."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from access.decision import decide
from access.policy import Curfew, DoorMode, DoorModeRule, GatePolicy, Mode, Rule
from access.reasons import Reason
from access.schedules import Schedule, SpecialDays, Window
from accounts import cards, people
from accounts.people import Particulars
from accounts.vocabulary import PersonKind, PersonState
from database import Database, Sealer
from directory import gates
from directory.dry_run import Shown, imagine_request
from directory.entitlements import Entitlement, find_entitlements
from directory.publisher import Publisher
from directory.records import EntryFilter, PersonRecord
from directory.tables import DirectoryPerson, GateRecord
from tests.databases import ON_BOTH, ON_SQLITE
from tests.directory.conftest import MODEL

pytestmark = ON_SQLITE


ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""A Monday, noon in Shanghai."""
MIDNIGHT = datetime(2026, 11, 23, tzinfo=ZONE)
WEDNESDAY = MIDNIGHT.date() + timedelta(days=2)
OFFICE = Schedule(
    name="office",
    windows=(Window(start=time(8), end=time(18), days=(0, 1, 2, 3, 4)),),
    special_days=(SpecialDays(name="Sports day", first=WEDNESDAY, last=WEDNESDAY),),
)
NIGHT = Schedule(name="night", windows=(Window(start=time(23), end=time(6)),))
MINE = (Rule(group="students", schedule="office"),)


class Campus:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.sealer = Sealer(bytes(32))
        self.publisher = Publisher(database, self.sealer, model_id=MODEL, clock=lambda: NOON)

    def gate(self, name: str, **policy: object) -> None:
        with self.database.begin() as session:
            found = GatePolicy(gate=name, **{"schedules": (OFFICE, NIGHT)} | policy)
            gates.add(session, found, title=name.title(), by="test", now=NOON)

    def person(self, *groups: str, card: bool = True) -> UUID:
        begins = NOON - timedelta(days=9)
        particulars = Particulars(
            number="S1", name="Li", kind=PersonKind.STUDENT, groups=frozenset(groups), valid_from=begins
        )
        with self.database.begin() as session:
            made = people.create(session, particulars, by="test", now=NOON)
            if card:
                cards.issue(session, made, "04A1B2C3D4E580", key_number=None, by="test", now=NOON)
            return made.id

    def find(self, person: UUID, now: datetime = NOON) -> dict[str, Entitlement]:
        self.publisher.publish()
        with self.database.read() as session:
            return {one.gate: one for one in find_entitlements(session, self.sealer, person, now)}


@pytest.fixture
def campus(database: Database) -> Campus:
    return Campus(database)


def test_the_hours_of_the_week_with_what_changes_them(campus: Campus) -> None:
    campus.gate("library", rules=MINE)
    one = campus.find(campus.person("students"))["library"]
    assert [day.stretches for day in one.days] == [((480, 1080),)] * 2 + [()] + [((480, 1080),)] * 2 + [()] * 2
    assert [day.special for day in one.days][2] == ("Sports day",)
    assert [special.name for special in one.special_days] == ["Sports day"]
    assert (one.refusal, one.is_open, one.changes_at) == (None, True, MIDNIGHT + timedelta(hours=18))
    assert [(means.shown, means.refusal) for means in one.means] == [(Shown.CARD, None)]


@ON_BOTH
def test_after_hours_it_is_said_when_the_gate_opens_next(campus: Campus) -> None:
    campus.gate("library", rules=MINE)
    person = campus.person("students")
    evening = campus.find(person, MIDNIGHT + timedelta(days=1, hours=20))["library"]
    assert (evening.is_open, evening.changes_at) == (False, MIDNIGHT + timedelta(days=3, hours=8))
    assert evening.means[0].refusal is None, "the card will do then"


def test_why_not_where_not(campus: Campus) -> None:
    campus.gate("library", rules=MINE)
    campus.gate("lab", rules=(Rule(group="chemists"),))
    campus.gate("later", rules=(Rule(group="students", valid_from=NOON + timedelta(days=30)),))
    person = campus.person("students")
    found = campus.find(person)
    assert list(found) == ["library", "lab", "later"], "those that one may pass first"
    assert found["lab"].refusal is Reason.NOT_ENTITLED
    assert found["later"].refusal is Reason.OUTSIDE_SCHEDULE
    with campus.database.begin() as session:
        people.set_state(session, people.get(session, person), PersonState.SUSPENDED, by="test", now=NOON)
    assert campus.find(person)["library"].refusal is Reason.SUSPENDED


def test_without_a_card_or_with_a_gate_that_asks_for_more_it_is_said_what_is_missing(campus: Campus) -> None:
    campus.gate("library", rules=MINE)
    campus.gate("store", rules=MINE, mode=Mode.CARD_AND_PIN)
    person = campus.person("students")
    (store,) = campus.find(person)["store"].means
    assert (store.shown, store.refusal) == (Shown.CARD, Reason.PIN_REQUIRED)
    assert not campus.find(person)["store"].is_open


def test_closed_doors_and_curfews_are_taken_out_of_the_hours(campus: Campus) -> None:
    always = (Rule(group="students"),)
    campus.gate("dormitory", rules=always, curfew=Curfew(schedule="night", refuse_entry=True))
    campus.gate("reported", rules=always, curfew=Curfew(schedule="night"))
    campus.gate("shut", rules=always, door_modes=(DoorModeRule(mode=DoorMode.ALWAYS_CLOSED, schedule="night"),))
    found = campus.find(campus.person("students"))
    for gate in ("dormitory", "shut"):
        assert found[gate].days[0].stretches == ((360, 1380),)
    assert found["reported"].days[0].stretches == ((0, 1440),)
    assert (found["reported"].is_curfew_reported, found["dormitory"].is_curfew_reported) == (True, False)
    assert found["reported"].changes_at is None, "not within the week"


def test_what_is_drawn_is_what_the_gate_decides(campus: Campus) -> None:
    campus.gate("library", rules=MINE, curfew=Curfew(schedule="night", refuse_entry=True))
    person = campus.person("students")
    days = campus.find(person)["library"].days
    with campus.database.read() as session:
        policy = GatePolicy.model_validate_json(session.get_one(GateRecord, "library").published or "")
        sealed = session.get_one(DirectoryPerson, person).sealed
        entry = PersonRecord.open(campus.sealer, person, sealed).for_gate(EntryFilter.of(policy, None))
    request = imagine_request(Shown.CARD, entry, policy, policy.facing())
    for number, day in enumerate(days):
        for minute in range(0, 1440, 15):
            at = MIDNIGHT + timedelta(days=number, minutes=minute)
            drawn = any(start <= minute < end for start, end in day.stretches)
            assert decide(request, entry, policy, at).granted is drawn, at
