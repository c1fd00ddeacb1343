"""Codes for phones against a real gateway on this machine: what it gets, what a refusal is, what silence is."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from accounts.people.phone_webhook import WebhookCodeSender
from accounts.people.phones import PhoneUnavailableError
from tests.ports import free_port
from tests.served import served

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = b"shared with the gateway"


class Gateway(HTTPServer):
    status = 202

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Peer)
        self.requests: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/codes"


class Peer(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.headers["X-Campusgate-Signature"], body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with served(Gateway()) as server:
        yield server


def test_the_gateway_gets_phone_and_code_signed(gateway: Gateway) -> None:
    WebhookCodeSender(gateway.url, SECRET, now=lambda: NOW).send("+8613800138000", "482913")
    ((given, body),) = gateway.requests
    assert json.loads(body) == {"phone": "+8613800138000", "code": "482913", "expires_in_s": 300}
    seconds = str(int(NOW.timestamp()))
    digest = hmac.new(SECRET, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert given == f"t={seconds},v1={digest}"


def test_a_gateway_that_refuses_or_is_away_is_said_without_the_code(gateway: Gateway) -> None:
    gateway.status = 500
    senders = [WebhookCodeSender(gateway.url, SECRET), WebhookCodeSender(f"http://127.0.0.1:{free_port()}", SECRET)]
    for sender in senders:
        with pytest.raises(PhoneUnavailableError, match="the SMS gateway") as refused:
            sender.send("+8613800138000", "482913")
        assert "482913" not in str(refused.value)
