"""May this person pass this gate now? Each rule by name, and what holds whatever is asked."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from access.decision import AccessRequest, FaceResult, decide, required_mode
from access.policy import (
    AntiPassback,
    Curfew,
    Direction,
    FirstPerson,
    GateKind,
    GatePolicy,
    Mode,
    ModeRule,
    Occupancy,
    Offline,
    OfflinePolicy,
    Rule,
    TwoPersons,
)
from access.reasons import Notice, Reason
from access.rules import AccessContext, LastPassage
from access.schedules import Schedule, Window
from access.snapshot import CredentialEntry, Grant, PersonEntry

NOW = datetime(2026, 9, 7, 4, 0, tzinfo=UTC)  # Monday noon in Shanghai
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NIGHT = Schedule(name="night", windows=(Window(start=time(23), end=time(6)),))
DAY = Schedule(name="day", windows=(Window(start=time(6), end=time(23)),))
MIDNIGHT = datetime(2026, 9, 7, 16, 0, tzinfo=UTC)

ME, OTHER = UUID(int=1), UUID(int=2)
CARD, CODE, PIN = "c" * 64, "d" * 64, "e" * 64
FACE = AccessRequest(face=FaceResult.MATCHED, face_model="m-1")
BY_CARD = AccessRequest(credential=CARD)
BY_CODE = AccessRequest(credential=CODE)
BOTH = replace(FACE, credential=CARD)


def person(card: str = "active", **fields) -> PersonEntry:
    given_ = {
        "person_id": ME,
        "groups": ("students",),
        "credentials": (
            CredentialEntry(kind="card", digest=CARD, status=card),
            CredentialEntry(kind="code", digest=CODE),
            CredentialEntry(kind="pin", digest=PIN),
        ),
    }
    return PersonEntry(**given_ | fields)


def gate(**fields) -> GatePolicy:
    given_ = {
        "gate": "main",
        "model_id": "m-1",
        "inner_zone": "campus",
        "face_free_gate": "side",
        "rules": (Rule(group="students"),),
        "schedules": (DAY, NIGHT),
    }
    return GatePolicy(**given_ | fields)


def context(**fields) -> AccessContext:
    return AccessContext(**{"synced_at": NOW} | fields)


def reason(request=FACE, entry=None, policy=None, now=NOW, at=None) -> Reason:
    return decide(request, entry or person(), policy or gate(), now, at).reason


def test_an_entitled_person_passes_by_face_card_or_code() -> None:
    for request in (FACE, BY_CARD, BY_CODE, BOTH):
        decision = decide(request, person(), gate(), NOW, context())
        assert decision.granted
        assert (decision.reason, decision.person_id, decision.notices) == (Reason.GRANTED, ME, ())


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (AccessRequest(), Reason.NOTHING_PRESENTED),
        (AccessRequest(face=FaceResult.UNKNOWN, face_model="m-1"), Reason.UNKNOWN_FACE),
        (AccessRequest(face=FaceResult.AMBIGUOUS, face_model="m-1"), Reason.AMBIGUOUS_FACE),
        (AccessRequest(face=FaceResult.SPOOF, face_model="m-1"), Reason.SPOOF),
        (AccessRequest(face=FaceResult.MATCHED, face_model="m-1"), Reason.UNKNOWN_FACE),
        (AccessRequest(face=FaceResult.MATCHED, face_model="m-0"), Reason.MODEL_MISMATCH),
        (AccessRequest(credential="f" * 64), Reason.UNKNOWN_CREDENTIAL),
    ],
)
def test_who_is_not_recognised_is_told_why_and_named_to_nobody(request_, expected: Reason) -> None:
    decision = decide(request_, None, gate(), NOW)
    assert (decision.granted, decision.reason, decision.person_id) == (False, expected, None)


@pytest.mark.parametrize(("model", "expected"), [("m-0", Reason.GRANTED), ("m-1", Reason.MODEL_MISMATCH)])
@pytest.mark.parametrize("request_", [FACE, BOTH])
def test_a_person_with_a_template_of_another_model_is_matched_by_that_one(request_, model: str, expected) -> None:
    former = person().model_copy(update={"model_id": "m-0"})
    mode = Mode.FACE if request_ is FACE else Mode.CARD_AND_FACE
    decision = decide(replace(request_, face_model=model), former, gate(mode=mode), NOW)
    assert decision.reason is expected


def test_a_face_that_did_not_match_names_nobody_even_when_an_entry_is_given() -> None:
    decision = decide(AccessRequest(face=FaceResult.AMBIGUOUS, face_model="m-1"), person(), gate(), NOW)
    assert (decision.reason, decision.person_id) == (Reason.AMBIGUOUS_FACE, None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("lost", Reason.CARD_LOST),
        ("suspended", Reason.CARD_SUSPENDED),
        ("replaced", Reason.CARD_INACTIVE),
        ("returned", Reason.CARD_INACTIVE),
    ],
)
def test_a_card_that_is_not_active_opens_nothing_while_its_holders_face_does(status: str, expected: Reason) -> None:
    assert reason(BY_CARD, person(status)) is expected
    assert reason(BOTH, person(status)) is expected
    assert reason(FACE, person(status)) is Reason.GRANTED


def test_a_pin_is_no_card() -> None:
    assert reason(AccessRequest(credential=PIN)) is Reason.UNKNOWN_CREDENTIAL


def test_a_bare_uid_is_believed_only_where_the_gate_says_so() -> None:
    strict = gate(accepts_bare_uid=False)
    assert reason(BY_CARD, policy=strict) is Reason.CARD_NOT_AUTHENTICATED
    assert reason(replace(BY_CARD, authenticated=True), policy=strict) is Reason.GRANTED
    assert reason(BY_CODE, policy=strict) is Reason.GRANTED


def test_a_suspended_person_opens_nothing_whatever_they_show() -> None:
    for request in (FACE, BY_CARD, BY_CODE, BOTH):
        decision = decide(request, person(suspended=True), gate(), NOW, context())
        assert (decision.granted, decision.reason, decision.person_id) == (False, Reason.SUSPENDED, ME)


def test_validity_holds_from_its_first_moment_and_not_at_its_last() -> None:
    bounded = person(valid_from=NOW, valid_until=NOW + HOUR)
    assert reason(entry=bounded, now=NOW - timedelta(microseconds=1)) is Reason.NOT_YET_VALID
    assert reason(entry=bounded) is Reason.GRANTED
    assert reason(entry=bounded, now=NOW + HOUR) is Reason.EXPIRED


def test_no_rule_and_another_hour_are_two_answers() -> None:
    assert reason(entry=person(groups=("teachers",))) is Reason.NOT_ENTITLED
    at_night = gate(rules=(Rule(group="students", schedule="night"),))
    assert reason(policy=at_night) is Reason.OUTSIDE_SCHEDULE
    assert reason(policy=at_night, now=MIDNIGHT) is Reason.GRANTED
    over = gate(rules=(Rule(group="students", valid_until=NOW),))
    assert reason(policy=over) is Reason.NOT_ENTITLED
    assert reason(policy=gate(rules=(*at_night.rules, Rule(group="students", schedule="day")))) is Reason.GRANTED


def test_a_visitors_grant_opens_for_its_hours() -> None:
    visitor = person(groups=(), grants=(Grant(valid_from=NOW, valid_until=NOW + HOUR),))
    assert reason(entry=visitor) is Reason.GRANTED
    assert reason(entry=visitor, now=NOW + HOUR) is Reason.NOT_ENTITLED


@pytest.mark.parametrize(
    ("mode", "request_", "expected"),
    [
        (Mode.FACE, FACE, Reason.GRANTED),
        (Mode.FACE, BY_CARD, Reason.METHOD_NOT_ALLOWED),
        (Mode.CARD, FACE, Reason.METHOD_NOT_ALLOWED),
        (Mode.CARD, BY_CODE, Reason.GRANTED),
        (Mode.CARD_AND_FACE, FACE, Reason.CARD_REQUIRED),
        (Mode.CARD_AND_FACE, BY_CARD, Reason.FACE_REQUIRED),
        (Mode.CARD_AND_FACE, BOTH, Reason.GRANTED),
        (Mode.CARD_AND_FACE, replace(BOTH, face=FaceResult.UNKNOWN), Reason.FACE_NOT_CARD_HOLDER),
        (Mode.CARD_AND_FACE, replace(BOTH, face=FaceResult.SPOOF), Reason.SPOOF),
        (Mode.CARD_AND_FACE, replace(BOTH, face_model="m-0"), Reason.MODEL_MISMATCH),
        (Mode.CARD_AND_PIN, FACE, Reason.METHOD_NOT_ALLOWED),
        (Mode.CARD_AND_PIN, BY_CARD, Reason.PIN_REQUIRED),
        (Mode.CARD_AND_PIN, replace(BY_CARD, pin="0" * 64), Reason.PIN_WRONG),
        (Mode.CARD_AND_PIN, replace(BY_CARD, pin=PIN), Reason.GRANTED),
        (Mode.CARD_AND_PIN, BY_CODE, Reason.GRANTED),
        (Mode.FACE_OR_CARD, replace(BOTH, face=FaceResult.UNKNOWN), Reason.GRANTED),
    ],
)
def test_the_gate_asks_for_what_its_mode_says(mode: Mode, request_, expected: Reason) -> None:
    assert reason(request_, policy=gate(mode=mode)) is expected


def test_the_mode_changes_with_the_hour() -> None:
    policy = gate(mode=Mode.FACE_OR_CARD, mode_rules=(ModeRule(mode=Mode.CARD_AND_PIN, schedule="night"),))
    assert required_mode(policy, NOW) is Mode.FACE_OR_CARD
    assert reason(policy=policy, now=MIDNIGHT) is Reason.METHOD_NOT_ALLOWED


def test_a_look_alike_is_never_told_apart_by_the_face_alone() -> None:
    for mode in (Mode.FACE, Mode.FACE_OR_CARD):
        assert reason(FACE, person(needs_card_and_face=True), gate(mode=mode)) is Reason.CARD_REQUIRED


class TestOffline:
    """What a gate does with a directory it could not renew."""

    def ask(self, age: timedelta | None, policy: OfflinePolicy, **fields) -> tuple[Reason, tuple[Notice, ...]]:
        synced_at = None if age is None else NOW - age
        decision = decide(FACE, person(**fields), gate(offline=policy), NOW, AccessContext(synced_at=synced_at))
        return decision.reason, decision.notices

    def test_it_is_trusted_for_a_while(self) -> None:
        policy = OfflinePolicy(trusted_for=HOUR, beyond=Offline.NOBODY)
        assert self.ask(HOUR, policy) == (Reason.GRANTED, ())
        assert self.ask(HOUR + MINUTE, policy) == (Reason.DIRECTORY_STALE, ())

    @pytest.mark.parametrize(
        ("beyond", "expected"),
        [
            (OfflinePolicy(beyond=Offline.EVERYONE_LISTED), Reason.GRANTED),
            (OfflinePolicy(beyond=Offline.GROUPS, groups=("students",)), Reason.GRANTED),
            (OfflinePolicy(beyond=Offline.GROUPS, groups=("wardens",)), Reason.DIRECTORY_STALE),
            (OfflinePolicy(beyond=Offline.HOURS, schedule="day"), Reason.GRANTED),
            (OfflinePolicy(beyond=Offline.HOURS, schedule="night"), Reason.DIRECTORY_STALE),
        ],
    )
    def test_beyond_that_the_gates_policy_decides_and_says_so(self, beyond, expected: Reason) -> None:
        got, notices = self.ask(timedelta(days=1), beyond)
        assert got is expected
        assert notices == ((Notice.STALE_DIRECTORY,) if expected is Reason.GRANTED else ())

    def test_beyond_the_bound_nobody_passes(self) -> None:
        policy = OfflinePolicy(beyond=Offline.EVERYONE_LISTED, never_after=timedelta(days=2))
        assert self.ask(timedelta(days=2, seconds=1), policy)[0] is Reason.DIRECTORY_STALE

    def test_an_unknown_age_and_one_in_the_future_are_not_trusted(self) -> None:
        for age in (None, -MINUTE):
            assert self.ask(age, OfflinePolicy(beyond=Offline.NOBODY))[0] is Reason.DIRECTORY_STALE
            assert self.ask(age, OfflinePolicy(beyond=Offline.EVERYONE_LISTED))[1] == (Notice.STALE_DIRECTORY,)


class TestCurfew:
    """Dormitory nights: late returns are let in and reported, unless the gate refuses."""

    def ask(self, direction: Direction, now: datetime = MIDNIGHT, entry=None, **fields):
        policy = gate(kind=GateKind.DORMITORY, curfew=Curfew(schedule="night", **fields))
        return decide(replace(FACE, direction=direction), entry or person(), policy, now)

    def test_a_late_return_is_reported_to_the_warden(self) -> None:
        decision = self.ask(Direction.ENTRY)
        assert decision.granted
        assert decision.notices == (Notice.LATE_RETURN,)
        assert self.ask(Direction.ENTRY, NOW).notices == ()

    def test_leaving_at_night_may_be_refused_while_returning_is_not(self) -> None:
        assert self.ask(Direction.EXIT, refuse_exit=True).reason is Reason.CURFEW
        assert self.ask(Direction.ENTRY, refuse_exit=True).granted
        assert self.ask(Direction.EXIT).notices == (Notice.LATE_EXIT,)

    def test_wardens_come_and_go(self) -> None:
        warden = person(groups=("students", "wardens"))
        decision = self.ask(Direction.EXIT, entry=warden, refuse_exit=True, exempt_groups=("wardens",))
        assert (decision.granted, decision.notices) == (True, ())


class TestAntiPassback:
    """One pass lets one person in once."""

    def last(self, ago: timedelta, zone: str | None = "campus", **fields) -> LastPassage:
        return LastPassage(**{"gate": "main", "direction": Direction.ENTRY, "at": NOW - ago, "zone": zone} | fields)

    def ask(self, rule: AntiPassback, last: LastPassage | None, direction: Direction = Direction.ENTRY, **fields):
        passed = context(last_passage=last, **fields)
        return decide(replace(FACE, direction=direction), person(), gate(anti_passback=rule), NOW, passed)

    def test_timed_refuses_the_same_way_within_the_time_only(self) -> None:
        rule = AntiPassback(kind="timed", within=5 * MINUTE)
        assert self.ask(rule, self.last(MINUTE)).reason is Reason.PASSED_BACK
        assert self.ask(rule, self.last(5 * MINUTE)).granted
        assert self.ask(rule, self.last(MINUTE), Direction.EXIT).granted
        assert self.ask(rule, self.last(MINUTE, gate="side")).reason is Reason.PASSED_BACK, "into the same zone"
        assert self.ask(rule, self.last(MINUTE, "street", gate="side")).granted

    def test_area_refuses_to_enter_where_one_is_and_to_leave_where_one_is_not(self) -> None:
        rule = AntiPassback(kind="area")
        assert self.ask(rule, self.last(10 * HOUR)).reason is Reason.PASSED_BACK
        assert self.ask(rule, self.last(10 * HOUR, "street")).granted
        assert self.ask(rule, self.last(10 * HOUR, "street"), Direction.EXIT).reason is Reason.PASSED_BACK
        assert self.ask(rule, self.last(10 * HOUR), Direction.EXIT).granted

    def test_an_unknown_place_and_a_forgiven_person_are_not_refused(self) -> None:
        assert self.ask(AntiPassback(kind="area"), None).granted
        assert self.ask(AntiPassback(kind="area"), self.last(HOUR, None), Direction.EXIT).granted

    def test_who_went_out_to_nowhere_known_is_out(self) -> None:
        out = self.last(HOUR, None, direction=Direction.EXIT)
        assert self.ask(AntiPassback(kind="area"), out, Direction.EXIT).reason is Reason.PASSED_BACK
        assert self.ask(AntiPassback(kind="area"), out).granted

    def test_a_soft_rule_grants_and_reports(self) -> None:
        decision = self.ask(AntiPassback(kind="area", hard=False), self.last(HOUR))
        assert (decision.granted, decision.notices) == (True, (Notice.PASSED_BACK,))

    def test_offline_only_what_this_gate_saw_may_refuse_and_only_if_configured(self) -> None:
        here, elsewhere = self.last(HOUR), self.last(HOUR, gate="side")
        for rule, last, expected in (
            (AntiPassback(kind="area"), here, Reason.GRANTED),
            (AntiPassback(kind="area", offline_hard=True), here, Reason.PASSED_BACK),
            (AntiPassback(kind="area", offline_hard=True), elsewhere, Reason.GRANTED),
        ):
            assert self.ask(rule, last, passages_known=False).reason is expected
        assert Notice.PASSAGES_UNKNOWN in self.ask(AntiPassback(), None, passages_known=False).notices

    def test_exempt_groups_pass(self) -> None:
        assert self.ask(AntiPassback(kind="area", exempt_groups=("students",)), self.last(HOUR)).granted


def test_a_full_zone_takes_nobody_in_and_lets_everybody_out() -> None:
    policy = gate(occupancy=Occupancy(limit=30))
    assert reason(policy=policy, at=context(inside=29)) is Reason.GRANTED
    assert reason(policy=policy, at=context(inside=30)) is Reason.ZONE_FULL
    assert reason(replace(FACE, direction=Direction.EXIT), policy=policy, at=context(inside=99)) is Reason.GRANTED
    unknown = decide(FACE, person(), policy, NOW, context(inside=None))
    assert (unknown.granted, unknown.notices) == (True, (Notice.OCCUPANCY_UNKNOWN,))


def test_nobody_passes_before_the_first_person_of_this_window() -> None:
    policy = gate(first_person=FirstPerson(groups=("teachers",), schedule="day"))
    opened = datetime(2026, 9, 6, 22, 0, tzinfo=UTC)  # 06:00 in Shanghai
    assert reason(policy=policy, at=context()) is Reason.FIRST_PERSON_AWAITED
    assert reason(policy=policy, at=context(first_passed_at=opened - MINUTE)) is Reason.FIRST_PERSON_AWAITED
    assert reason(policy=policy, at=context(first_passed_at=opened)) is Reason.GRANTED
    assert reason(entry=person(groups=("students", "teachers")), policy=policy, at=context()) is Reason.GRANTED


def test_two_different_people_within_the_time_open_and_one_alone_does_not() -> None:
    policy = gate(two_persons=TwoPersons(within=timedelta(seconds=20)))

    def ask(waiting: UUID | None, ago: float) -> Reason:
        return reason(policy=policy, at=context(waiting=waiting, waiting_since=NOW - timedelta(seconds=ago)))

    assert ask(None, 0) is Reason.SECOND_PERSON_AWAITED
    assert ask(ME, 5) is Reason.SECOND_PERSON_AWAITED
    assert ask(OTHER, 21) is Reason.SECOND_PERSON_AWAITED
    assert ask(OTHER, 20) is Reason.GRANTED


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": GateKind.WET_ROOM, "mode": Mode.FACE_OR_CARD}, "never has a camera"),
        ({"mode": Mode.FACE, "face_free_gate": None}, "never the only way"),
        ({"rules": (Rule(group="students", schedule="nowhere"),)}, "no schedule named nowhere"),
        ({"schedules": (DAY, DAY)}, "two schedules of one name"),
        ({"time_zone": "Mars/Olympus"}, "unknown time zone"),
        ({"inner_zone": None, "occupancy": Occupancy(limit=3)}, "need inner_zone"),
    ],
)
def test_a_policy_that_cannot_hold_is_refused_with_the_reason(fields, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        gate(**fields)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        decide(FACE, person(), gate(), datetime(2026, 9, 7))  # noqa: DTZ001


# What holds whatever is asked.

moments = st.integers(-3 * 86_400, 3 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))
maybe = st.none() | moments
credentials = st.builds(
    CredentialEntry,
    kind=st.sampled_from(["card", "code", "pin"]),
    digest=st.sampled_from([CARD, CODE, PIN]),
    status=st.sampled_from(["active", "lost", "suspended", "replaced", "returned"]),
    valid_from=maybe,
    valid_until=maybe,
)
entries = st.builds(
    PersonEntry,
    person_id=st.just(ME),
    valid_from=maybe,
    valid_until=maybe,
    suspended=st.booleans(),
    groups=st.sets(st.sampled_from(["students", "teachers", "wardens"])).map(tuple),
    grants=st.lists(st.builds(Grant, valid_from=maybe, valid_until=maybe), max_size=2).map(tuple),
    needs_card_and_face=st.booleans(),
    credentials=st.lists(credentials, max_size=3, unique_by=lambda one: one.digest).map(tuple),
)
requests = st.builds(
    AccessRequest,
    face=st.none() | st.sampled_from(FaceResult),
    face_model=st.sampled_from(["m-1", "m-0", None]),
    credential=st.none() | st.sampled_from([CARD, CODE, PIN, "f" * 64]),
    authenticated=st.booleans(),
    pin=st.none() | st.sampled_from([PIN, "0" * 64]),
    direction=st.sampled_from([Direction.ENTRY, Direction.EXIT]),
)
schedule_names = st.sampled_from(["always", "day", "night"])
policies = st.builds(
    gate,
    mode=st.sampled_from(Mode),
    rules=st.lists(
        st.builds(
            Rule,
            group=st.sampled_from(["students", "teachers"]),
            schedule=schedule_names,
            valid_from=maybe,
            valid_until=maybe,
        ),
        max_size=3,
    ).map(tuple),
    accepts_bare_uid=st.booleans(),
    offline=st.builds(OfflinePolicy, beyond=st.sampled_from(Offline), schedule=schedule_names),
    anti_passback=st.none()
    | st.builds(AntiPassback, kind=st.sampled_from(["timed", "area"]), hard=st.booleans(), offline_hard=st.booleans()),
    occupancy=st.none() | st.builds(Occupancy, limit=st.integers(1, 3)),
    first_person=st.none() | st.builds(FirstPerson, groups=st.just(("teachers",)), schedule=schedule_names),
    two_persons=st.none() | st.just(TwoPersons()),
    curfew=st.none()
    | st.builds(Curfew, schedule=schedule_names, refuse_entry=st.booleans(), refuse_exit=st.booleans()),
)
lasts = st.builds(
    LastPassage,
    gate=st.sampled_from(["main", "side"]),
    direction=st.sampled_from([Direction.ENTRY, Direction.EXIT]),
    at=moments,
    zone=st.sampled_from(["campus", "street", None]),
)
states = st.none() | st.builds(
    AccessContext,
    synced_at=maybe,
    passages_known=st.booleans(),
    last_passage=st.none() | lasts,
    inside=st.none() | st.integers(0, 5),
    first_passed_at=maybe,
    waiting=st.sampled_from([None, ME, OTHER]),
    waiting_since=maybe,
)


@settings(max_examples=500)
@given(requests, st.none() | entries, policies, states, moments)
def test_a_grant_has_every_ground_a_grant_needs(request_, entry, policy, passed, now) -> None:
    decision = decide(request_, entry, policy, now, passed)
    assert decision.granted is (decision.reason is Reason.GRANTED)
    assert decision == decide(request_, entry, policy, now, passed), "the same question has the same answer"
    if not decision.granted:
        assert decision.notices == ()
        return
    assert entry is not None
    assert decision.person_id == entry.person_id
    assert not entry.suspended
    assert entry.valid_from is None or entry.valid_from <= now
    assert entry.valid_until is None or now < entry.valid_until
    assert entry.grants or policy.entitled_groups & set(entry.groups)
    if request_.credential is not None:
        shown = next(one for one in entry.credentials if one.digest == request_.credential)
        assert (shown.status, shown.kind != "pin") == ("active", True)
    else:
        assert request_.face is FaceResult.MATCHED
        assert request_.face_model == policy.model_id
        assert not entry.needs_card_and_face
    if passed is not None and passed.synced_at is not None:
        assert now - passed.synced_at <= policy.offline.never_after


@settings(max_examples=500)
@given(requests, entries, policies, states, moments)
def test_taking_something_away_never_opens(request_, entry, policy, passed, now) -> None:
    if decide(request_, entry, policy, now, passed).granted:
        return
    for less in (
        entry.model_copy(update={"suspended": True}),
        entry.model_copy(update={"groups": (), "grants": ()}),
        entry.model_copy(update={"valid_until": now}),
        entry.model_copy(update={"credentials": tuple(_lost(one) for one in entry.credentials)}),
    ):
        assert not decide(request_, less, policy, now, passed).granted


def _lost(credential: CredentialEntry) -> CredentialEntry:
    return credential.model_copy(update={"status": "lost"})


@given(requests, entries, policies, states, moments)
def test_a_policy_decides_the_same_after_its_journey(request_, entry, policy, passed, now) -> None:
    travelled = GatePolicy.model_validate_json(policy.model_dump_json())
    arrived = PersonEntry.model_validate_json(entry.to_json())
    assert arrived == entry
    assert arrived.digest() == entry.digest()
    assert decide(request_, arrived, travelled, now, passed) == decide(request_, entry, policy, now, passed)
