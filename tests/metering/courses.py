"""Courses of registers for tests: readings every so often, with digits that go on, and may wrap."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from uuid import UUID

from hypothesis import strategies as st

from metering.readings.course import Course
from metering.readings.values import Reading, Register
from metering.rooms.consumption import RoomCourse

START = datetime(2026, 9, 1, tzinfo=UTC)
METER = UUID("01990000-0000-7000-8000-000000000001")
SMALL = Register(digits=4, decimals=2, ratio=15, max_w=10_000)


@st.composite
def courses(draw: st.DrawFn, begins_at: datetime = START) -> Course:
    """A course of up to a dozen readings; each was seen for some time, and the next came later."""
    register = Register(
        digits=draw(st.integers(3, 9)), decimals=draw(st.integers(0, 2)), ratio=draw(st.integers(1, 400))
    )
    first = draw(st.integers(0, register.size - 1))
    steps = draw(st.lists(st.integers(0, register.size // 100), max_size=11))
    instants = [begins_at]
    seen = []
    for _ in steps:
        seen.append(instants[-1] + timedelta(seconds=draw(st.integers(0, 7200))))
        instants.append(seen[-1] + timedelta(seconds=draw(st.integers(1, 90_000))))
    seen.append(instants[-1] + timedelta(seconds=draw(st.integers(0, 7200))))
    values = list(accumulate([first, *steps]))
    readings = [
        Reading(at, until, value % register.size) for at, until, value in zip(instants, seen, values, strict=True)
    ]
    # A step over the end of the register is only known as one from its last hundredth into its first.
    for old, new in pairwise(readings):
        if new.digits < old.digits and not (old.digits * 100 > 99 * register.size and new.digits * 100 < register.size):
            readings = readings[: readings.index(new)]
            break
    return Course(METER, "A1", register, tuple(readings))


@st.composite
def room_courses(draw: st.DrawFn) -> list[RoomCourse]:
    """One to three meters, one after the other, some with a time without any between them; the last still counts."""
    found: list[RoomCourse] = []
    begins_at = START
    for left in range(draw(st.integers(1, 3)) - 1, -1, -1):
        course = draw(courses(begins_at))
        found.append(RoomCourse(course, None if left == 0 else course.known_until))
        begins_at = course.known_until + timedelta(seconds=draw(st.sampled_from([0, 0, 3600])))
    return found
