"""A gate's policy as facts in words, and what differs between two of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from access.policy import DoorModeRule, GatePolicy, ModeRule, Rule
from access.schedules import ALWAYS, Schedule
from console.formats import Formats
from console.texts import Translate
from console.views.week import say_special, say_week


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that holds at a gate; facts of two policies with the same `key` are about the same."""

    key: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change makes of a fact; None where there is none before or after."""

    title: str
    before: str | None
    after: str | None


class PolicyWords:
    """Says what a policy holds, in the reader's language."""

    def __init__(self, t: Translate, formats: Formats) -> None:
        """Take the translator, and how days are written."""
        self._t, self._formats = t, formats

    def describe(self, policy: GatePolicy) -> list[Fact]:
        """Return every fact: place, who may pass, what is shown, the door, the further rules, the schedules."""
        return [
            *self._place(policy),
            *(self._entitlement(rule) for rule in policy.rules),
            *self._means(policy),
            *self._further(policy),
            *self._offline(policy),
            *(fact for schedule in policy.schedules for fact in self._schedule(schedule)),
        ]

    def further(self, policy: GatePolicy) -> list[Fact]:
        """Return the facts beside who may pass and the schedules."""
        return [*self._means(policy), *self._further(policy), *self._offline(policy)]

    def compare(self, before: GatePolicy, after: GatePolicy) -> list[Difference]:
        """Return what differs, in the order of the facts."""
        old = {fact.key: fact for fact in self.describe(before)}
        new = {fact.key: fact for fact in self.describe(after)}
        found = []
        for key in dict.fromkeys((*old, *new)):
            was, becomes = old.get(key), new.get(key)
            shown = becomes or was
            texts = tuple(None if fact is None else fact.text for fact in (was, becomes))
            if shown is not None and texts[0] != texts[1]:
                found.append(Difference(shown.title, *texts))
        return found

    def name_schedule(self, name: str) -> str:
        """Return a schedule's name; that of every hour in words."""
        return self._t("administration.week.always") if name == ALWAYS.name else name

    def say_validity(self, rule: Rule) -> str:
        """Return from when until when a rule holds; nothing where it always does."""
        t = self._t
        begins = t("administration.rule.from").format(at=self._at(rule.valid_from)) if rule.valid_from else ""
        ends = t("administration.rule.until").format(at=self._at(rule.valid_until)) if rule.valid_until else ""
        return t("order.between").join(one for one in (begins, ends) if one)

    def _fact(self, key: str, text: str) -> Fact:
        return Fact(key, self._t(f"administration.fact.{key}"), text)

    def _place(self, policy: GatePolicy) -> Iterator[Fact]:
        t = self._t
        nothing = t("nothing")
        yield self._fact("kind", t(f"gate_kind.{policy.kind.value}"))
        yield self._fact("direction", t(f"gate_direction.{policy.direction.value}"))
        yield self._fact("inner_zone", policy.inner_zone or nothing)
        yield self._fact("outer_zone", policy.outer_zone or nothing)

    def _entitlement(self, rule: Rule) -> Fact:
        validity = self.say_validity(rule)
        words = self._t("administration.fact.within").format(schedule=self.name_schedule(rule.schedule))
        text = self._t("punctuation.semicolon").join(one for one in (words, validity) if one)
        title = self._t("administration.fact.group").format(group=rule.group)
        return Fact(f"rule:{rule.group}:{rule.schedule}:{rule.valid_from}", title, text)

    def _means(self, policy: GatePolicy) -> Iterator[Fact]:
        t = self._t
        yield self._fact("mode", t(f"mode.{policy.mode.value}"))
        for number, rule in enumerate(policy.mode_rules):
            yield Fact(f"mode_rule:{number}", t("administration.fact.mode_rule"), self._within(rule))
        if policy.uses_faces:
            yield self._fact("face_free_gate", policy.face_free_gate or t("nothing"))
        yield self._fact("accepts_bare_uid", t("yes" if policy.accepts_bare_uid else "no"))
        for number, door in enumerate(policy.door_modes):
            yield Fact(f"door:{number}", t("administration.fact.door_mode"), self._within(door))

    def _within(self, rule: ModeRule | DoorModeRule) -> str:
        table = "mode" if isinstance(rule, ModeRule) else "door_mode"
        words = self._t("administration.fact.within").format(schedule=self.name_schedule(rule.schedule))
        return f"{self._t(f'{table}.{rule.mode.value}')}{self._t('punctuation.semicolon')}{words}"

    def _further(self, policy: GatePolicy) -> Iterator[Fact]:
        t, none = self._t, self._t("administration.fact.none")

        def say(key: str, *parts: str, exempt: Sequence[str] = ()) -> Fact:
            listed = t("order.between").join(exempt)
            words = [*parts, t("administration.fact.exempt").format(groups=listed)] if listed else list(parts)
            return self._fact(key, t("punctuation.semicolon").join(words) or none)

        curfew, passback = policy.curfew, policy.anti_passback
        if curfew is None:
            yield say("curfew")
        else:
            yield say(
                "curfew",
                t("administration.fact.within").format(schedule=self.name_schedule(curfew.schedule)),
                t(f"administration.fact.curfew_entry_{'refused' if curfew.refuse_entry else 'reported'}"),
                t(f"administration.fact.curfew_exit_{'refused' if curfew.refuse_exit else 'reported'}"),
                exempt=curfew.exempt_groups,
            )
        if passback is None:
            yield say("anti_passback")
        else:
            hard = "refused" if passback.hard else "reported"
            timed = t("administration.fact.apb_timed").format(within=self._length(passback.within))
            area = t("administration.fact.apb_area")
            yield say(
                "anti_passback",
                timed if passback.kind == "timed" else area,
                t(f"administration.fact.apb_{hard}"),
                *([t("administration.fact.apb_offline")] if passback.offline_hard else []),
                exempt=passback.exempt_groups,
            )
        room, first, two = policy.occupancy, policy.first_person, policy.two_persons
        limits = (t("administration.fact.at_most").format(number=room.limit),) if room else ()
        yield say("occupancy", *limits, exempt=room.exempt_groups if room else ())
        waits: tuple[str, ...] = ()
        if first is not None:
            within = t("administration.fact.within").format(schedule=self.name_schedule(first.schedule))
            groups = t("order.between").join(first.groups)
            waits = (t("administration.fact.first_of").format(groups=groups), within)
        yield say("first_person", *waits)
        apart = (t("administration.fact.two_within").format(within=self._length(two.within)),) if two else ()
        yield say("two_persons", *apart)

    def _offline(self, policy: GatePolicy) -> Iterator[Fact]:
        rule, t = policy.offline, self._t
        beyond = t(f"offline_rule.{rule.beyond.value}")
        if rule.groups:
            beyond += t("punctuation.brackets").format(words=t("order.between").join(rule.groups))
        yield self._fact(
            "offline",
            t("administration.fact.offline_text").format(
                trusted=self._length(rule.trusted_for), beyond=beyond, never=self._length(rule.never_after)
            ),
        )

    def _schedule(self, schedule: Schedule) -> Iterator[Fact]:
        t = self._t
        title = t("administration.fact.schedule").format(name=schedule.name)
        yield Fact(f"schedule:{schedule.name}", title, t("punctuation.semicolon").join(say_week(schedule, t)))
        for number, special in enumerate(schedule.special_days):
            days = self._formats.day(special.first)
            if special.last != special.first:
                days = f"{days}–{self._formats.day(special.last)}"
            text = f"{special.name} {days}{t('punctuation.colon')}{say_special(special, t)}"
            title = t("administration.fact.special").format(name=schedule.name)
            yield Fact(f"special:{schedule.name}:{number}", title, text)

    def _at(self, at: datetime) -> str:
        return self._formats.moment(at)

    def _length(self, length: timedelta) -> str:
        for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
            if length and not length % timedelta(seconds=size):
                return self._t(f"administration.length.{unit}").format(number=length // timedelta(seconds=size))
        return self._t("administration.length.seconds").format(number=round(length.total_seconds()))
