"""What a controller believes, and what it refuses."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messages import (
    Ack,
    Action,
    BadAckError,
    Method,
    NonceStore,
    Refusal,
    RefusedError,
    SignedCommand,
    Signer,
    TrustedKey,
    Verifier,
    verify_ack,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BOOT = uuid4()
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(KEY, "edge:north", NonceStore(tmp_path / "issued.db"))


@pytest.fixture
def verifier(tmp_path: Path) -> Verifier:
    return fresh_verifier(tmp_path)


def fresh_verifier(folder: Path, **changes) -> Verifier:
    values = {"gate": "north", "boot_id": BOOT, "nonces": NonceStore(folder / "seen.db")} | changes
    trusted = values.pop("trusted", {"edge:north": TrustedKey(KEY.public_key())})
    return Verifier(trusted, **values)


def issue(signer: Signer, **changes) -> SignedCommand:
    values = {
        "gate": "north",
        "action": Action.OPEN,
        "method": Method.FACE,
        "reason": "granted",
        "boot_id": BOOT,
        "now": NOW,
    } | changes
    return signer.issue(**values)


def refusal_of(verifier: Verifier, payload: bytes, **changes) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        verifier.verify(payload, **({"retained": False, "now": NOW} | changes))
    return caught.value.refusal


def test_a_fresh_signed_command_is_believed(signer: Signer, verifier: Verifier) -> None:
    signed = issue(signer)
    assert verifier.verify(signed.payload, retained=False, now=NOW + timedelta(seconds=9)) == signed.command


def test_the_same_command_again_is_replayed(signer: Signer, verifier: Verifier) -> None:
    signed = issue(signer)
    verifier.verify(signed.payload, retained=False, now=NOW)
    assert refusal_of(verifier, signed.payload) is Refusal.REPLAYED


def test_an_older_command_after_a_newer_one_is_replayed(signer: Signer, verifier: Verifier) -> None:
    older, newer = issue(signer), issue(signer)
    verifier.verify(newer.payload, retained=False, now=NOW)
    assert refusal_of(verifier, older.payload) is Refusal.REPLAYED


def test_nonces_seen_before_a_restart_stay_spent(signer: Signer, tmp_path: Path) -> None:
    signed = issue(signer)
    fresh_verifier(tmp_path).verify(signed.payload, retained=False, now=NOW)
    # The file of the first verifier is still open, as after kill -9: nothing was flushed by a clean end.
    assert refusal_of(fresh_verifier(tmp_path), signed.payload) is Refusal.REPLAYED


def test_a_command_older_than_its_life_is_stale(signer: Signer, verifier: Verifier) -> None:
    signed = issue(signer, ttl_ms=3000)
    assert refusal_of(verifier, signed.payload, now=NOW + timedelta(seconds=3, milliseconds=1)) is Refusal.STALE


def test_a_command_from_the_future_is_stale(signer: Signer, verifier: Verifier) -> None:
    assert refusal_of(verifier, issue(signer, now=NOW + timedelta(seconds=5)).payload) is Refusal.STALE


def test_a_life_longer_than_ten_seconds_cannot_be_written(signer: Signer) -> None:
    with pytest.raises(ValueError, match="ttl_ms"):
        issue(signer, ttl_ms=10_001)


def test_a_bare_command_is_unsigned(signer: Signer, verifier: Verifier) -> None:
    assert refusal_of(verifier, issue(signer).command.encode()) is Refusal.UNSIGNED


@pytest.mark.parametrize("signature", [None, "", [], {}])
def test_an_envelope_without_a_signature_is_unsigned(signer: Signer, verifier: Verifier, signature: object) -> None:
    envelope = json.loads(issue(signer).payload) | {"signature": signature}
    refused = refusal_of(verifier, json.dumps(envelope).encode())
    assert refused in {Refusal.UNSIGNED, Refusal.BAD_SIGNATURE}


@pytest.mark.parametrize("signature", ["AAAA", "no base64 !", base64.b64encode(bytes(64)).decode()])
def test_a_wrong_signature_is_refused(signer: Signer, verifier: Verifier, signature: str) -> None:
    envelope = json.loads(issue(signer).payload) | {"signature": signature}
    assert refusal_of(verifier, json.dumps(envelope).encode()) is Refusal.BAD_SIGNATURE


def test_one_changed_character_breaks_the_signature(signer: Signer, verifier: Verifier) -> None:
    envelope = json.loads(issue(signer).payload)
    envelope["body"] = envelope["body"].replace('"ttl_ms":10000', '"ttl_ms":9999')
    assert refusal_of(verifier, json.dumps(envelope).encode()) is Refusal.BAD_SIGNATURE


def test_a_refused_command_spends_no_nonce(signer: Signer, verifier: Verifier) -> None:
    signed = issue(signer)
    assert refusal_of(verifier, signed.payload, retained=True) is Refusal.RETAINED
    assert verifier.verify(signed.payload, retained=False, now=NOW) == signed.command


def test_a_retained_command_is_refused(signer: Signer, verifier: Verifier) -> None:
    assert refusal_of(verifier, issue(signer).payload, retained=True) is Refusal.RETAINED


def test_a_command_for_another_gate_is_refused(signer: Signer, verifier: Verifier) -> None:
    assert refusal_of(verifier, issue(signer, gate="south").payload) is Refusal.WRONG_GATE


def test_a_command_of_another_boot_is_refused(signer: Signer, verifier: Verifier) -> None:
    assert refusal_of(verifier, issue(signer, boot_id=uuid4()).payload) is Refusal.WRONG_BOOT


def test_a_stranger_is_refused(verifier: Verifier, tmp_path: Path) -> None:
    stranger = Signer(KEY, "edge:elsewhere", NonceStore(tmp_path / "stranger.db"))
    assert refusal_of(verifier, issue(stranger).payload) is Refusal.UNKNOWN_SENDER


def test_a_sender_cannot_speak_in_anothers_name(tmp_path: Path, signer: Signer) -> None:
    other = Ed25519PrivateKey.generate()
    keys = {"edge:north": TrustedKey(KEY.public_key()), "other": TrustedKey(other.public_key())}
    forged = Signer(other, "other", NonceStore(tmp_path / "other.db")).sign(issue(signer).command)
    assert refusal_of(fresh_verifier(tmp_path, trusted=keys), forged) is Refusal.UNKNOWN_SENDER


def test_a_key_with_few_rights_gets_no_more(tmp_path: Path, signer: Signer) -> None:
    keys = {"edge:north": TrustedKey(KEY.public_key(), frozenset({Action.OPEN, Action.DENY}))}
    verifier = fresh_verifier(tmp_path, trusted=keys)
    assert refusal_of(verifier, issue(signer, action=Action.HOLD).payload) is Refusal.NOT_PERMITTED
    assert verifier.verify(issue(signer).payload, retained=False, now=NOW).action is Action.OPEN


@pytest.mark.parametrize("action", [Action.OPEN, Action.HOLD, Action.RELEASE])
def test_without_a_sure_clock_nobody_is_let_in(signer: Signer, verifier: Verifier, action: Action) -> None:
    payload = issue(signer, action=action).payload
    assert refusal_of(verifier, payload, clock_sure=False) is Refusal.CLOCK_UNSURE


@pytest.mark.parametrize("action", [Action.LOCK, Action.LOCKDOWN])
def test_without_a_sure_clock_the_door_can_still_be_closed(signer: Signer, verifier: Verifier, action: Action) -> None:
    payload = issue(signer, action=action).payload
    assert verifier.verify(payload, retained=False, now=NOW - timedelta(days=9), clock_sure=False).action is action


def test_an_acknowledgement_is_no_command(tmp_path: Path) -> None:
    signer = Signer(KEY, "controller:north", NonceStore(tmp_path / "issued.db"))
    trusted = {"controller:north": TrustedKey(KEY.public_key())}
    ack = Ack(command_id=uuid4(), gate="north", accepted=True, boot_id=BOOT, at=NOW)
    payload = signer.sign(ack)
    assert verify_ack(payload, trusted) == ack
    verifier = Verifier(trusted, gate="north", boot_id=BOOT, nonces=NonceStore(tmp_path / "seen.db"))
    assert refusal_of(verifier, payload) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("sender", ["controller:south", "edge:north", "staff"])
def test_only_a_gates_own_controller_answers_for_it(tmp_path: Path, sender: str) -> None:
    """The server's file of trusted keys names edges, workstations and every controller: none is another's voice."""
    signer = Signer(KEY, sender, NonceStore(tmp_path / "issued.db"))
    ack = Ack(command_id=uuid4(), gate="north", accepted=True, boot_id=BOOT, at=NOW)
    with pytest.raises(BadAckError, match=f"for gate north by '{sender}'"):
        verify_ack(signer.sign(ack), {sender: TrustedKey(KEY.public_key())})


def test_a_command_is_no_acknowledgement(signer: Signer) -> None:
    with pytest.raises(BadAckError, match="wrong signature"):
        verify_ack(issue(signer).payload, {"edge:north": TrustedKey(KEY.public_key())})


def test_an_acknowledgement_of_a_stranger_is_refused(signer: Signer) -> None:
    ack = Ack(command_id=None, gate="north", accepted=False, refusal=Refusal.MALFORMED, boot_id=BOOT, at=NOW)
    with pytest.raises(BadAckError, match="not trusted"):
        verify_ack(signer.sign(ack), {})


def test_a_signers_nonces_rise_over_restarts_and_clock_jumps(tmp_path: Path) -> None:
    nonces = []
    for now in (NOW, NOW - timedelta(days=30), NOW - timedelta(days=30), NOW + timedelta(days=1)):
        store = NonceStore(tmp_path / "issued.db")
        nonces += [issue(Signer(KEY, "edge:north", store), now=now).command.nonce for _ in range(3)]
    assert nonces == sorted(set(nonces))


def test_a_signer_that_lost_its_file_goes_on_with_the_clock(tmp_path: Path, verifier: Verifier) -> None:
    before = Signer(KEY, "edge:north", NonceStore(tmp_path / "lost.db"))
    verifier.verify(issue(before).payload, retained=False, now=NOW)
    after = Signer(KEY, "edge:north", NonceStore(tmp_path / "new.db"))
    later = NOW + timedelta(seconds=1)
    assert verifier.verify(issue(after, now=later).payload, retained=False, now=later)
