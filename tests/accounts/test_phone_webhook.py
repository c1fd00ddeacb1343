"""Codes for phones against a real gateway on this machine: what it gets, what a refusal is, what silence is."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from accounts.people.phone_webhook import WebhookCodeSender
from accounts.people.phones import PhoneUnavailableError
from tests.ports import free_port
from tests.served import WebhookReceiver, served

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = b"shared with the gateway"


@pytest.fixture
def gateway() -> Iterator[WebhookReceiver]:
    with served(WebhookReceiver(status=202)) as server:
        yield server


def test_the_gateway_gets_phone_and_code_signed(gateway: WebhookReceiver) -> None:
    WebhookCodeSender(gateway.url, SECRET, now=lambda: NOW).send("+8613800138000", "482913")
    ((headers, body),) = gateway.requests
    assert json.loads(body) == {"phone": "+8613800138000", "code": "482913", "expires_in_s": 300}
    seconds = str(int(NOW.timestamp()))
    digest = hmac.new(SECRET, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Campusgate-Signature"] == f"t={seconds},v1={digest}"


def test_a_gateway_that_refuses_or_is_away_is_said_without_the_code(gateway: WebhookReceiver) -> None:
    gateway.status = 500
    senders = [WebhookCodeSender(gateway.url, SECRET), WebhookCodeSender(f"http://127.0.0.1:{free_port()}", SECRET)]
    for sender in senders:
        with pytest.raises(PhoneUnavailableError, match="the SMS gateway") as refused:
            sender.send("+8613800138000", "482913")
        assert "482913" not in str(refused.value)
