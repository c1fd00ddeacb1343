"""Every channel against a real peer on this machine: what arrives, what a refusal is, what silence is."""

import email
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message

import pytest

from database import new_id
from operations.board import Board
from operations.notices.in_app import InAppNotifier
from operations.notices.mail import MailNotifier
from operations.notices.port import Notice, NoticeNotSentError, Notifier
from operations.notices.webhook import WebhookNotifier
from tests.ports import free_port
from tests.served import WebhookReceiver
from web.mail import MailServer
from web.webhooks import SIGNATURE_HEADER

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = b"shared with the receiver"
NOTICE = Notice(new_id(), "north", "forced", "critical", None, NOW, 2, escalated=True)


@dataclass
class Channel:
    """A notifier, and what its peer got."""

    notifier: Notifier
    received: list[str]
    """Everything the peer was told, as text."""
    refuse: Callable[[], None]
    """From now on the peer says no."""
    vanish: Callable[[], None]
    """From now on the peer is not there."""


class MailPeer(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand a message in."""

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            match line.split(" ", 1)[0].split(":")[0].upper():
                case "EHLO":
                    self.say("250 mail.campus.example")
                case "RCPT" if self.server.refuses:
                    self.say("550 no such person")
                case "DATA":
                    self.say("354 go on")
                    self.server.messages.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    self.say("250 taken")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 fine")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def _run(server: socketserver.BaseServer) -> Callable[[], None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            server.shutdown()
            thread.join()
            server.server_close()

    return stop


def _no_peer() -> None:
    pytest.skip("inside the house there is no peer that could refuse")


@pytest.fixture(params=["in_app", "webhook", "mail"])
def channel(request: pytest.FixtureRequest) -> Iterator[Channel]:
    """Each channel in turn."""
    if request.param == "in_app":
        board, received = Board(), []
        watched = threading.Thread(target=lambda: board.wait(0, 30) and received.append("look: forced"))
        watched.start()
        yield Channel(InAppNotifier(board), received, _no_peer, _no_peer)
        board.touch()
        watched.join()
        return
    if request.param == "webhook":
        server = WebhookReceiver()
        stop = _run(server)
        notifier: Notifier = WebhookNotifier(server.url, SECRET, now=lambda: NOW)

        class Bodies(list):
            def __iter__(self):
                return (body.decode() for _, body in server.requests)

        yield Channel(notifier, Bodies(), lambda: setattr(server, "status", 500), stop)
    else:
        server = socketserver.TCPServer(("127.0.0.1", 0), MailPeer)
        server.messages, server.refuses = [], False
        stop = _run(server)
        address = MailServer("127.0.0.1", server.server_address[1], starttls=False)
        notifier = MailNotifier(address, "gates@campus.example", ["duty@campus.example", "head@campus.example"])

        class Mails(list):
            def __iter__(self):
                return (message.decode() for message in server.messages)

        yield Channel(notifier, Mails(), lambda: setattr(server, "refuses", True), stop)
    stop()


def test_the_notice_arrives(channel: Channel) -> None:
    channel.notifier.send(NOTICE)
    for _ in range(500):
        if any("forced" in text for text in channel.received):
            return
        threading.Event().wait(0.01)
    pytest.fail("nothing arrived")


def test_a_peer_that_says_no_is_an_error_that_can_be_tried_again(channel: Channel) -> None:
    channel.refuse()
    with pytest.raises(NoticeNotSentError):
        channel.notifier.send(NOTICE)


def test_a_peer_that_is_not_there_is_one_too(channel: Channel) -> None:
    channel.vanish()
    with pytest.raises(NoticeNotSentError):
        channel.notifier.send(NOTICE)


def test_the_receiver_can_check_who_sent_a_webhook_and_when() -> None:
    with WebhookReceiver(status=200) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        WebhookNotifier(server.url, SECRET, now=lambda: NOW).send(NOTICE)
        thread.join()
    [(headers, body)] = server.requests
    stamp, _, mac = headers[SIGNATURE_HEADER].removeprefix("t=").partition(",v1=")
    assert int(stamp) == NOW.timestamp()
    assert hmac.compare_digest(mac, hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest())
    told = json.loads(body)
    assert told["alarm_id"] == str(NOTICE.alarm_id)
    assert (told["gate"], told["kind"], told["escalated"]) == ("north", "forced", True)


def test_a_webhook_is_not_led_elsewhere() -> None:
    """A redirect must not carry the notice to another address."""
    with WebhookReceiver(status=307) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(NoticeNotSentError, match="307"):
            WebhookNotifier(server.url, SECRET).send(NOTICE)
        thread.join()


def test_a_mail_says_what_and_where_in_its_subject() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), MailPeer) as server:
        server.messages, server.refuses = [], False
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = MailServer("127.0.0.1", server.server_address[1], starttls=False)
        MailNotifier(address, "gates@campus.example", ["duty@campus.example"]).send(NOTICE)
        thread.join()
    message: Message = email.message_from_bytes(server.messages[0])
    assert message["Subject"] == "[campusgate] CRITICAL: forced, gate north - not acknowledged"
    assert message["To"] == "duty@campus.example"
    assert str(NOTICE.alarm_id) in message["Message-ID"]


def test_a_mail_server_that_speaks_no_tls_gets_nothing() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), MailPeer) as server:
        server.messages, server.refuses = [], False
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        notifier = MailNotifier(MailServer("127.0.0.1", server.server_address[1]), "a@b.example", ["c@d.example"])
        with pytest.raises(NoticeNotSentError):
            notifier.send(NOTICE)
        thread.join()
    assert server.messages == []


def test_nobody_waits_for_ever_on_a_port_where_nobody_is() -> None:
    with pytest.raises(NoticeNotSentError):
        WebhookNotifier(f"http://127.0.0.1:{free_port()}/", SECRET).send(NOTICE)
