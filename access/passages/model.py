"""Who passed the gates of a zone last: what travels from the server to each of them, and how a gate joins both.

A gate sees its own passages only. The server sees all, from the journal, and sends them to every gate of a zone whose
rules look back. Ids and times travel, and only of people who may pass that gate at all. The names `PresencePage` and
`presence` are the contract's (HTTP, MQTT); what they carry is passages.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from access.policy import Direction, GatePolicy, Name
from access.rules import LastPassage

REMEMBERED = timedelta(days=1)
"""A passage counts for so long; who stays longer is not kept in or out by it any more."""

TRUSTED_FOR = timedelta(seconds=45)
"""What the server said about other gates counts as known for so long: an answer for three times a gate's interval of
asking. A zone heartbeat counts as an answer of its own time; who hears no more of them asks after 22 to 26 s
(`access.passages.sync.AWAITED_FOR_S`), and so once more before that time is over."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ZonePass(_Value):
    """The last passage of one person through a gate of the zone.

    `gate` None: nothing counts any more, because staff forgave it or the door was not taken. `direction` BOTH: the gate
    does not tell which way it was.
    """

    person_id: UUID
    gate: Name | None
    direction: Direction = Direction.BOTH
    at: AwareDatetime


class PresencePage(_Value):
    """Part of the way to the zone's latest revision; `whole`: what was known before is void.

    `inside` counts everybody in the zone, also those who may not pass this gate. `forgiven_before`: passages up to then
    are forgiven to everybody.
    """

    zone: Name
    whole: bool
    to_revision: Annotated[int, Field(ge=0)]
    latest_revision: Annotated[int, Field(ge=0)]
    inside: Annotated[int, Field(ge=0)]
    forgiven_before: AwareDatetime | None = None
    passes: tuple[ZonePass, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left after this page."""
        return self.to_revision >= self.latest_revision


def counts(one: ZonePass | None, now: datetime, forgiven_before: datetime | None) -> bool:
    """Return whether a passage still says something at `now`."""
    if one is None or one.gate is None or now - one.at > REMEMBERED:
        return False
    return forgiven_before is None or one.at > forgiven_before


def later_of(own: ZonePass | None, known: ZonePass | None) -> ZonePass | None:
    """Return which of two passages of one person is the last; of two at one time, what the server said."""
    if own is None or known is None:
        return own or known
    return own if own.at > known.at else known


def last_passage_of(one: ZonePass, policy: GatePolicy) -> LastPassage:
    """Return a passage as the rules of a gate of the same zone look at it; it must count (`counts`)."""
    assert one.gate is not None  # noqa: S101 - `counts` has seen to it
    leads_to = {Direction.ENTRY: policy.inner_zone, Direction.EXIT: policy.outer_zone, Direction.BOTH: None}
    return LastPassage(one.gate, one.direction, one.at, leads_to[one.direction])


def count_inside(
    inside: int,
    own: Mapping[UUID, ZonePass],
    known: Mapping[UUID, ZonePass],
    *,
    now: datetime,
    forgiven_before: datetime | None,
) -> int:
    """Return how many are in the zone: the server's count, and this gate's passages that it has not heard of yet."""
    for person, one in own.items():
        before = known.get(person)
        if later_of(one, before) is one:
            inside += int(is_inside(one, now, forgiven_before)) - int(is_inside(before, now, forgiven_before))
    return max(0, inside)


def is_inside(one: ZonePass | None, now: datetime, forgiven_before: datetime | None) -> bool:
    """Return whether a passage led into the zone and still counts."""
    return one is not None and one.direction is Direction.ENTRY and counts(one, now, forgiven_before)
