"""The form of a gate's policy: what its fields say, and rows that are added and removed.

Fields are named by their place: `rule-0-group`, `schedule-1-window-0-start`. What was typed stays as it was typed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from access.policy import GatePolicy
from access.schedules import ALWAYS, Schedule

Row = dict[str, Any]
BETWEEN = re.compile(r"[,，、;；]")
_SINGLE = (
    "title", "kind", "direction", "inner_zone", "outer_zone", "mode", "face_free_gate",
    "curfew_schedule", "curfew_exempt", "apb_kind", "apb_within", "apb_exempt", "occupancy_limit", "occupancy_exempt",
    "first_groups", "first_schedule", "two_within",
    "offline_trusted", "offline_beyond", "offline_groups", "offline_schedule", "offline_never",
)  # fmt: skip
_TICKS = (
    "accepts_bare_uid", "curfew_refuse_entry", "curfew_refuse_exit", "apb_soft", "apb_offline_hard",
)  # fmt: skip
_ROWS = {
    "rule": ("group", "schedule", "from", "until"),
    "mode": ("mode", "schedule"),
    "door": ("mode", "schedule"),
    "schedule": ("was", "name"),
}
_NEW: dict[str, Row] = {
    "rule": {"group": "", "schedule": ALWAYS.name, "from": "", "until": ""},
    "mode": {"mode": "card_and_pin", "schedule": ALWAYS.name},
    "door": {"mode": "held_open", "schedule": ALWAYS.name},
}
_NEW_WINDOW: Row = {"days": ["0", "1", "2", "3", "4"], "start": "08:00", "end": "18:00"}
_NEW_SPECIAL: Row = {"name": "", "first": "", "last": "", "hours": ""}


@dataclass
class PolicyForm:
    """What the fields hold, as text."""

    single: dict[str, str]
    ticks: set[str]
    rows: dict[str, list[Row]]
    """Of `rule`, `mode`, `door` and `schedule`; a schedule's row holds its rows of `window` and `special`."""
    focus: str | None = None
    """The field that was just added."""
    problems: dict[str, str] = field(default_factory=dict)
    """Keys of words by field."""
    detail: str | None = None
    """What no field stands for, in the words of the check."""

    @classmethod
    def of(cls, policy: GatePolicy, title: str, zone: ZoneInfo) -> "PolicyForm":
        """Fill the form from a policy; moments by the clock of `zone`."""
        curfew, passback, room = policy.curfew, policy.anti_passback, policy.occupancy
        first, two, offline = policy.first_person, policy.two_persons, policy.offline
        single = {
            "title": title,
            "kind": policy.kind.value,
            "direction": policy.direction.value,
            "inner_zone": policy.inner_zone or "",
            "outer_zone": policy.outer_zone or "",
            "mode": policy.mode.value,
            "face_free_gate": policy.face_free_gate or "",
            "curfew_schedule": curfew.schedule if curfew else "",
            "curfew_exempt": _joined(curfew.exempt_groups if curfew else ()),
            "apb_kind": passback.kind if passback else "",
            "apb_within": _number(passback.within if passback else timedelta(minutes=5), 60),
            "apb_exempt": _joined(passback.exempt_groups if passback else ()),
            "occupancy_limit": str(room.limit) if room else "",
            "occupancy_exempt": _joined(room.exempt_groups if room else ()),
            "first_groups": _joined(first.groups if first else ()),
            "first_schedule": first.schedule if first else ALWAYS.name,
            "two_within": _number(two.within, 1) if two else "",
            "offline_trusted": _number(offline.trusted_for, 3600),
            "offline_beyond": offline.beyond.value,
            "offline_groups": _joined(offline.groups),
            "offline_schedule": offline.schedule,
            "offline_never": _number(offline.never_after, 3600),
        }
        chosen = {
            "accepts_bare_uid": policy.accepts_bare_uid,
            "curfew_refuse_entry": bool(curfew and curfew.refuse_entry),
            "curfew_refuse_exit": bool(curfew and curfew.refuse_exit),
            "apb_soft": bool(passback and not passback.hard),
            "apb_offline_hard": bool(passback and passback.offline_hard),
        }
        rows = {
            "rule": [
                {
                    "group": rule.group,
                    "schedule": rule.schedule,
                    "from": _local(rule.valid_from, zone),
                    "until": _local(rule.valid_until, zone),
                }
                for rule in policy.rules
            ],
            "mode": [{"mode": rule.mode.value, "schedule": rule.schedule} for rule in policy.mode_rules],
            "door": [{"mode": rule.mode.value, "schedule": rule.schedule} for rule in policy.door_modes],
            "schedule": [_row_of(schedule) for schedule in policy.schedules],
        }
        return cls(single, {name for name, is_on in chosen.items() if is_on}, rows)

    @classmethod
    def read(cls, fields: Iterable[tuple[str, str]]) -> "PolicyForm":
        """Take the fields as a browser sends them; rows keep the order of their numbers."""
        given: dict[str, list[str]] = {}
        for name, value in fields:
            given.setdefault(name, []).append(value.strip())

        def one(name: str) -> str:
            return given.get(name, [""])[0]

        def rows(prefix: str, names: Sequence[str]) -> list[Row]:
            return [{name: one(f"{prefix}-{number}-{name}") for name in names} for number in _numbers(given, prefix)]

        found = {kind: rows(kind, names) for kind, names in _ROWS.items()}
        for number, row in zip(_numbers(given, "schedule"), found["schedule"], strict=True):
            start = f"schedule-{number}"
            row["window"] = rows(f"{start}-window", ("start", "end"))
            for place, window in zip(_numbers(given, f"{start}-window"), row["window"], strict=True):
                window["days"] = given.get(f"{start}-window-{place}-days", [])
            row["special"] = rows(f"{start}-special", tuple(_NEW_SPECIAL))
        return cls({name: one(name) for name in _SINGLE}, {name for name in _TICKS if name in given}, found)

    def schedule_names(self) -> list[str]:
        """Return the names that rules may choose from."""
        return [ALWAYS.name, *(row["name"] for row in self.rows["schedule"] if row["name"])]

    def add(self, kind: str, schedules: Mapping[str, Schedule]) -> None:
        """Add a row: `rule`, `mode`, `door`, `schedule`, `schedule-0-window`, `copy` of a named one of `schedules`."""
        if kind in _NEW:
            self.rows[kind].append(dict(_NEW[kind]))
            first = "group" if kind == "rule" else "mode"
            self.focus = f"{kind}-{len(self.rows[kind]) - 1}-{first}"
        elif kind == "schedule":
            row = {"was": "", "name": self._free_name(), "window": [dict(_NEW_WINDOW)], "special": []}
            self.rows[kind].append(row)
            self.focus = f"schedule-{len(self.rows[kind]) - 1}-name"
        elif (match := re.fullmatch(r"schedule-(\d+)-(window|special)", kind)) and self._has(int(match[1])):
            rows = self.rows["schedule"][int(match[1])][match[2]]
            rows.append(dict(_NEW_WINDOW if match[2] == "window" else _NEW_SPECIAL))
            self.focus = f"{kind}-{len(rows) - 1}-{'start' if match[2] == 'window' else 'name'}"
        elif kind in schedules:
            row = _row_of(schedules[kind]) | {"was": ""}
            if row["name"] in self.schedule_names():
                row["name"] = self._free_name()
            self.rows["schedule"].append(row)
            self.focus = f"schedule-{len(self.rows['schedule']) - 1}-name"

    def remove(self, place: str) -> None:
        """Take a row away: `rule-0`, `schedule-1`, `schedule-1-window-0`."""
        if match := re.fullmatch(r"schedule-(\d+)-(window|special)-(\d+)", place):
            if self._has(int(match[1])):
                _drop(self.rows["schedule"][int(match[1])][match[2]], int(match[3]))
        elif (match := re.fullmatch(r"([a-z]+)-(\d+)", place)) and match[1] in self.rows:
            _drop(self.rows[match[1]], int(match[2]))

    def _has(self, schedule: int) -> bool:
        return schedule < len(self.rows["schedule"])

    def _free_name(self) -> str:
        taken = set(self.schedule_names())
        return next(name for number in range(1, 1000) if (name := f"hours-{number}") not in taken)


def _row_of(schedule: Schedule) -> Row:
    return {
        "was": schedule.name,
        "name": schedule.name,
        "window": [
            {"days": [str(day) for day in window.days], "start": f"{window.start:%H:%M}", "end": f"{window.end:%H:%M}"}
            for window in schedule.windows
        ],
        "special": [
            {
                "name": special.name,
                "first": special.first.isoformat(),
                "last": special.last.isoformat(),
                "hours": ", ".join(f"{one.start:%H:%M}-{one.end:%H:%M}" for one in special.hours),
            }
            for special in schedule.special_days
        ],
    }


def _numbers(given: Mapping[str, object], prefix: str) -> list[int]:
    start = re.compile(rf"{re.escape(prefix)}-(\d{{1,4}})-")
    return sorted({int(match[1]) for name in given if (match := start.match(name))})


def _drop(rows: list[Row], number: int) -> None:
    if number < len(rows):
        del rows[number]


def split_groups(text: str) -> tuple[str, ...]:
    """Return the groups that a field names, each once."""
    return tuple(dict.fromkeys(one.strip() for one in BETWEEN.split(text) if one.strip()))


def _joined(groups: Sequence[str]) -> str:
    return ", ".join(groups)


def _number(length: timedelta, unit_s: int) -> str:
    return f"{length.total_seconds() / unit_s:g}"


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"
