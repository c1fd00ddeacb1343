"""A server's machine is lost: from the copy of its settings, a backup and a code on paper another takes its place."""

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from accounts import devices
from accounts.audit.trail_copy import TrailCopy
from campusgate.setup.recovery import RecoveryCode, RecoveryError, WritingKeys
from database import Database
from database.dated_files import forget_older, name_in
from database.migrate import upgrade
from tests.campusgate.setup.installed import bare, set_up
from tests.command_line import run
from tests.databases import made_database


@pytest.fixture
def empty(postgresql_url: str) -> Iterator[Database]:
    with made_database(postgresql_url) as database:
        yield database


def state_of(under: Path) -> dict[str, tuple[int, bytes]]:
    files = [*under.glob("etc/**/*"), *under.glob("var/lib/campusgate/server/*")]
    return {str(one): (stat.S_IMODE(one.stat().st_mode), one.read_bytes()) for one in files if one.is_file()}


def test_another_machine_takes_the_place_of_a_lost_one(empty: Database, tmp_path: Path) -> None:
    url = empty.url.render_as_string(hide_password=False)
    place = set_up(tmp_path / "machine", "--database", url)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    upgrade(empty)
    place.run("people", "add", "A0001", "王工", "--kind", "staff", "--group", "residents")
    place.run("cards", "issue", "A0001", "04A1B2C3D4E580")
    place.run("gates", "add", "north", "--group", "residents")
    token = json.loads(place.run("devices", "add", "north", "controller", "--gate", "north", "--json"))["token"]
    code = json.loads(place.run("setup", "recovery-code", "--under", place.under, "--json"))["code"]

    trail = TrailCopy(place.under / "var/lib/campusgate/record")
    trail.follow(empty)
    made = json.loads(place.run("backup", elsewhere, "--keep", 2, "--json"))
    held = json.loads(place.run("setup", "export", elsewhere, "--under", place.under, "--json"))
    place.run("cards", "lose", "A0001")
    trail.follow(empty)
    before = state_of(place.under)
    shutil.copytree(trail.folder, elsewhere / "record")
    tried = json.loads(place.run("restore", made["file"], "--try", "--json"))
    assert (tried["restored_head"], tried["replayed"]["card.report_lost"]) == (made["trail_head"], 1)

    shutil.rmtree(place.under)
    with empty.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))

    typed = code.replace("-", " ").lower()
    brought = ("setup", "import", held["file"], "--under", place.under, "--code", typed)
    done = run(*brought, environment=bare())
    assert done.returncode == 0, done.stderr
    assert state_of(place.under) == before
    again = run(*brought, environment=bare())
    assert (again.returncode, "was set up already" in again.stderr) == (2, True)
    shutil.copytree(elsewhere / "record", trail.folder, dirs_exist_ok=True)
    back = json.loads(place.run("restore", made["file"], "--json"))
    assert (back["restored_head"], back["replayed"]["card.report_lost"]) == (made["trail_head"], 1)
    shown = json.loads(place.run("cards", "list", "A0001", "--ended", "--json"))
    assert [card["state"] for card in shown] == ["lost"], "what was lost since stays lost"
    place.run("audit", "verify", "--head", f"{made['trail_lines']}:{made['trail_head']}")
    with empty.read() as session:
        assert devices.authenticate(session, token) is not None, "the gate's controller is let in as before"


def test_only_the_code_opens_a_copy_and_only_the_machine_writes_one() -> None:
    code = RecoveryCode.make()
    keys = WritingKeys.parse(code.writing_keys().to_json())
    copy = keys.seal(b"secrets")
    assert RecoveryCode.parse(str(code)).open(copy) == b"secrets"
    assert b"secrets" not in copy
    with pytest.raises(RecoveryError, match="another's, or was changed"):
        RecoveryCode.make().open(copy)
    forged = WritingKeys(keys.seal_to, RecoveryCode.make().writing_keys().sign_with).seal(b"other secrets")
    with pytest.raises(RecoveryError, match="another's, or was changed"):
        code.open(forged)
    for at in (len(copy) - 1, len(copy) // 2):
        with pytest.raises(RecoveryError, match="another's, or was changed"):
            code.open(copy[:at] + bytes([copy[at] ^ 1]) + copy[at + 1 :])
    with pytest.raises(RecoveryError, match="no file of"):
        code.open(b"hello")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda code: code[:-1], "28 characters"),
        (lambda code: ("A" if code[0] != "A" else "B") + code[1:], "a character of the recovery code is wrong"),
        (lambda code: f"{code[:-1]}!", "characters that no code has"),
    ],
    ids=["cut off", "mistyped", "no letter"],
)
def test_a_slip_of_the_pen_is_told(change, said: str) -> None:
    with pytest.raises(RecoveryError, match=said):
        RecoveryCode.parse(change(str(RecoveryCode(bytes(range(16))))))


def test_of_files_named_by_their_time_the_newest_stay(tmp_path: Path) -> None:
    days = [name_in(tmp_path, ".backup", datetime(2026, 9, day, tzinfo=UTC)) for day in (9, 10, 30)]
    for one in (
        *days,
        tmp_path / "campusgate-before-the-move.backup",
        tmp_path / "campusgate-20260901T000000Z.settings",
    ):
        one.touch()
    days[0].with_name(f"{days[0].name}.manifest.json").touch()
    assert forget_older(tmp_path, ".backup", keep=2) == days[:1]
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {
        days[1].name, days[2].name, "campusgate-before-the-move.backup", "campusgate-20260901T000000Z.settings",
    }  # fmt: skip
