"""The walls of the house: who may import whom, and what no room may hold (shown in `docs/architecture.md`)."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "models": set(),
    "database": set(),
    "bus": {"database.durable_file"},
    "messages": {"database.durable_file"},
    "web": {"database"},
    "access": {"database"},
    "accounts": {"database", "web"},
    "enrollment": {"models", "accounts", "database", "web"},
    "directory": {"access", "accounts", "enrollment", "messages", "database", "web"},
    "gate_controller": {"access", "bus", "messages", "database"},
    "edge": {"models", "access", "bus", "messages"},
    "operations": {"access", "accounts", "directory", "bus", "messages", "database", "web"},
    "console": {"accounts", "enrollment", "directory", "operations", "database", "web"},
    "campusgate": {"*"},
}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def is_allowed(room: str, module: str) -> bool:
    target = module.split(".", maxsplit=1)[0]
    if target == room or target not in MAY_IMPORT or "*" in MAY_IMPORT[room]:
        return True
    return any(module == allowed or module.startswith(f"{allowed}.") for allowed in MAY_IMPORT[room])


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_the_table_allows(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for module, line in imports(path)
        # `from database import durable_file` names the package first; its second form is judged.
        if not is_allowed(room, module) and not any(allowed.startswith(f"{module}.") for allowed in MAY_IMPORT[room])
    ]
    assert not wrong, "\n".join(wrong)


def test_pages_call_use_cases_and_no_api() -> None:
    """What the API and the pages both do stands in a module of the room, which both of them call."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sorted((ROOT / "console").rglob("*.py"))
        for module, line in imports(path)
        if any(re.fullmatch(r"api|\w+_api|bodies", part) for part in module.split("."))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_wall_itself_stands() -> None:
    assert not is_allowed("models", "access.decision")
    assert not is_allowed("edge", "gate_controller.door")
    assert is_allowed("edge", "messages.signing")
    assert is_allowed("access", "numpy")


def test_no_library_draws_in_a_room_above_it() -> None:
    """Only the rim reads settings or the environment."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for room in MAY_IMPORT
        if room != "campusgate"
        for path in (ROOT / room).rglob("*.py")
        for module, line in imports(path)
        if module.startswith("campusgate") or module in {"os.environ", "os.getenv"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["utils", "common", "helpers", "core", "misc"])
def test_there_is_no_room_without_a_purpose(name: str) -> None:
    assert not [path for room in MAY_IMPORT for path in (ROOT / room).rglob(f"{name}*") if path.stem == name]


def test_the_architecture_page_shows_the_same_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)/` \|.*\| ([^|]*) \|$", page, re.MULTILINE))
    shown = {
        room: set(re.findall(r"`([\w.]+)`", cell)) or ({"*"} if "everything" in cell else set())
        for room, cell in rows.items()
    }
    assert shown == MAY_IMPORT


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the list of committed files is unknown")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_weights_photographs_or_large_files_are_committed() -> None:
    heavy = {".onnx", ".tflite", ".pth", ".dat", ".jpg", ".jpeg", ".heic", ".mp4", ".npz", ".whl"}
    tracked = [path for path in _tracked() if path.is_file()]
    assert tracked
    assert not [path for path in tracked if path.suffix in heavy or path.stat().st_size > 500_000]
