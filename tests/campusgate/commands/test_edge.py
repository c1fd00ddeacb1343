"""`campusgate edge`: where its camera is named."""

import os

import pytest

from tests.command_line import run


@pytest.mark.parametrize(
    "address", ["rtsp://admin:secret@10.0.0.1/main", "http://10.0.0.1/video?user=admin&pwd=secret"]
)
def test_a_password_of_a_camera_is_not_taken_from_the_command_line(address: str) -> None:
    """`ps` shows arguments to everybody on the machine."""
    refused = run("edge", address)
    assert refused.returncode == 2
    assert "CAMPUSGATE_CAMERA" in refused.stderr
    assert "secret" not in refused.stdout + refused.stderr


def test_without_a_camera_the_command_says_where_to_name_it() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CAMPUSGATE_CAMERA"}
    refused = run("edge", environment=environment)
    assert refused.returncode == 2
    assert "CAMPUSGATE_CAMERA is not set" in refused.stderr
