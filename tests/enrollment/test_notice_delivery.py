"""Notices reach their people by every channel, and a channel that is down loses none; against real peers."""

import email
import hashlib
import hmac
import json
import socketserver
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.message import Message
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from accounts.people import set_roles
from accounts.tables import Person
from accounts.vocabulary import Role
from database import Database, new_id
from enrollment import filing, notice_delivery
from enrollment.channels.mail import MailChannel
from enrollment.channels.port import Channel, ChannelDownError, Letter, LetterRefusedError
from enrollment.channels.webhook import WebhookChannel
from enrollment.tables import Notice
from tests.enrollment.conftest import NOW
from tests.operations.test_notices import MailPeer
from tests.ports import free_port
from tests.served import WebhookReceiver, served
from web.mail import MailServer
from web.webhooks import SIGNATURE_HEADER

SECRET = b"shared with the receiver"
CONTENT = {"zh": {"title": "照片", "body": "已通过"}, "en": {"title": "Photo", "body": "approved"}}
LETTER = Letter(new_id(), NOW, "photo_approved", "2026001", "+8613800000000", CONTENT)


@pytest.fixture
def webhook() -> Iterator[WebhookReceiver]:
    with served(WebhookReceiver()) as server:
        yield server


@pytest.fixture
def mail() -> Iterator[Any]:
    server: Any = socketserver.TCPServer(("127.0.0.1", 0), MailPeer)
    server.messages, server.refuses = [], False
    with served(server):
        yield server


def _mail_channel(port: int) -> MailChannel:
    server = MailServer("127.0.0.1", port, starttls=False)
    return MailChannel(server, "card@campus.example", "{number}@student.campus.example")


def _webhook_channel(port: int) -> WebhookChannel:
    return WebhookChannel(f"http://127.0.0.1:{port}/notices", SECRET, now=lambda: NOW)


def test_a_mail_is_in_chinese_and_english_and_goes_to_the_number(mail: Any) -> None:
    _mail_channel(mail.server_address[1]).send(LETTER)
    message: Message = email.message_from_bytes(mail.messages[0])
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "已通过" in body.decode()
    assert "approved" in body.decode()
    assert message["To"] == "2026001@student.campus.example"
    assert str(LETTER.notice_id) in message["Message-ID"]


def test_a_webhook_is_signed_and_told_which_notice_it_is(webhook: WebhookReceiver) -> None:
    _webhook_channel(webhook.server_port).send(LETTER)
    ((headers, body),) = webhook.requests
    seconds = int(NOW.timestamp())
    wanted = hmac.new(SECRET, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE_HEADER] == f"t={seconds},v1={wanted}"
    assert headers["Idempotency-Key"] == json.loads(body)["notice_id"] == str(LETTER.notice_id)
    assert json.loads(body)["content"] == CONTENT


def test_a_refusal_of_one_letter_is_told_from_a_channel_that_is_down(mail: Any, webhook: WebhookReceiver) -> None:
    mail.refuses, webhook.status = True, 404
    channels: list[Channel] = [_mail_channel(mail.server_address[1]), _webhook_channel(webhook.server_port)]
    for channel in channels:
        with pytest.raises(LetterRefusedError):
            channel.send(LETTER)
    webhook.status = 503
    for channel in (_mail_channel(free_port()), _webhook_channel(free_port()), channels[1]):
        with pytest.raises(ChannelDownError):
            channel.send(LETTER)


class Recorder:
    """A channel that does what it is told."""

    name = "recorder"

    def __init__(self) -> None:
        self.sent: list[UUID] = []
        self.fails: BaseException | None = None

    def send(self, letter: Letter) -> None:
        if self.fails is not None:
            raise self.fails
        self.sent.append(letter.notice_id)


@pytest.fixture
def write(database: Database, add_person: Callable[[str], UUID]) -> Callable[[datetime], UUID]:
    """Writes a notice and returns its id."""
    person = add_person("2026001")

    def one(at: datetime) -> UUID:
        with database.begin() as session:
            notice = Notice(id=new_id(), person_id=person, at=at, kind="photo_approved", content=CONTENT)
            session.add(notice)
        return notice.id

    return one


def _waiting(database: Database, now: datetime) -> int:
    with database.read() as session:
        return notice_delivery.count_waiting(session, Recorder.name, now)


def test_a_channel_that_is_down_loses_nothing_and_sends_nothing_twice(
    database: Database, write: Callable[[datetime], UUID]
) -> None:
    channel = Recorder()
    first, second = write(NOW), write(NOW)
    channel.fails = ChannelDownError("no answer")
    (round_,) = notice_delivery.deliver(database, [channel], NOW)
    assert (round_.is_down, _waiting(database, NOW)) == (True, 2)
    channel.fails = None
    notice_delivery.deliver(database, [channel], NOW + timedelta(hours=2))
    notice_delivery.deliver(database, [channel], NOW + timedelta(hours=3))
    assert channel.sent == [first, second]
    assert _waiting(database, NOW) == 0


def test_a_refused_letter_holds_up_nobody_and_is_given_up_in_the_end(
    database: Database, write: Callable[[datetime], UUID]
) -> None:
    class RefusesOne(Recorder):
        def send(self, letter: Letter) -> None:
            if letter.notice_id == bad:
                raise LetterRefusedError("unknown address")
            super().send(letter)

    channel, now = RefusesOne(), NOW
    bad, good = write(NOW), write(NOW)
    assert [round_.refused for round_ in notice_delivery.deliver(database, [channel], now)] == [1]
    assert channel.sent == [good]
    assert notice_delivery.deliver(database, [channel], now)[0].refused == 0, "not at once again"
    tries = 1
    while _waiting(database, now):
        now += timedelta(hours=3)
        tries += notice_delivery.deliver(database, [channel], now)[0].refused
    assert tries == notice_delivery.MOST_TRIES


def test_an_old_notice_is_no_news(database: Database, write: Callable[[datetime], UUID]) -> None:
    write(NOW - timedelta(days=4))
    channel = Recorder()
    notice_delivery.deliver(database, [channel], NOW)
    assert channel.sent == []


def test_administrators_are_told_once_when_a_filing_comes_near(
    database: Database, add_person: Callable[[str], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, _holder = add_person("A1"), add_person("2026001")
    with database.begin() as session:
        set_roles(session, session.get_one(Person, admin), {Role.ADMIN}, by="test", now=NOW)
        assert filing.warn_administrators(session, now=NOW) is None
        monkeypatch.setattr(filing, "FILING_DUE_AT", 0)
        assert filing.warn_administrators(session, now=NOW) == 0
        assert filing.warn_administrators(session, now=NOW + timedelta(days=1)) is None
        told = session.query(Notice.person_id, Notice.kind).all()
    assert told == [(admin, "register_warning")]


def test_two_servers_send_each_letter_once(
    database: Database, write: Callable[[datetime], UUID], webhook: WebhookReceiver
) -> None:
    written = [str(write(NOW)) for _ in range(6)]
    ready = Barrier(2)

    def deliver(_number: int) -> int:
        ready.wait()
        (round_,) = notice_delivery.deliver(database, [_webhook_channel(webhook.server_port)], NOW)
        return round_.sent

    with ThreadPoolExecutor(2) as servers:
        assert sum(servers.map(deliver, range(2))) == 6
    assert sorted(headers["Idempotency-Key"] for headers, _ in webhook.requests) == sorted(written)


def test_a_letter_of_a_server_that_died_while_it_sent_is_sent_by_another(
    database: Database, write: Callable[[datetime], UUID]
) -> None:
    write(NOW)
    channel = Recorder()
    channel.fails = SystemExit("killed")
    with pytest.raises(SystemExit):
        notice_delivery.deliver(database, [channel], NOW)
    channel.fails = None
    notice_delivery.deliver(database, [channel], NOW + timedelta(seconds=30))
    assert channel.sent == []
    notice_delivery.deliver(database, [channel], NOW + timedelta(minutes=3))
    assert len(channel.sent) == 1
