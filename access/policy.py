"""What one gate asks of everybody: who by group, when, with what shown, and the rules of the zone behind it.

A policy travels in the snapshot, so that the gate decides alone. All times of day are campus time.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from access.schedules import ALWAYS, Schedule

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]

Group = Annotated[str, Field(min_length=1, max_length=64)]
"""A group of people, as the accounts name it."""

Stretch = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=366))]
"""A length of time that calendar arithmetic can bear."""


class GateKind(StrEnum):
    """What stands behind the gate."""

    CAMPUS = "campus"
    DORMITORY = "dormitory"
    BUILDING = "building"
    LABORATORY = "laboratory"
    WET_ROOM = "wet_room"
    """Shower, changing room, toilet: never a camera, so never a face."""


class Direction(StrEnum):
    """Which way a passage leads, seen from `inner_zone`."""

    ENTRY = "entry"
    EXIT = "exit"
    BOTH = "both"


class Mode(StrEnum):
    """What must be shown. A visitor's code counts wherever a card does."""

    FACE = "face"
    CARD = "card"
    FACE_OR_CARD = "face_or_card"
    CARD_AND_FACE = "card_and_face"
    CARD_AND_PIN = "card_and_pin"

    @property
    def uses_faces(self) -> bool:
        """Whether a camera is needed."""
        return self in {Mode.FACE, Mode.FACE_OR_CARD, Mode.CARD_AND_FACE}


class DoorMode(StrEnum):
    """What the schedule may order the door itself to be."""

    HELD_OPEN = "held_open"
    """Unlocked for everybody."""
    ALWAYS_CLOSED = "always_closed"
    """Closed to everybody; the way out stays free."""


class Offline(StrEnum):
    """Who may pass when the directory is older than the gate trusts."""

    EVERYONE_LISTED = "everyone_listed"
    GROUPS = "groups"
    HOURS = "hours"
    NOBODY = "nobody"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Value):
    """People of `group` may pass within `schedule`, from `valid_from` until `valid_until`."""

    group: Group
    schedule: Name = ALWAYS.name
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class ModeRule(_Value):
    """Within `schedule` the gate asks for `mode`; the first rule that holds counts."""

    mode: Mode
    schedule: Name


class DoorModeRule(_Value):
    """Within `schedule` the door is held open, or closed to everybody; the first rule that holds counts."""

    mode: DoorMode
    schedule: Name


class OfflinePolicy(_Value):
    """How old the directory may be, and who may pass beyond that age."""

    trusted_for: Stretch = timedelta(hours=12)
    beyond: Offline = Offline.NOBODY
    groups: tuple[Group, ...] = ()
    schedule: Name = ALWAYS.name
    never_after: Stretch = timedelta(days=7)
    """Beyond this age nobody passes, whatever `beyond` says: a revocation must not stay unheard for ever."""


class AntiPassback(_Value):
    """One pass lets one person in once.

    `timed`: not again in the same direction within `within`, at any gate of the zone. `area`: not into a zone one is
    in, not out of a zone one is not in. A soft rule grants and gives notice. Offline (passages at other gates unknown)
    `offline_hard` says whether what this gate saw itself still refuses.
    """

    kind: Annotated[str, Field(pattern="^(timed|area)$")] = "timed"
    within: Stretch = timedelta(minutes=5)
    hard: bool = True
    offline_hard: bool = False
    exempt_groups: tuple[Group, ...] = ()


class Occupancy(_Value):
    """At most `limit` people in the inner zone; refused on entry only."""

    limit: Annotated[int, Field(ge=1)]
    exempt_groups: tuple[Group, ...] = ()


class FirstPerson(_Value):
    """In each window of `schedule` nobody passes before one of `groups` did."""

    groups: tuple[Group, ...]
    schedule: Name = ALWAYS.name


class TwoPersons(_Value):
    """Two entitled people show themselves one after the other, at most `within` apart."""

    within: Stretch = timedelta(seconds=20)


class Curfew(_Value):
    """Within `schedule`, returns are reported to the warden or refused, and likewise leaving."""

    schedule: Name
    refuse_entry: bool = False
    refuse_exit: bool = False
    exempt_groups: tuple[Group, ...] = ()

    def refuses(self, direction: Direction) -> bool:
        """Whether passing in this direction is refused, not only reported."""
        return self.refuse_exit if direction is Direction.EXIT else self.refuse_entry


class GatePolicy(_Value):
    """Everything one gate needs to decide.

    `model_id` is the model that the gate matches with, None where it asks for no face. People who have no template of
    it may have one of another (`access.snapshot.PersonEntry.model_id`).
    """

    gate: Name
    site: Name = "main"
    kind: GateKind = GateKind.BUILDING
    direction: Direction = Direction.BOTH
    outer_zone: Name | None = None
    inner_zone: Name | None = None
    time_zone: str = "Asia/Shanghai"
    model_id: str | None = None

    rules: tuple[Rule, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    mode: Mode = Mode.FACE_OR_CARD
    mode_rules: tuple[ModeRule, ...] = ()
    door_modes: tuple[DoorModeRule, ...] = ()
    """When the controller holds the door open or closed by itself; staff's orders stand above."""
    face_free_gate: Name | None = None
    """A gate beside this one that takes cards at the same hours; a gate that takes only faces must name one."""
    accepts_bare_uid: bool = True
    """Whether a card is believed by its UID alone, without proof of its key."""

    offline: OfflinePolicy = OfflinePolicy()
    anti_passback: AntiPassback | None = None
    occupancy: Occupancy | None = None
    first_person: FirstPerson | None = None
    two_persons: TwoPersons | None = None
    curfew: Curfew | None = None

    @model_validator(mode="after")
    def _names_what_exists(self) -> Self:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone {self.time_zone!r}") from error
        known = [schedule.name for schedule in self.schedules] + [ALWAYS.name]
        if len(known) != len(set(known)):
            raise ValueError(f"two schedules of one name, or one named {ALWAYS.name!r}")
        used = {rule.schedule for rule in self.rules} | {self.offline.schedule}
        used |= {rule.schedule for rule in self.mode_rules} | {rule.schedule for rule in self.door_modes}
        used |= {self.first_person.schedule} if self.first_person else set()
        used |= {self.curfew.schedule} if self.curfew else set()
        if missing := used - set(known):
            raise ValueError(f"no schedule named {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _respects_the_law_on_faces(self) -> Self:
        modes = {self.mode, *(rule.mode for rule in self.mode_rules)}
        if self.kind is GateKind.WET_ROOM and any(mode.uses_faces for mode in modes):
            raise ValueError("a shower, changing room or toilet never has a camera: choose card or card_and_pin")
        if modes & {Mode.FACE, Mode.CARD_AND_FACE} and self.face_free_gate is None:
            raise ValueError(
                "a face is never the only way in: name in face_free_gate the gate beside it that takes cards"
            )
        return self

    @model_validator(mode="after")
    def _has_the_zone_its_rules_speak_of(self) -> Self:
        area = self.anti_passback is not None and self.anti_passback.kind == "area"
        if (area or self.occupancy is not None) and self.inner_zone is None:
            raise ValueError("anti-passback by area and an occupancy limit need inner_zone")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of every schedule here."""
        return ZoneInfo(self.time_zone)

    def schedule(self, name: str) -> Schedule:
        """Return the schedule of that name; validation made sure that there is one."""
        return next((schedule for schedule in self.schedules if schedule.name == name), ALWAYS)

    def is_open(self, schedule: str, now: datetime) -> bool:
        """Whether `now` (aware) falls into the schedule of that name."""
        return self.schedule(schedule).is_open(now, self.zone)

    @property
    def uses_faces(self) -> bool:
        """Whether the gate ever asks for a face; only then do templates travel to it."""
        return any(mode.uses_faces for mode in (self.mode, *(rule.mode for rule in self.mode_rules)))

    @property
    def looks_back(self) -> bool:
        """Whether a rule here depends on who passed the other gates of the zone."""
        rules = (self.anti_passback, self.occupancy, self.first_person)
        return self.inner_zone is not None and any(rule is not None for rule in rules)

    def facing(self, otherwise: Direction = Direction.ENTRY) -> Direction:
        """Return which way a passage leads here; `otherwise` where the gate leads both ways."""
        return otherwise if self.direction is Direction.BOTH else self.direction

    @property
    def takes_cards_alone(self) -> bool:
        """Whether at every hour a card without a face is enough."""
        modes = {self.mode, *(rule.mode for rule in self.mode_rules)}
        return not modes & {Mode.FACE, Mode.CARD_AND_FACE}

    @property
    def entitled_groups(self) -> frozenset[str]:
        """The groups that may pass here at some time."""
        return frozenset(rule.group for rule in self.rules)

    @property
    def named_groups(self) -> frozenset[str]:
        """Every group the gate must be able to tell: the entitled ones, and those its rules make exceptions for."""
        named = {*self.entitled_groups, *self.offline.groups}
        for rule in (self.anti_passback, self.occupancy, self.curfew):
            named |= set(rule.exempt_groups) if rule is not None else set()
        return frozenset(named | set(self.first_person.groups if self.first_person else ()))
