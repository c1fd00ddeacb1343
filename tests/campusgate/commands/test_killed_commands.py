"""`people import` and `templates rebuild`, killed in the middle and run again: nothing lost, nothing twice."""

import base64
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from accounts.tables import AuditEntry, Person
from database import Database, Sealer
from enrollment import templates
from enrollment.tables import Notice, PhotoImage, PhotoRecord, TemplateRecord
from models.embedders.registry import DEFAULT_EMBEDDER, EMBEDDERS
from models.store import ModelStore
from tests import command_line, forked
from tests.databases import begin
from tests.keys import key
from tests.waiting import PATIENCE_S

KEY = key("templates")
PEOPLE = 9
TRIES = 5


@pytest.fixture
def intake(tmp_path: Path) -> Path:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    portraits = sorted((Path(data) / "portraits" / "original").glob("*.jpg"))[:PEOPLE]
    folder = tmp_path / "intake"
    folder.mkdir()
    lines = ["number,name", *(f"{number:04},Somebody" for number in range(PEOPLE))]
    (folder / "people.csv").write_text("\n".join(lines), "utf-8")
    for number, portrait in enumerate(portraits):
        shutil.copy(portrait, folder / f"{number:04}.jpg")
    return folder


class Shell:
    """The command line on a database and keys of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self._environment = {
            **os.environ,
            "CAMPUSGATE_DATA_DIR": str(folder),
            "CAMPUSGATE_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "CAMPUSGATE_TEMPLATE_KEY": base64.b64encode(KEY).decode(),
            "CAMPUSGATE_ENROLLMENT__KEEP_PICTURES": "true",
        }

    def run(self, *arguments: str) -> dict[str, Any]:
        done = command_line.run(*arguments, "--json", environment=self._environment)
        assert done.returncode in {0, 1}, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def killed_when(self, reached: Callable[[], bool], *arguments: str) -> bool:
        """Begin, and kill the process as soon as `reached` says so; False where it was faster than we."""
        with forked.command(self._environment, *arguments, "--json") as (process, _):
            patience = time.monotonic() + 3 * PATIENCE_S
            while not reached() and process.exitcode is None:
                assert time.monotonic() < patience
                time.sleep(0.005)
            process.kill()
            process.join()
            return process.exitcode == -signal.SIGKILL


@pytest.fixture
def make_shell(tmp_path: Path) -> Iterator[Callable[[], Shell]]:
    """On SQLite, whose writer is the process that is killed."""
    made: list[Database] = []

    def make() -> Shell:
        folder = tmp_path / f"data-{len(made)}"
        made.append(Database(f"sqlite:///{folder / 'campusgate.db'}"))
        begin(folder)
        return Shell(made[-1], folder)

    yield make
    for database in made:
        database.close()


def _count(database: Database, table: type, *conditions: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def _import_killed(make_shell: Callable[[], Shell], *command: str) -> Shell:
    for _ in range(TRIES):
        shell = make_shell()
        database = shell.database
        if (
            shell.killed_when(lambda database=database: _count(database, PhotoRecord) >= 2, *command)
            and _count(database, PhotoRecord) < PEOPLE
        ):
            return shell
    pytest.fail("it always ended before it could be killed")


def _kill_rebuild(shell: Shell, of_new: Any, fewer_than: int, *command: str) -> int:
    """Returns how many templates the new model has."""
    for _ in range(TRIES):
        killed = shell.killed_when(lambda: _count(shell.database, TemplateRecord, of_new) >= 1, *command)
        made = _count(shell.database, TemplateRecord, of_new)
        if killed and made < fewer_than:
            return made
        with shell.database.begin() as session:
            session.execute(delete(TemplateRecord).where(of_new))
    pytest.fail("it always ended before it could be killed")


@pytest.mark.usefixtures("imported_rooms")
def test_killed_import_and_rebuild_lose_and_double_nothing(
    make_shell: Callable[[], Shell], intake: Path, model_store: ModelStore
) -> None:
    command = ("people", "import", str(intake), "--consented", "on paper")
    shell, sealer = _import_killed(make_shell, *command), Sealer(KEY)
    database = shell.database
    first = _count(database, PhotoRecord)
    assert first >= 2
    whole = "a person's rows are there together or not at all"
    assert _count(database, PhotoImage) == first, whole
    assert _count(database, TemplateRecord) == _count(database, PhotoRecord, PhotoRecord.state != "rejected"), whole

    counts = shell.run(*command)["counts"]
    assert sum(counts.values()) == PEOPLE == _count(database, Person) == _count(database, PhotoRecord)
    assert _count(database, AuditEntry, AuditEntry.action == "photo.checked") == PEOPLE
    assert _count(database, Notice) == counts["rejected"]
    with database.read() as session:
        assert session.scalar(select(func.count(func.distinct(PhotoRecord.person_id)))) == PEOPLE

    old, new = (EMBEDDERS[name].model_id for name in (DEFAULT_EMBEDDER, "dlib-resnet"))
    with database.begin() as session:
        waiting = templates.load_active_and_candidates(session, sealer, old)
    of_new = TemplateRecord.model_id == new
    rebuild = ("templates", "rebuild", "--embedder", "dlib-resnet")
    made = _kill_rebuild(shell, of_new, len(waiting), *rebuild)
    assert made >= 1
    with database.read() as session:
        assert set(templates.load_active_and_candidates(session, sealer, old)) == set(waiting), (
            "the old model is served"
        )

    rebuilt = shell.run(*rebuild)
    assert (rebuilt["model"], rebuilt["without_picture"]) == (new, 0)
    with database.read() as session:
        both = templates.load_active_and_candidates(session, sealer, new)
    assert rebuilt["made"] == len(both) - made
    assert set(both) == set(waiting)
    assert all(len(found) == 1 for found in both.values())
