"""Encrypted messages of enterprise WeChat: its own vectors, what is refused, and members who leave."""

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import ValidationError
from sqlalchemy import select

from accounts.sign_in.wecom_members import MemberEvents, find_leaver
from accounts.sign_in.wecom_messages import Envelope, MessageCipher, MessageRefusedError, read_fields
from accounts.tables import AuditEntry, Person
from accounts.vocabulary import PersonKind, PersonState, Role
from campusgate.settings.sign_in import WecomSettings
from tests.accounts.conftest import Campus
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE

KEY, CORP = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt", "ww1436e0e65a779aee"
VECTORS = [
    (
        "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo",
        Envelope("012bc692d0a58dd4b10f8dfe5c4ac00ae211ebeb", "1476416373", "47744683"),
        "fsi1xnbH4yQh0+PJxcOdhhK6TDXkjMyhEPA7xB2TGz6b+g7xyAbEkRxN/3cNXW9qdqjnoVzEtpbhnFyq6SVHyA==",
        b"1288432023552776189",
    ),
]
"""Of enterprise WeChat's own sample code."""
UNDER_ANOTHER_KEY = (
    "QDG6eK",
    Envelope("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780"),
    "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
)
TOKEN = VECTORS[0][0]
CIPHER = MessageCipher(TOKEN, KEY, CORP)


def seal(message: bytes, now: datetime, *, corp: str = CORP, token: str = TOKEN) -> tuple[Envelope, str]:
    """Encrypt and sign a message, as enterprise WeChat does."""
    key = base64.b64decode(KEY + "=")
    plain = os.urandom(16) + len(message).to_bytes(4, "big") + message + corp.encode()
    padding = 32 - len(plain) % 32
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = base64.b64encode(sealer.update(plain + bytes([padding]) * padding) + sealer.finalize()).decode()
    return sign(sealed, now, token=token), sealed


def sign(sealed: str, now: datetime, *, token: str = TOKEN) -> Envelope:
    timestamp, nonce = str(int(now.timestamp())), "1372623149"
    signature = hashlib.sha1("".join(sorted((token, timestamp, nonce, sealed))).encode()).hexdigest()
    return Envelope(signature, timestamp, nonce)


@pytest.mark.parametrize(("token", "envelope", "sealed", "text"), VECTORS, ids=["echo"])
def test_their_own_vectors_are_opened(token: str, envelope: Envelope, sealed: str, text: bytes) -> None:
    then = datetime.fromtimestamp(int(envelope.timestamp), UTC)
    cipher = MessageCipher(token, KEY, CORP)
    assert cipher.open(envelope, sealed, then) == text
    for late in (timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)):
        with pytest.raises(MessageRefusedError):
            cipher.open(envelope, sealed, then + late)


def test_the_signature_is_that_of_their_other_vector() -> None:
    token, envelope, sealed = UNDER_ANOTHER_KEY
    parts = sorted((token, envelope.timestamp, envelope.nonce, sealed))
    assert hashlib.sha1("".join(parts).encode()).hexdigest() == envelope.signature
    with pytest.raises(MessageRefusedError):
        MessageCipher(token, KEY, "another").open(
            envelope, sealed, datetime.fromtimestamp(int(envelope.timestamp), UTC)
        )


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 31, 32, 33, 4_000])
def test_every_length_is_opened(length: int) -> None:
    now = datetime(2026, 9, 1, 4, tzinfo=UTC)
    message = "张".encode() * length
    assert CIPHER.open(*seal(message, now), now) == message


def test_what_was_changed_or_is_for_another_is_refused() -> None:
    now = datetime(2026, 9, 1, 4, tzinfo=UTC)
    envelope, sealed = seal(b"<xml/>", now)
    flipped = bytearray(base64.b64decode(sealed))
    flipped[-1] ^= 1
    damaged = base64.b64encode(flipped).decode()
    short = base64.b64encode(base64.b64decode(sealed)[:-1]).decode()
    wrong = [
        (replace(envelope, signature="0" * 40), sealed),
        (replace(envelope, signature="张"), sealed),
        (replace(envelope, nonce="1"), sealed),
        (replace(envelope, timestamp=str(int(now.timestamp()) + 1)), sealed),
        (envelope, damaged),
        (sign(damaged, now), damaged),
        (sign(short, now), short),
        (sign("", now), ""),
        (sign("no base64!", now), "no base64!"),
        seal(b"<xml/>", now, corp="ww0000000000000000"),
        seal(b"<xml/>", now, token="another"),
    ]
    for tried, text in wrong:
        with pytest.raises(MessageRefusedError):
            CIPHER.open(tried, text, now)


@pytest.mark.parametrize(
    "xml",
    [b"", b"\xff", b"no xml", b'<!DOCTYPE x [<!ENTITY a "b">]><xml><UserID>&a;</UserID></xml>'],
    ids=["empty", "bytes", "text", "entities"],
)
def test_what_is_no_message_is_refused(xml: bytes) -> None:
    with pytest.raises(MessageRefusedError):
        read_fields(xml)


def event(number: str, change: str = "delete_user", **more: str) -> bytes:
    fields = {
        "ToUserName": CORP,
        "FromUserName": "sys",
        "CreateTime": "1403610513",
        "MsgType": "event",
        "Event": "change_contact",
        "ChangeType": change,
        "UserID": number,
    } | more
    return "".join(
        ("<xml>", *(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in fields.items()), "</xml>")
    ).encode()


@pytest.mark.parametrize(
    ("message", "leaver"),
    [
        (event("S1"), "S1"),
        (event("S1", "update_user", Status="5"), "S1"),
        (event("S1", "update_user", Status="2"), "S1"),
        (event("S1", "update_user", Status="1"), None),
        (event("S1", "update_user", Name="李四"), None),
        (event("S1", "create_user"), None),
        (event("S1", Event="enter_agent"), None),
        (event("S1", MsgType="text"), None),
        (event(""), None),
    ],
    ids=["deleted", "left", "disabled", "active", "renamed", "created", "other_event", "text", "nobody"],
)
def test_who_has_left(message: bytes, leaver: str | None) -> None:
    assert find_leaver(read_fields(message)) == leaver


@pytest.fixture
def send(make_campus: Callable[..., Campus]) -> Callable[..., Any]:
    """Send a message to a server whose app does `on_leaving`; the campus and the answer."""

    def prepare(on_leaving: str) -> tuple[Campus, Callable[[bytes], httpx.Response]]:
        events = MemberEvents(CIPHER, frozenset({PersonKind.STUDENT}), on_leaving)
        campus = make_campus(member_events=events)

        def post(message: bytes) -> httpx.Response:
            envelope, sealed = seal(message, campus.clock.now)
            body = f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
            return campus.client.post("/api/v1/wecom/messages", params=query(envelope), content=body)

        return campus, post

    return prepare


def query(envelope: Envelope) -> dict[str, str]:
    return {"msg_signature": envelope.signature, "timestamp": envelope.timestamp, "nonce": envelope.nonce}


def state_of(campus: Campus, person: Person) -> PersonState:
    with campus.database.read() as session:
        return session.get_one(Person, person.id).state


def is_signed_in(campus: Campus, headers: dict[str, str]) -> bool:
    return campus.client.get("/api/v1/me", headers=headers).status_code == 200


def actions(campus: Campus) -> list[str]:
    with campus.database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.serial)))


def test_who_leaves_is_signed_out(send: Callable[..., Any]) -> None:
    campus, post = send("sign_out")
    person, other = campus.person(), campus.person()
    headers, others = campus.as_person(person.id), campus.as_person(other.id)
    assert is_signed_in(campus, headers)
    assert (post(event(person.number)).status_code, post(event(person.number)).text) == (200, "")
    assert not is_signed_in(campus, headers)
    assert is_signed_in(campus, others)
    assert state_of(campus, person) is PersonState.ACTIVE
    assert actions(campus).count("person.left_wecom") == 2


def test_who_leaves_is_suspended_where_the_campus_wants_it(send: Callable[..., Any]) -> None:
    campus, post = send("suspend")
    student, teacher = campus.person(), campus.person(kind=PersonKind.STAFF)
    guard = campus.person()
    guards = campus.as_person(guard.id, Role.FACILITIES)
    for person in (student, teacher, guard):
        assert post(event(person.number)).status_code == 200
    assert state_of(campus, student) is PersonState.SUSPENDED
    assert state_of(campus, teacher) is PersonState.ACTIVE, "enterprise WeChat does not sign teachers in"
    assert state_of(campus, guard) is PersonState.ACTIVE, "whoever has a role is for an administrator"
    assert not is_signed_in(campus, guards)


def test_strangers_and_other_messages_change_nothing(send: Callable[..., Any]) -> None:
    campus, post = send("suspend")
    person = campus.person()
    headers = campus.as_person(person.id)
    for message in (event("nobody here"), event(person.number, "update_user", Name="李四"), b"<xml/>"):
        assert post(message).status_code == 200
    assert is_signed_in(campus, headers)
    envelope, sealed = seal(event(person.number), campus.clock.now)
    body = f"<xml><Encrypt>{sealed}</Encrypt></xml>"
    forged = query(replace(envelope, signature="0" * 40))
    answer = campus.client.post("/api/v1/wecom/messages", params=forged, content=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "wecom_message_refused")
    campus.clock.forward(minutes=6)
    assert campus.client.post("/api/v1/wecom/messages", params=query(envelope), content=body).status_code == 403
    assert state_of(campus, person) is PersonState.ACTIVE


def test_the_address_is_checked_by_an_echo(send: Callable[..., Any], make_campus: Callable[..., Campus]) -> None:
    campus, _ = send("sign_out")
    envelope, sealed = seal(b"1616140317555161061", campus.clock.now)
    answer = campus.client.get("/api/v1/wecom/messages", params=query(envelope) | {"echostr": sealed})
    assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
    without = make_campus().client.get("/api/v1/wecom/messages", params=query(envelope) | {"echostr": sealed})
    assert without.status_code == 404


def test_token_and_key_go_together() -> None:
    app = {"corp_id": CORP, "agent_id": "1000002", "secret": "s", "redirect_uri": "https://gate.example/"}
    assert WecomSettings(**app, message_token=TOKEN, message_key=KEY).on_leaving == "sign_out"
    for wrong in ({"message_token": TOKEN}, {"message_key": KEY}, {"message_token": TOKEN, "message_key": "short"}):
        with pytest.raises(ValidationError, match="message_"):
            WecomSettings(**app, **wrong)
