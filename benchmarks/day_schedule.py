"""The plan of a compressed day: how much is asked of a campus at each hour, and what is struck when. No clock here."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

BEGINS_H, ENDS_H = 6.0, 24.0
"""Nothing is played of the night's other six hours, in which the campus sleeps."""
NIGHT_H = 21.0
"""When the showers begin."""
LOSS_H = 12.5
"""When somebody reports their card as lost."""
_FIRST_STRIKE_S = 6.0
_LAST_STRIKE_S = 6.0
"""Before the end: what is struck then comes back while the day is still played."""
_JITTER = 0.3
"""Of the spacing."""
_STANDS_STILL_S = (3.0, 13.0)
"""Shorter and longer than the ten seconds that a command lives."""
_AWAY_S = (0.0, 2.0)


class Target(StrEnum):
    """What is struck."""

    BROKER = "broker"
    DATABASE = "database"
    SERVER = "server"
    EDGE = "edge"
    CONTROLLER = "controller"


class Way(StrEnum):
    """How: SIGKILL and a new start, or SIGSTOP and SIGCONT."""

    KILLED = "killed"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Strike:
    """One blow: when (seconds of the played day), what, how, for how long it is away, and which of several."""

    at_s: float
    target: Target
    way: Way
    lasts_s: float
    which: int


@dataclass(frozen=True, slots=True)
class Curve:
    """A share of the peak at each hour, straight between its points."""

    points: Sequence[tuple[float, float]]

    def at(self, hour: float) -> float:
        """Return the share at `hour`; before the first and after the last point it stays as there."""
        number = bisect_right([one for one, _ in self.points], hour)
        if number in {0, len(self.points)}:
            return self.points[min(number, len(self.points) - 1)][1]
        (begins, from_), (ends, to) = self.points[number - 1 : number + 1]
        return from_ + (to - from_) * (hour - begins) / (ends - begins)


PASSAGES = Curve(
    (
        (6, 0.05),
        (7, 0.5),
        (7.7, 1.0),
        (8.2, 0.3),
        (11.5, 0.4),
        (12, 0.9),
        (13.5, 0.4),
        (17.5, 0.9),
        (22, 0.5),
        (24, 0.05),
    )
)
PAYMENTS = Curve(
    (
        (6, 0.02),
        (7.2, 0.5),
        (8.5, 0.08),
        (11.2, 0.1),
        (12, 1.0),
        (13, 0.3),
        (16.5, 0.1),
        (18, 0.8),
        (20, 0.1),
        (24, 0.02),
    )
)
PHOTOS = Curve(((8, 0.0), (9, 1.0), (11.5, 1.0), (12, 0.2), (14, 1.0), (17, 0.6), (18, 0.0)))
"""Of a day in September, on which newcomers hand in theirs."""

PEAK_PASSAGES_PER_S = 100.0
"""500 gates, somebody every five seconds."""
PEAK_PAYMENTS_PER_S = 40.0
"""One of 750 people in the busiest second at noon."""
PEAK_PHOTOS_PER_S = 1.0
"""Eight thousand newcomers in the hours of an afternoon; campuses spread them over days."""


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """A day of 18 hours played in `seconds`, at `share` of the rates of 30,000 people."""

    seconds: float
    share: float

    @property
    def factor(self) -> float:
        """How many times as fast as the clock it is played."""
        return (ENDS_H - BEGINS_H) * 3600 / self.seconds

    def hour_at(self, elapsed_s: float) -> float:
        """Return the hour of the day, so many seconds after the beginning."""
        return BEGINS_H + elapsed_s / self.seconds * (ENDS_H - BEGINS_H)

    def elapsed_at(self, hour: float) -> float:
        """Return when an hour of the day comes, in seconds after the beginning."""
        return (hour - BEGINS_H) / (ENDS_H - BEGINS_H) * self.seconds

    def passages_per_s(self, elapsed_s: float) -> float:
        """Return the passages a second at all gates."""
        return PEAK_PASSAGES_PER_S * self.share * PASSAGES.at(self.hour_at(elapsed_s))

    def payments_per_s(self, elapsed_s: float) -> float:
        """Return the payments a second at all tills."""
        return PEAK_PAYMENTS_PER_S * self.share * PAYMENTS.at(self.hour_at(elapsed_s))

    def photos_per_s(self, elapsed_s: float) -> float:
        """Return the photos handed in a second."""
        return PEAK_PHOTOS_PER_S * self.share * PHOTOS.at(self.hour_at(elapsed_s))


def plan_strikes(seed: int, seconds: float, every_s: float) -> list[Strike]:
    """Return the strikes of a day, one in so many seconds, and enough for each target in both ways.

    The same for the same seed; no target comes again in one way before all others have come in both.
    """
    chance = random.Random(seed)  # noqa: S311 - a fate that can be repeated
    blows = _blows(chance)
    available = seconds - _FIRST_STRIKE_S - _LAST_STRIKE_S
    number = max(round(available / every_s), len(Target) * len(Way))
    spacing = available / number
    strikes = []
    for turn in range(number):
        target, way = next(blows)
        at_s = _FIRST_STRIKE_S + spacing * (turn + chance.uniform(0, _JITTER))
        lasts_s = chance.uniform(*(_STANDS_STILL_S if way is Way.HUNG else _AWAY_S))
        strikes.append(Strike(at_s, target, way, lasts_s, chance.randrange(1_000)))
    return strikes


def _blows(chance: random.Random) -> Iterator[tuple[Target, Way]]:
    while True:
        every = [(target, way) for target in Target for way in Way]
        chance.shuffle(every)
        yield from every
