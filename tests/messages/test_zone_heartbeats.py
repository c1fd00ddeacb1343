"""What the server says of a zone is believed by its signature for this purpose and this site alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messages import (
    SERVER_SENDER,
    HeartbeatNotBelievedError,
    MalformedMessageError,
    PresenceHint,
    Purpose,
    TrustedKey,
    TrustedKeyFile,
    ZoneHeartbeat,
    open_zone_heartbeat,
    public_key_text,
    seal,
    seal_zone_heartbeat,
)
from messages.signed_codes import STAFF_SENDER
from messages.trusted_file import enrol

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SERVER, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUSTED = {STAFF_SENDER: TrustedKey(SERVER.public_key()), "edge:north": TrustedKey(OTHER.public_key())}
HEARTBEAT = ZoneHeartbeat(site="main", zone="hall", revision=7, inside=3, at=NOW)


def test_what_the_server_signed_is_read_as_it_was_said() -> None:
    for heartbeat in (HEARTBEAT, HEARTBEAT.model_copy(update={"forgiven_before": NOW - timedelta(hours=1)})):
        assert open_zone_heartbeat(seal_zone_heartbeat(SERVER, heartbeat), TRUSTED, site="main", now=NOW) == heartbeat


FALSE = {
    "another key": seal_zone_heartbeat(OTHER, HEARTBEAT),
    "another sender": seal(OTHER, "edge:north", Purpose.ZONE_HEARTBEAT, HEARTBEAT),
    "another name": seal(SERVER, SERVER_SENDER, Purpose.ZONE_HEARTBEAT, HEARTBEAT),
    "another text": seal_zone_heartbeat(SERVER, HEARTBEAT).replace(b"hall", b"yard"),
    "another site": seal_zone_heartbeat(SERVER, HEARTBEAT.model_copy(update={"site": "another"})),
    **{
        f"for {purpose.name}": seal(SERVER, STAFF_SENDER, purpose, HEARTBEAT)
        for purpose in Purpose
        if purpose != Purpose.ZONE_HEARTBEAT
    },
}


@pytest.mark.parametrize("why", FALSE)
def test_another_key_name_purpose_text_or_site_is_not_believed(why: str) -> None:
    with pytest.raises(HeartbeatNotBelievedError):
        open_zone_heartbeat(FALSE[why], TRUSTED, site="main", now=NOW)


def test_a_gate_without_the_servers_key_believes_nothing() -> None:
    with pytest.raises(HeartbeatNotBelievedError, match="'staff' is not trusted"):
        open_zone_heartbeat(seal_zone_heartbeat(SERVER, HEARTBEAT), {}, site="main", now=NOW)


def test_what_is_no_heartbeat_is_one_error() -> None:
    hint = PresenceHint(gate="north", revision=7)
    signed = seal(SERVER, STAFF_SENDER, Purpose.ZONE_HEARTBEAT, hint)
    for payload in (b"", HEARTBEAT.encode(), signed, b'{"sender": "staff", "body": "\\ud800", "signature": ""}'):
        with pytest.raises(MalformedMessageError):
            open_zone_heartbeat(payload, TRUSTED, site="main", now=NOW)


def test_the_key_before_counts_until_its_overlap_is_over(tmp_path: Path) -> None:
    path = tmp_path / "trusts.json"
    enrol(path, STAFF_SENDER, public_key_text(OTHER), actions=None, overlap=timedelta(), now=NOW)
    enrol(path, STAFF_SENDER, public_key_text(SERVER), actions=None, overlap=timedelta(hours=1), now=NOW)
    trusted = TrustedKeyFile(path)
    for key in (SERVER, OTHER):
        assert open_zone_heartbeat(seal_zone_heartbeat(key, HEARTBEAT), trusted, site="main", now=NOW) == HEARTBEAT
    later = NOW + timedelta(hours=2)
    with pytest.raises(HeartbeatNotBelievedError, match="signature"):
        open_zone_heartbeat(seal_zone_heartbeat(OTHER, HEARTBEAT), trusted, site="main", now=later)
