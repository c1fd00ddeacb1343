"""Special days of many gates at once: they come first where they are added, and go where they stand exactly so."""

from datetime import UTC, date, datetime, time

from access.policy import GatePolicy
from access.schedules import Hours, Schedule, SpecialDays, Window
from database import Database
from directory import gates, special_days
from directory.special_days import Place, SpecialDaysChange, change_policy

WEEK = SpecialDays(name="exams", first=date(2027, 1, 4), last=date(2027, 1, 8))
DAY = SpecialDays(
    name="open day", first=date(2027, 1, 6), last=date(2027, 1, 6), hours=(Hours(start=time(8), end=time(20)),)
)


def schedule(name: str, *days: SpecialDays) -> Schedule:
    return Schedule(name=name, windows=(Window(start=time(6), end=time(23)),), special_days=days)


def policy(gate: str, *schedules: Schedule) -> GatePolicy:
    return GatePolicy(gate=gate, schedules=schedules)


def test_what_is_added_counts_and_changes_no_other_schedule() -> None:
    before = policy("north", schedule("day", WEEK), schedule("night", WEEK))
    change = SpecialDaysChange(special=DAY, places=(Place("north", "day"), Place("south", "night")))
    day, night = change_policy(before, change).schedules
    assert day.special_on(date(2027, 1, 6)) == DAY
    assert day.special_on(date(2027, 1, 5)) == WEEK
    assert night == before.schedules[1]
    assert change_policy(change_policy(before, change), change).schedules[0] == day


def test_a_removal_takes_away_what_stands_exactly_so() -> None:
    later = DAY.model_copy(update={"hours": ()})
    before = policy("north", schedule("day", DAY, later))
    change = SpecialDaysChange(special=DAY, places=(Place("north", "day"),), is_removal=True)
    assert change_policy(before, change).schedules[0].special_days == (later,)


def test_special_days_are_found_once_with_their_schedules_by_date(database: Database) -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    with database.begin() as session:
        for made in (policy("north", schedule("day", DAY, WEEK)), policy("south", schedule("night", DAY))):
            gates.add(session, made, title=made.gate, by="test", now=now)
    with database.read() as session:
        found = special_days.find(session)
    assert list(found.items()) == [
        (WEEK, (Place("north", "day"),)),
        (DAY, (Place("north", "day"), Place("south", "night"))),
    ]
