"""The wire formats: what is written can be read, and nothing that arrives breaks a reader."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import (
    MAX_PAYLOAD_BYTES,
    Ack,
    Action,
    Availability,
    Command,
    DirectoryHint,
    DoorState,
    Event,
    GateTopics,
    Health,
    MalformedMessageError,
    Message,
    NonceStore,
    Refusal,
    RefusedError,
    SignedMessage,
    Tap,
    Topic,
    TopicError,
    Verifier,
    every_gate,
    parse_topic,
)

KINDS: list[type[Message]] = [
    Ack, Availability, Command, DirectoryHint, DoorState, Event, Health, SignedMessage, Tap
]  # fmt: skip

moments = st.datetimes(timezones=st.timezones(), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001 -- Hypothesis wants bounds without a zone
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
codes = st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True)
scalars = st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
figures = st.dictionaries(codes, scalars, max_size=8)
events = st.builds(
    Event, gate=names, at=moments, kind=codes, source=codes, reason=st.none() | codes, details=figures,
    latency_ms=st.none() | st.floats(0, 1e6),
)  # fmt: skip
commands = st.builds(
    Command, sender=st.from_regex(r"[a-z][a-z:.-]{0,20}", fullmatch=True), gate=names, reason=codes, issued_at=moments,
    nonce=st.integers(0, 2**53 - 1), ttl_ms=st.integers(1, 10_000), tap_id=st.uuids(),
)  # fmt: skip
messages = st.one_of(
    events,
    commands,
    st.builds(
        Tap, gate=names, at=moments, credential_kind=codes, digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
    ),
    st.builds(DoorState, gate=names, at=moments, sequence=st.integers(0, 2**40)),
    st.builds(Availability, gate=names, at=st.none() | moments),
    st.builds(Health, gate=names, source=codes, at=moments, figures=figures),
    st.builds(DirectoryHint, gate=names, revision=st.integers(0, 2**40)),
)


@given(message=messages)
def test_what_is_written_can_be_read(message: Message) -> None:
    assert type(message).decode(message.encode()) == message


@given(message=messages)
def test_fields_of_a_later_version_are_ignored(message: Message) -> None:
    later = json.loads(message.encode()) | {"field_of_next_year": {"deep": [1, 2]}}
    assert type(message).decode(json.dumps(later).encode()) == message


@given(message=messages, data=st.data())
def test_a_message_without_a_required_field_is_malformed(message: Message, data: st.DataObject) -> None:
    fields = json.loads(message.encode())
    required = sorted(name for name, field in type(message).model_fields.items() if field.is_required())
    del fields[data.draw(st.sampled_from(required))]
    with pytest.raises(MalformedMessageError, match=type(message).__name__):
        type(message).decode(json.dumps(fields).encode())


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50)
@given(payload=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_garbage_is_malformed(kind: type[Message], payload: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        kind.decode(payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(
    fields=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("sender", "body", "signature", "schema_version"), json_values)
    )
)
def test_no_envelope_breaks_the_verifier(fields: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    nonces = NonceStore(tmp_path_factory.mktemp("nonces") / "nonces.db")
    verifier = Verifier({}, gate="north", boot_id=uuid4(), nonces=nonces)
    with pytest.raises(RefusedError) as caught:
        verifier.verify(json.dumps(fields).encode(), retained=False, now=datetime.now(UTC))
    nonces.close()
    assert caught.value.refusal in {Refusal.MALFORMED, Refusal.UNSIGNED, Refusal.UNKNOWN_SENDER}


@pytest.mark.parametrize("kind", KINDS)
def test_a_huge_payload_is_refused_before_it_is_parsed(kind: type[Message]) -> None:
    with pytest.raises(MalformedMessageError, match="at most"):
        kind.decode(b'{"a":"' + b"x" * MAX_PAYLOAD_BYTES + b'"}')


def test_deep_nesting_is_malformed() -> None:
    with pytest.raises(MalformedMessageError):
        Event.decode(b'{"details":' + b"[" * 8000 + b"]" * 8000 + b"}")


def test_times_without_a_zone_are_malformed() -> None:
    state = {"gate": "north", "boot_id": str(uuid4()), "status": "online", "at": "2026-11-23T08:00:00"}
    with pytest.raises(MalformedMessageError, match="timezone"):
        Availability.decode(json.dumps(state).encode())


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_outside_the_calendar_are_malformed(at: str) -> None:
    state = {"gate": "north", "boot_id": str(uuid4()), "status": "online", "at": at}
    with pytest.raises(MalformedMessageError, match="calendar"):
        Availability.decode(json.dumps(state).encode())


def test_a_denial_names_its_tap() -> None:
    with pytest.raises(ValueError, match="names the tap"):
        Command(
            id=uuid4(), sender="edge", gate="north", action=Action.DENY, method="card", reason="expired", nonce=1,
            issued_at=datetime.now(UTC), ttl_ms=1000, boot_id=uuid4(),
        )  # fmt: skip


@pytest.mark.parametrize(("accepted", "refusal"), [(True, Refusal.STALE), (False, None)])
def test_an_acknowledgement_says_yes_or_why_not(accepted: bool, refusal: Refusal | None) -> None:
    with pytest.raises(ValueError, match="refusal"):
        Ack(command_id=None, gate="north", accepted=accepted, refusal=refusal, boot_id=uuid4(), at=datetime.now(UTC))


def test_an_acknowledgement_with_a_refusal_of_a_later_version_is_read() -> None:
    ack = Ack(
        command_id=None, gate="north", accepted=False, refusal="door_on_strike", boot_id=uuid4(), at=datetime.now(UTC)
    )
    assert Ack.decode(ack.encode()) == ack
    known = ack.model_copy(update={"refusal": Refusal.STALE})
    assert Ack.decode(known.encode()).refusal is Refusal.STALE


@given(site=names, gate=names, end=st.sampled_from(Topic))
def test_topics_are_built_and_parsed_alike(site: str, gate: str, end: Topic) -> None:
    topics = GateTopics(site, gate)
    assert parse_topic(topics.of(end)) == (topics, end)
    assert getattr(topics, end.name.lower()) == topics.of(end)


@pytest.mark.parametrize("name", ["", "North", "a/b", "+", "#", "a b", "ä", "x" * 64, "a\n"])
def test_names_that_would_change_a_topic_are_refused(name: str) -> None:
    with pytest.raises(TopicError, match="cannot stand in a topic"):
        GateTopics("main", name)
    with pytest.raises(TopicError, match="cannot stand in a topic"):
        every_gate(name, Topic.EVENTS)


@given(topic=st.text())
def test_other_topics_are_no_gates(topic: str) -> None:
    with pytest.raises(TopicError):
        parse_topic(topic)


def test_nonces_do_not_outlive_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "nonces.db"
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 100)
    from messages import NonceStoreError

    with pytest.raises(NonceStoreError, match=r"nonces\.db"):
        NonceStore(path)
