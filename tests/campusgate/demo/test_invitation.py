"""What the demonstration prints: who one can be, and an address for phones only where one was asked for."""

from pathlib import Path

import pytest
from rich.text import Text

from campusgate.demo.campus import Campus, HostUnusableError
from campusgate.demo.invitation import invite
from campusgate.settings import Settings

ANOTHER = "127.0.0.2"


def test_the_pages_are_for_this_machine_alone_unless_asked_otherwise(tmp_path: Path) -> None:
    campus = Campus.fresh(Settings(data_dir=tmp_path))
    said = Text.from_markup(invite(campus)).plain
    assert campus.environment("server")["CAMPUSGATE_SERVER_HOST"] == "127.0.0.1"
    assert "start it with --host" in said
    assert "█" not in said
    for persona in (*campus.personas.staff, campus.personas.resident, campus.personas.newcomer):
        assert f"{persona.number:<9} {persona.password}" in said
    roles = [persona.role for persona in campus.personas.staff]
    assert len(set(roles)) == len(roles) == 4, "one account for each role"


def test_a_phone_gets_an_address_a_code_and_a_warning(tmp_path: Path) -> None:
    campus = Campus.fresh(Settings(data_dir=tmp_path), host=ANOTHER)
    said = Text.from_markup(invite(campus)).plain
    assert campus.environment("server")["CAMPUSGATE_SERVER_HOST"] == ANOTHER
    assert f"http://{ANOTHER}:{campus.server_port}/console/" in said
    assert "█▀▀" in said or "█ ▄▄▄▄▄ █" in said
    assert "plain HTTP" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "240.0.0.1", "campus.example"])
def test_only_one_address_of_this_machine_is_taken(tmp_path: Path, host: str) -> None:
    with pytest.raises(HostUnusableError, match=host):
        Campus.fresh(Settings(data_dir=tmp_path), host=host)
    assert list(tmp_path.iterdir()) == [], "what lay there is not taken away for it"
