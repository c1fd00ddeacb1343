"""From the fields of a gate's form to its policy, and what is wrong with them."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from access.policy import AntiPassback, Curfew, FirstPerson, GatePolicy, Occupancy, OfflinePolicy, TwoPersons
from access.schedules import ALWAYS, Hours, Schedule, SpecialDays
from console.forms import read_moment
from console.views.policy_form import BETWEEN, PolicyForm, Row, split_groups

Made = TypeVar("Made")
_HYPHENS = re.compile(r"\s*[-–—~～至]\s*")
_COLON = str.maketrans("：", ":")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def read_schedules(form: PolicyForm) -> list[Schedule | None]:
    """Return a form's schedules as far as they can be read, for their pictures; the form stays as it is."""
    return _Reader(form).schedules()


def read_policy(form: PolicyForm, base: GatePolicy) -> GatePolicy | None:
    """Return the policy that the fields make of `base`; None where one is wrong, which the form's `problems` says."""
    reader = _Reader(form)
    policy = reader.to_policy(base)
    form.problems, form.detail = reader.problems, reader.detail
    return policy


def read_special_days(row: Mapping[str, str], prefix: str, problems: dict[str, str]) -> SpecialDays | None:
    """Return the special days that the fields `name`, `first`, `last` and `hours` say.

    None where one is wrong; `problems` gets a key of words by the field's name after `prefix`.
    """
    hours = []
    for part in filter(None, (one.strip() for one in BETWEEN.split(row["hours"].translate(_COLON)))):
        start, *end = _HYPHENS.split(part)
        found = _hours(start, end[0] if len(end) == 1 else "", f"{prefix}hours", problems)
        hours += [found] if found is not None else []
    last = row["last"] or row["first"]
    if not row["name"]:
        problems[f"{prefix}name"] = "administration.problem.needed"
    try:
        return SpecialDays.model_validate({"name": row["name"], "first": row["first"], "last": last, "hours": hours})
    except ValueError:
        ends = row["first"] and last < row["first"]
        problems[f"{prefix}first"] = f"administration.problem.{'ends_before' if ends else 'day'}"
        return None


def _hours(start: str, end: str, place: str, problems: dict[str, str]) -> Row | None:
    try:
        Hours.model_validate({"start": start, "end": end})
    except ValueError:
        problems[place] = "administration.problem.hours"
        return None
    return {"start": start, "end": end}


class _Reader:
    def __init__(self, form: PolicyForm) -> None:
        self.form, self.single, self.ticks, self.rows = form, form.single, form.ticks, form.rows
        self.problems: dict[str, str] = {}
        self.detail: str | None = None

    def schedules(self) -> list[Schedule | None]:
        return [self._schedule(row, f"schedule-{number}") for number, row in enumerate(self.rows["schedule"])]

    def to_policy(self, base: GatePolicy) -> GatePolicy | None:
        schedules = self.schedules()
        self._check_names()
        renamed = {row["was"]: row["name"] for row in self.rows["schedule"] if row["was"]}
        known = set(self.form.schedule_names())

        def named(name: str, place: str) -> str:
            found: str = renamed.get(name, name)
            if found not in known:
                self.problems[place] = "administration.problem.no_schedule"
            return found

        one = self.single
        for kind in ("rule", "mode", "door"):
            for number, row in enumerate(self.rows[kind]):
                row["schedule"] = named(row["schedule"], f"{kind}-{number}-schedule")
        for name in ("first_schedule", "offline_schedule", *(["curfew_schedule"] if one["curfew_schedule"] else [])):
            one[name] = named(one[name] or ALWAYS.name, name)
        values = {
            **base.model_dump(),
            "kind": one["kind"],
            "direction": one["direction"],
            "inner_zone": one["inner_zone"] or None,
            "outer_zone": one["outer_zone"] or None,
            "mode": one["mode"],
            "face_free_gate": one["face_free_gate"] or None,
            "accepts_bare_uid": "accepts_bare_uid" in self.ticks,
            "rules": [self._rule(row, f"rule-{number}", base.zone) for number, row in enumerate(self.rows["rule"])],
            "mode_rules": self.rows["mode"],
            "door_modes": self.rows["door"],
            "schedules": schedules,
            "curfew": self._curfew(),
            "anti_passback": self._anti_passback(),
            "occupancy": self._occupancy(),
            "first_person": self._first_person(),
            "two_persons": self._two_persons(),
            "offline": self._offline(),
        }
        if not one["title"]:
            self.problems["title"] = "administration.problem.needed"
        self._check_law()
        if self.problems:
            return None
        try:
            return GatePolicy.model_validate(values)
        except ValidationError as error:
            self.detail = error.errors()[0]["msg"].removeprefix("Value error, ")
            self.problems["form"] = "administration.problem.impossible"
            return None

    def _check_names(self) -> None:
        seen = {ALWAYS.name}
        for number, row in enumerate(self.rows["schedule"]):
            place = f"schedule-{number}-name"
            if not _NAME.fullmatch(row["name"]):
                self.problems[place] = "administration.problem.schedule_name"
            elif row["name"] in seen:
                self.problems[place] = "administration.problem.schedule_twice"
            seen.add(row["name"])

    def _check_law(self) -> None:
        modes = {self.single["mode"], *(row["mode"] for row in self.rows["mode"])}
        if self.single["kind"] == "wet_room" and any("face" in mode for mode in modes):
            self.problems["mode"] = "administration.problem.wet_room"
        elif modes & {"face", "card_and_face"} and not self.single["face_free_gate"]:
            self.problems["face_free_gate"] = "administration.problem.face_only"
        inner = self.single["inner_zone"]
        if not inner and (self.single["occupancy_limit"] or self.single["apb_kind"] == "area"):
            self.problems["inner_zone"] = "administration.problem.needs_zone"

    def _schedule(self, row: Row, place: str) -> Schedule | None:
        windows = [self._window(one, f"{place}-window-{number}") for number, one in enumerate(row["window"])]
        specials = [
            read_special_days(one, f"{place}-special-{number}-", self.problems)
            for number, one in enumerate(row["special"])
        ]
        # A name that cannot be is told apart from hours that cannot be.
        name = row["name"] if _NAME.fullmatch(row["name"]) else "unnamed"
        try:
            return Schedule(
                name=name,
                windows=tuple(one for one in windows if one is not None),
                special_days=tuple(one for one in specials if one is not None),
            )
        except ValueError:
            return None

    def _window(self, row: Row, place: str) -> Any:
        if not row["days"]:
            self.problems[f"{place}-days"] = "administration.problem.no_days"
            return None
        hours = _hours(row["start"], row["end"], f"{place}-start", self.problems)
        days = [int(day) for day in row["days"] if day in set("0123456")]
        return None if hours is None else {"days": days, **hours}

    def _rule(self, row: Row, place: str, zone: ZoneInfo) -> Row:
        if not row["group"]:
            self.problems[f"{place}-group"] = "administration.problem.needed"
        begins, ends = (self._moment(row[one], f"{place}-{one}", zone) for one in ("from", "until"))
        if begins and ends and ends <= begins:
            self.problems[f"{place}-until"] = "administration.problem.ends_before"
        return {"group": row["group"], "schedule": row["schedule"], "valid_from": begins, "valid_until": ends}

    def _moment(self, text: str, place: str, zone: ZoneInfo) -> datetime | None:
        if not text:
            return None
        found = read_moment(text, zone)
        if found is None:
            self.problems[place] = "administration.problem.moment"
        return found

    def _curfew(self) -> Curfew | None:
        if not self.single["curfew_schedule"]:
            return None
        return self._made(
            "curfew_schedule",
            lambda: Curfew(
                schedule=self.single["curfew_schedule"],
                refuse_entry="curfew_refuse_entry" in self.ticks,
                refuse_exit="curfew_refuse_exit" in self.ticks,
                exempt_groups=split_groups(self.single["curfew_exempt"]),
            ),
        )

    def _anti_passback(self) -> AntiPassback | None:
        if not self.single["apb_kind"]:
            return None
        return self._made(
            "apb_within",
            lambda: AntiPassback(
                kind=self.single["apb_kind"],
                within=timedelta(minutes=float(self.single["apb_within"] or 5)),
                hard="apb_soft" not in self.ticks,
                offline_hard="apb_offline_hard" in self.ticks,
                exempt_groups=split_groups(self.single["apb_exempt"]),
            ),
        )

    def _occupancy(self) -> Occupancy | None:
        if not self.single["occupancy_limit"]:
            return None
        return self._made(
            "occupancy_limit",
            lambda: Occupancy(
                limit=int(self.single["occupancy_limit"]), exempt_groups=split_groups(self.single["occupancy_exempt"])
            ),
        )

    def _first_person(self) -> FirstPerson | None:
        groups = split_groups(self.single["first_groups"])
        if not groups:
            return None
        return self._made("first_groups", lambda: FirstPerson(groups=groups, schedule=self.single["first_schedule"]))

    def _two_persons(self) -> TwoPersons | None:
        if not self.single["two_within"]:
            return None
        return self._made("two_within", lambda: TwoPersons(within=timedelta(seconds=float(self.single["two_within"]))))

    def _offline(self) -> OfflinePolicy | None:
        one = self.single
        return self._made(
            "offline_trusted",
            lambda: OfflinePolicy.model_validate(
                {
                    "trusted_for": timedelta(hours=float(one["offline_trusted"])),
                    "beyond": one["offline_beyond"],
                    "groups": split_groups(one["offline_groups"]),
                    "schedule": one["offline_schedule"],
                    "never_after": timedelta(hours=float(one["offline_never"])),
                }
            ),
        )

    def _made(self, place: str, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except (ValueError, OverflowError):
            self.problems[place] = "administration.problem.number"
            return None
