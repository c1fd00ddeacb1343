"""Keys are enrolled, rotated with an overlap and revoked for each device, while controllers run."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from campusgate.cli import app
from messages import (
    Action,
    KeyFileError,
    NonceStore,
    Refusal,
    Signer,
    TrustedKeyFile,
    finish_rotation,
    make_private_key,
    public_key_text,
    read_private_key,
    read_trusted_keys,
    rotate_private_key,
    trusted_file,
)
from tests.messages.test_signing import NOW, fresh_verifier, issue, refusal_of

OLD, NEW = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
HOUR = timedelta(hours=1)
SENDER = "edge:north"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trusted.json"
    path.write_text(json.dumps({SENDER: {"key": public_key_text(OLD), "actions": ["open", "deny"]}, "staff": "x"}))
    entries = json.loads(path.read_text())
    entries["staff"] = public_key_text(Ed25519PrivateKey.generate())
    path.write_text(json.dumps(entries))
    return path


def enrol(file: Path, key: Ed25519PrivateKey = NEW, **changes) -> datetime | None:
    values = {"actions": None, "overlap": HOUR, "now": NOW} | changes
    return trusted_file.enrol(file, SENDER, public_key_text(key), **values)


def test_both_keys_count_in_the_overlap_and_only_the_new_one_after_it(file: Path, tmp_path: Path) -> None:
    assert enrol(file) == NOW + HOUR
    verifier = fresh_verifier(tmp_path, trusted=read_trusted_keys(file))
    nonces = NonceStore(tmp_path / "issued.db")
    old, new = Signer(OLD, SENDER, nonces), Signer(NEW, SENDER, nonces)
    assert verifier.verify(issue(old).payload, retained=False, now=NOW)
    assert verifier.verify(issue(new).payload, retained=False, now=NOW)
    later = NOW + HOUR
    assert refusal_of(verifier, issue(old, now=later).payload, now=later) is Refusal.BAD_SIGNATURE
    assert verifier.verify(issue(new, now=later).payload, retained=False, now=later)


def test_what_a_sender_may_ask_for_outlives_the_rotation_and_the_same_key_again_is_none(file: Path) -> None:
    enrol(file)
    assert enrol(file) is None
    trusted = read_trusted_keys(file)
    assert trusted[SENDER].actions == {Action.OPEN, Action.DENY}
    assert [one.until for one in trusted[SENDER].previous] == [NOW + HOUR]
    third = Ed25519PrivateKey.generate()
    enrol(file, third, now=NOW + 2 * HOUR)
    assert [one.key.public_bytes_raw() for one in read_trusted_keys(file)[SENDER].previous] == [
        NEW.public_key().public_bytes_raw()
    ], "an overlap that has ended is forgotten"


def test_a_running_process_takes_up_a_new_key_and_drops_a_revoked_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trusted_file, "LOOK_S", 0.0)
    running = TrustedKeyFile(file)
    before = running[SENDER].key
    enrol(file)
    assert running[SENDER].key != before
    trusted_file.revoke(file, SENDER)
    assert (SENDER in running, "staff" in running) == (False, True)
    file.write_text("half a fi")
    assert "staff" in running, "an unreadable file changes nothing"
    with pytest.raises(KeyFileError, match="does not name"):
        file.write_text("{}")
        trusted_file.revoke(file, SENDER)


@pytest.mark.parametrize("key", ["", "AAAA", "not base64!"])
def test_a_wrong_key_leaves_the_file_as_it_was(file: Path, key: str) -> None:
    before = file.read_bytes()
    with pytest.raises(KeyFileError, match="edge:north"):
        trusted_file.enrol(file, SENDER, key, actions=None, overlap=HOUR, now=NOW)
    assert file.read_bytes() == before


def test_a_key_is_rotated_from_the_command_line(file: Path, tmp_path: Path) -> None:
    private, run = tmp_path / "edge.pem", CliRunner()
    make_private_key(private)
    made = run.invoke(app, ["keys", "rotate", str(private)])
    assert made.exit_code == 0, made.output
    new = made.stdout.strip()
    assert public_key_text(read_private_key(private)) != new, "nothing signs with it before the others trust it"
    told = run.invoke(app, ["keys", "enrol", str(file), SENDER, new, "--overlap-hours", "2", "--json"])
    assert datetime.fromisoformat(json.loads(told.stdout)["previous_key_until"]) > datetime.now(UTC) + HOUR
    assert run.invoke(app, ["keys", "rotate", str(private), "--finish"]).stdout.strip() == new
    assert public_key_text(read_private_key(private)) == new
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "cannot be read" in str(run.invoke(app, ["keys", "rotate", str(private), "--finish"]).exception)
    assert run.invoke(app, ["keys", "revoke", str(file), SENDER]).exit_code == 0
    assert SENDER not in read_trusted_keys(file)


def test_whoever_has_the_folder_gets_no_other_file_by_a_link(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, fsync = tmp_path / "other", os.fsync
    other.touch(0o600)

    def put_link(descriptor: int) -> None:
        fsync(descriptor)
        [new] = tmp_path.glob(f".{file.name}.*")
        new.unlink()
        new.symlink_to(other)

    file.chmod(0o644)
    monkeypatch.setattr(os, "fsync", put_link)
    enrol(file)
    assert stat.S_IMODE(other.stat().st_mode) == 0o600


def test_a_link_in_the_place_of_a_next_key_is_not_followed(tmp_path: Path) -> None:
    key, other = tmp_path / "edge.pem", tmp_path / "other.pem"
    for one in (key, other):
        make_private_key(one)
    (tmp_path / "edge.pem.next").symlink_to(other)
    with pytest.raises(KeyFileError, match="cannot be replaced"):
        finish_rotation(key)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_what_root_renews_stays_readable_to_the_account_that_owned_it(file: Path, tmp_path: Path) -> None:
    key = tmp_path / "edge.pem"
    make_private_key(key)
    for one in (file, key):
        os.chown(one, 12345, 23456)
        one.chmod(0o600)
    enrol(file)
    rotate_private_key(key)
    finish_rotation(key)
    for one in (file, key):
        state = one.stat()
        assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (12345, 23456, 0o600)
