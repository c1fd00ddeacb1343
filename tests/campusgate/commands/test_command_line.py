import os
import subprocess
import sys

import pytest


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "campusgate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_lists_the_commands() -> None:
    result = run("--help")
    assert result.returncode == 0
    for command in ("demo", "serve", "edge", "controller", "broker", "models", "photo", "faces", "people", "gate"):
        assert command in result.stdout


def test_help_does_not_wait_for_what_only_commands_need() -> None:
    heavy = "{'cv2', 'fastapi', 'numpy', 'onnxruntime', 'pydantic', 'sqlalchemy', 'structlog'}"
    line = f"import sys, campusgate.cli; print({heavy} & set(sys.modules) or 'light')"
    result = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "light"


@pytest.mark.parametrize("arguments", [("--no-such-option",), ("no-such-command",)])
def test_a_wrong_command_line_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_a_wrong_setting_is_one_line_that_names_it() -> None:
    result = run("models", "list", CAMPUSGATE_SERVER_PORT="many")
    assert result.returncode == 2
    assert "CAMPUSGATE_SERVER_PORT" in result.stderr
    assert "Traceback" not in result.stderr
