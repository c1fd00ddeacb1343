import re
from pathlib import Path

import pytest

from campusgate.settings.edge_policy_file import PolicyFileError, read_policy
from edge.policy import EdgePolicy

PAGE = Path(__file__).parents[2] / "docs" / "edge.md"


def test_the_example_of_the_manual_is_a_policy(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "gate.toml"
    path.write_text(example, encoding="utf-8")
    policy = read_policy(path)
    assert policy.fpir == 0.003
    assert policy.recognition.zone.left == 0.2
    assert policy.recognition.vote == EdgePolicy().recognition.vote


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fpir = ", "not TOML"),
        ('fpir = "often"', "fpir"),
        ("[recognition.vote]\nneeded = 9", "recognition.vote"),
        ("[recognition.zone]\nleft = 0.9\nright = 0.1", "recognition.zone"),
        ("fpri = 0.1", "fpri"),
        ("[recognition.vote]\nwindw = 3", "windw"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_field_that_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyFileError, match=told):
        read_policy(path)


def test_a_missing_policy_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")
