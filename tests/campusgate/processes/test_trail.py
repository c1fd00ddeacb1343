"""The head of the audit trail leaves the machine through the alarms' webhook, signed, and whatever answers."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from accounts import audit
from campusgate.processes.jobs.trail import make_head_sender
from campusgate.settings.operations import AlarmSettings
from database import Database
from tests.ports import free_port
from tests.served import WebhookReceiver, served
from web.webhooks import SIGNATURE_HEADER, signature

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = "a secret that both of them know, of 32 bytes"


def send(database: Database, port: int) -> None:
    settings = AlarmSettings(webhook_url=f"http://127.0.0.1:{port}/alarms", webhook_secret=SecretStr(SECRET))
    sender = make_head_sender(settings)
    assert sender is not None
    sender.send(database, NOW)


@pytest.fixture
def told(database: Database) -> Database:
    with database.begin() as session:
        for number in range(3):
            audit.record(session, actor="system", action="test", subject=f"test:{number}", now=NOW)
    return database


def test_the_head_that_is_sent_is_the_one_that_verify_takes(told: Database) -> None:
    with served(WebhookReceiver()) as peer:
        send(told, peer.server_port)
    [(headers, body)] = peer.requests
    said = json.loads(body)
    assert (said["kind"], said["at"]) == ("audit_head", NOW.isoformat())
    serial, _, digest = said["head"].partition(":")
    with told.read() as session:
        assert (int(serial), digest) == audit.head(session)
        assert audit.verify(session, heads=[digest]).intact
    seconds = int(headers[SIGNATURE_HEADER].partition(",")[0].removeprefix("t="))
    assert headers[SIGNATURE_HEADER] == signature(SECRET.encode(), body, datetime.fromtimestamp(seconds, UTC))


def test_a_trail_written_anew_shows_against_the_head_that_was_sent(told: Database) -> None:
    with served(WebhookReceiver()) as peer:
        send(told, peer.server_port)
    digest = json.loads(peer.requests[0][1])["head"].partition(":")[2]
    with told.engine.begin() as connection:
        if told.is_sqlite:
            connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM audit")
    with told.begin() as session:
        audit.record(session, actor="system", action="test", subject="test:other", now=NOW)
    with told.read() as session:
        found = audit.verify(session, heads=[digest])
    assert (found.first_broken, found.missing_heads, found.intact) == (None, (digest,), False)


def test_a_receiver_that_refuses_or_is_away_stops_nothing(told: Database) -> None:
    with served(WebhookReceiver(status=500)) as peer:
        send(told, peer.server_port)
    assert len(peer.requests) == 1
    send(told, free_port())


def test_without_a_webhook_nobody_sends() -> None:
    assert make_head_sender(AlarmSettings()) is None
