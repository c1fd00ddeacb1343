"""The form of a gate's policy: there and back, rows, and what is said of what cannot be."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from access.policy import (
    AntiPassback,
    Curfew,
    DoorMode,
    DoorModeRule,
    FirstPerson,
    GatePolicy,
    Mode,
    ModeRule,
    Occupancy,
    Offline,
    OfflinePolicy,
    Rule,
    TwoPersons,
)
from access.schedules import Hours, Schedule, SpecialDays, Window
from console.formats import Formats
from console.texts import TEXTS, translator
from console.views.gate_rules import PolicyWords
from console.views.policy_form import PolicyForm
from console.views.policy_reader import read_policy

ZONE = ZoneInfo("Asia/Shanghai")
NIGHT = Schedule(
    name="night",
    windows=(Window(start=time(22), end=time(6)), Window(start=time(12), end=time(13), days=(5, 6))),
    special_days=(
        SpecialDays(name="break", first=date(2026, 10, 1), last=date(2026, 10, 7)),
        SpecialDays(
            name="exams",
            first=date(2026, 12, 1),
            last=date(2026, 12, 2),
            hours=(Hours(start=time(6), end=time(8)), Hours(start=time(20), end=time(23, 59))),
        ),
    ),
)
FULL = GatePolicy(
    gate="north",
    site="west",
    inner_zone="hall",
    rules=(
        Rule(group="residents", schedule="night", valid_until=datetime(2027, 7, 1, tzinfo=UTC)),
        Rule(group="staff"),
    ),
    schedules=(NIGHT,),
    mode=Mode.CARD,
    mode_rules=(ModeRule(mode=Mode.CARD_AND_PIN, schedule="night"),),
    door_modes=(DoorModeRule(mode=DoorMode.HELD_OPEN, schedule="night"),),
    accepts_bare_uid=False,
    offline=OfflinePolicy(beyond=Offline.GROUPS, groups=("staff",), trusted_for=timedelta(hours=3)),
    anti_passback=AntiPassback(kind="area", hard=False, exempt_groups=("staff", "guards")),
    occupancy=Occupancy(limit=30),
    first_person=FirstPerson(groups=("staff",), schedule="night"),
    two_persons=TwoPersons(within=timedelta(seconds=15)),
    curfew=Curfew(schedule="night", refuse_entry=True, exempt_groups=("guards",)),
)


def fields(form: PolicyForm) -> Iterator[tuple[str, str]]:
    """What a browser would send of a form."""
    yield from form.single.items()
    yield from ((name, "on") for name in form.ticks)
    for kind, rows in form.rows.items():
        for number, row in enumerate(rows):
            yield from _fields_of(f"{kind}-{number}", row)


def _fields_of(place: str, row: dict) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if name in {"window", "special"}:
            for number, inner in enumerate(value):
                yield from _fields_of(f"{place}-{name}-{number}", inner)
        elif isinstance(value, list):
            yield from ((f"{place}-{name}", one) for one in value)
        else:
            yield f"{place}-{name}", value


@pytest.mark.parametrize("policy", [FULL, GatePolicy(gate="north")])
def test_a_policy_comes_back_as_it_was(policy: GatePolicy) -> None:
    form = PolicyForm.read(fields(PolicyForm.of(policy, "North", ZONE)))
    assert read_policy(form, policy) == policy
    assert form.problems == {}


def test_rows_are_added_taken_away_and_copied() -> None:
    form = PolicyForm.of(GatePolicy(gate="north"), "North", ZONE)
    for what in ("rule", "schedule", "schedule-0-window", "schedule-0-special", "mode", "door"):
        form.add(what, {})
    form.add("south/night", {"south/night": NIGHT})
    assert [row["name"] for row in form.rows["schedule"]] == ["hours-1", "night"]
    assert form.focus == "schedule-1-name"
    for place in ("schedule-0-special-0", "schedule-0-window-1", "mode-0", "door-0", "rule-9", "nonsense"):
        form.remove(place)
    form.rows["rule"][0].update(group="staff", schedule="night")
    made = read_policy(form, GatePolicy(gate="north"))
    assert made is not None
    assert made.rules == (Rule(group="staff", schedule="night"),)
    assert made.schedules[1] == NIGHT


def test_who_names_a_schedule_follows_its_new_name() -> None:
    form = PolicyForm.of(FULL, "North", ZONE)
    form.rows["schedule"][0]["name"] = "late"
    made = read_policy(form, FULL)
    assert made is not None
    assert {made.rules[0].schedule, made.curfew.schedule, made.mode_rules[0].schedule} == {"late"}


@pytest.mark.parametrize(
    ("changes", "place", "problem"),
    [
        ({"rule-0-group": ""}, "rule-0-group", "needed"),
        ({"rule-0-from": "2027-08-01T00:00"}, "rule-0-until", "ends_before"),
        ({"rule-0-until": "soon"}, "rule-0-until", "moment"),
        ({"rule-0-schedule": "gone"}, "rule-0-schedule", "no_schedule"),
        ({"schedule-0-name": "Night hours"}, "schedule-0-name", "schedule_name"),
        ({"schedule-0-name": "always"}, "schedule-0-name", "schedule_twice"),
        ({"schedule-0-window-0-start": "24:00"}, "schedule-0-window-0-start", "hours"),
        ({"schedule-0-window-1-end": "late"}, "schedule-0-window-1-start", "hours"),
        ({"schedule-0-special-0-last": "2026-09-01"}, "schedule-0-special-0-first", "ends_before"),
        ({"schedule-0-special-0-first": ""}, "schedule-0-special-0-first", "day"),
        ({"schedule-0-special-1-hours": "6 to 8"}, "schedule-0-special-1-hours", "hours"),
        ({"inner_zone": ""}, "inner_zone", "needs_zone"),
        ({"mode": "face"}, "face_free_gate", "face_only"),
        ({"kind": "wet_room", "mode": "face_or_card"}, "mode", "wet_room"),
        ({"occupancy_limit": "many"}, "occupancy_limit", "number"),
        ({"two_within": "-1"}, "two_within", "number"),
        ({"offline_trusted": ""}, "offline_trusted", "number"),
        ({"title": ""}, "title", "needed"),
        ({"kind": "castle"}, "form", "impossible"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(changes: dict[str, str], place: str, problem: str) -> None:
    sent = dict(fields(PolicyForm.of(FULL, "North", ZONE)))
    days = [(name, value) for name, value in fields(PolicyForm.of(FULL, "North", ZONE)) if name.endswith("-days")]
    form = PolicyForm.read([*(one for one in (sent | changes).items() if not one[0].endswith("-days")), *days])
    assert read_policy(form, FULL) is None
    assert form.problems[place] == f"administration.problem.{problem}"
    assert set(form.problems.values()) <= set(TEXTS)


def test_a_window_needs_a_day() -> None:
    given = [one for one in fields(PolicyForm.of(FULL, "North", ZONE)) if one[0] != "schedule-0-window-1-days"]
    form = PolicyForm.read(given)
    assert read_policy(form, FULL) is None
    assert form.problems == {"schedule-0-window-1-days": "administration.problem.no_days"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_fact_has_words_and_differences_are_told(language: str) -> None:
    words = PolicyWords(translator(language), Formats(language, ZONE))
    bare = GatePolicy(gate="north")
    assert words.compare(FULL, FULL) == []
    assert all(fact.title and fact.text for fact in words.describe(FULL))
    found = words.compare(bare, FULL)
    assert any("residents" in one.title and one.before is None for one in found)
    assert any("22:00–06:00" in (one.after or "") for one in found)
    assert next(one for one in words.compare(FULL, bare) if "staff" in one.title).after is None
