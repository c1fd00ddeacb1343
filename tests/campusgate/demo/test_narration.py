import fcntl
import io
import os

from rich.console import Console

from campusgate.demo.narration import console_narrator
from campusgate.demo.report import SceneResult
from tests.command_line import run


def test_what_stays_is_written_into_a_pipe_and_what_moves_is_not() -> None:
    written = io.StringIO()
    with console_narrator(Console(file=written, width=60)) as narrator:
        narrator.show("1 of 18: somebody walks up")
        narrator.report(SceneResult("stranger_refused", "stayed locked", "stayed locked"), "A stranger [waits].")
        narrator.write("The server is killed on purpose.")
        narrator.report(SceneResult("fire_opens", "opened", "nothing"), "A fire.")
    lines = [line[9:].rstrip() for line in written.getvalue().splitlines() if line.strip()]
    assert lines == [
        "✓ stranger_refused  A stranger [waits].",
        "→ The server is killed on purpose.",
        "✗ fire_opens  A fire. nothing",
    ]


def test_a_second_demonstration_does_not_take_the_firsts_files_away(tmp_path) -> None:
    with (tmp_path / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = run("demo", "--once", environment={**os.environ, "CAMPUSGATE_DATA_DIR": str(tmp_path)})
    assert second.returncode == 2
    assert "a demonstration runs already" in second.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "demo.lock"]
