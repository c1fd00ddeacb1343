"""The walls of the house: who may import whom, and what no room may hold (shown in `docs/architecture.md`)."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "errors": set(),
    "models": set(),
    "database": set(),
    "bus": {"database.durable_file"},
    "messages": {"bus.errors", "bus.port", "database.durable_file"},
    "web": {"database"},
    "access": {"bus.backoff", "database"},
    "accounts": {"database", "web"},
    "enrollment": {"models", "accounts", "bus.backoff", "database", "web"},
    "directory": {"access", "accounts", "enrollment", "messages", "database", "web"},
    "gate_controller": {"access", "bus", "messages", "database"},
    "edge": {"models", "access", "bus", "messages", "database"},
    "operations": {"access", "accounts", "directory", "bus", "messages", "database", "web"},
    "metering": {"messages", "accounts", "bus", "database", "web"},
    "integrations": {"accounts", "database", "web"},
    "network_access": {"accounts", "database", "web"},
    "card_dispensing": {"accounts", "database", "web"},
    "gate_display": {"access.policy", "access.reasons", "bus.port", "messages", "web"},
    "console": {
        "access.policy",
        "access.reasons",
        "access.schedules",
        "accounts",
        "enrollment",
        "directory",
        "operations",
        "metering",
        "messages",
        "network_access",
        "card_dispensing",
        "gate_display",
        "integrations.library_fines",
        "database",
        "web",
    },
    "campusgate": {"*"},
}

INNER_WALLS = {
    "accounts": {
        "vocabulary": set(),
        "defaults": set(),
        "tables": {"vocabulary"},
        "ledger": set(),
        "audit": {"tables"},
        "principals": {"vocabulary", "audit"},
        "people": {"vocabulary", "tables", "ledger", "audit"},
        "passwords": {"vocabulary", "tables", "audit"},
        "cards": {"vocabulary", "tables", "ledger", "audit", "people"},
        "merging": {"vocabulary", "tables", "ledger", "audit", "people", "cards"},
        "devices": {"vocabulary", "tables", "audit", "principals"},
        "sign_in": {"vocabulary", "tables", "audit", "people", "passwords"},
        "people_import": {"vocabulary", "tables", "people", "passwords"},
        "housekeeping": {"vocabulary", "tables", "ledger", "audit", "people", "passwords", "people_import"},
        "services": {
            "defaults",
            "principals",
            "people",
            "passwords",
            "cards",
            "devices",
            "sign_in",
            "people_import",
        },
        "password_reset": {"vocabulary", "principals", "people", "passwords", "services"},
        "own_passwords": {"vocabulary", "principals", "people", "passwords", "sign_in", "services"},
        "own_cards": {
            "vocabulary",
            "tables",
            "principals",
            "people",
            "passwords",
            "cards",
            "own_passwords",
            "services",
        },
        "own_phone": {"people", "principals", "services"},
        "reissue": {"tables", "people", "cards", "services"},
        "kiosk_holders": {"vocabulary", "principals", "people", "passwords", "services"},
        "payment_channels": set(),
        "payments": {
            "defaults",
            "vocabulary",
            "tables",
            "ledger",
            "audit",
            "people",
            "passwords",
            "cards",
            "services",
            "payment_channels",
        },
        "topup": {
            "vocabulary",
            "tables",
            "ledger",
            "audit",
            "people",
            "people_import",
            "payment_channels",
            "payments",
        },
        "own_limits": {"vocabulary", "principals", "passwords", "own_passwords", "payments"},
        "api": {"*"},
    },
    "card_dispensing": {
        "contract": set(),
        "dispenser": {"contract"},
        "frames": set(),
        "crt571": {"contract", "dispenser", "frames"},
        "registry": {"dispenser", "crt571"},
        "server_client": {"contract"},
        "handing_out": {"contract", "dispenser", "server_client"},
        "tables": set(),
        "sightings": {"contract", "tables"},
        "issues": {"contract", "tables", "sightings"},
        "unsettled": {"contract", "tables", "sightings", "issues"},
        "api": {"*"},
    },
    "metering": {
        "vocabulary": set(),
        "reader_contract": {"vocabulary"},
        "frames": set(),
        "lines": {"frames", "vocabulary", "reader_contract"},
        "readings": {"vocabulary", "reader_contract"},
        "tariffs": {"vocabulary"},
        "sessions": {"vocabulary", "tariffs"},
        "shower": {"vocabulary", "reader_contract", "frames", "lines"},
        "rooms": {"vocabulary", "reader_contract", "frames", "readings"},
        "billing": {"vocabulary", "readings", "tariffs", "rooms"},
        "supply": {"vocabulary", "reader_contract", "readings", "rooms", "billing"},
        "services": {"vocabulary", "tariffs", "sessions", "readings", "rooms", "billing", "supply"},
        "device_sightings": {"rooms", "sessions"},
        "room_payments": {"vocabulary", "rooms", "billing", "supply", "tariffs", "services"},
        "api": {"*"},
    },
}
"""Within a room: its sub-packages and modules, the lower ones first."""


def modules(*, of_the_rim: bool = True) -> Iterator[Path]:
    """Every module that is installed."""
    for room in MAY_IMPORT:
        if of_the_rim or room != "campusgate":
            yield from sorted((ROOT / room).rglob("*.py"))


@cache
def imports(path: Path) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            found.append((node.module, node.lineno))
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def _files_of(part: Path) -> list[Path]:
    return sorted(part.rglob("*.py")) if part.is_dir() else [part.with_suffix(".py")]


def is_allowed(room: str, module: str) -> bool:
    target = module.split(".", maxsplit=1)[0]
    if target in {room, "errors"} or target not in MAY_IMPORT or "*" in MAY_IMPORT[room]:
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


@pytest.mark.parametrize(("room", "part"), [(room, part) for room, parts in INNER_WALLS.items() for part in parts])
def test_a_part_of_a_room_imports_only_what_its_inner_walls_allow(room: str, part: str) -> None:
    parts = INNER_WALLS[room]
    allowed = {part, *parts[part]}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in _files_of(ROOT / room / part)
        for module, line in imports(path)
        if module.startswith(f"{room}.") and "*" not in allowed and module.split(".")[1] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", INNER_WALLS)
def test_every_part_of_a_room_with_inner_walls_stands_in_their_table_above_what_it_imports(room: str) -> None:
    parts = list(INNER_WALLS[room])
    found = {path.stem for path in (ROOT / room).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(parts) == found - {"__init__"}
    for place, part in enumerate(parts):
        assert INNER_WALLS[room][part] <= {*parts[:place], "*"}, f"{part} imports what stands beside or above it"


def test_the_wall_itself_stands() -> None:
    assert not is_allowed("models", "access.decision")
    assert not is_allowed("edge", "gate_controller.door")
    assert is_allowed("edge", "messages.signing")
    assert is_allowed("access", "numpy")


def test_no_library_draws_in_a_room_above_it() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules(of_the_rim=False)
        for module, line in imports(path)
        if module.startswith("campusgate")
    ]
    assert not wrong, "\n".join(wrong)


_OF_THE_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


_TELLS_A_LIBRARY = {"models/runtime.py"}
"""Set a variable that nothing but a library reads, before that is imported."""


def environment_uses(source: str) -> list[int]:
    """Return the lines that use the environment, as an attribute of `os` or by a name imported from it."""
    if not re.search(r"\bos\b", source):  # most modules do not; to read a tree takes a while
        return []
    tree, lines = ast.parse(source), []
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "os"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            if node.attr in _OF_THE_ENVIRONMENT:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            lines += [node.lineno for alias in node.names if alias.name in _OF_THE_ENVIRONMENT]
    return lines


def test_only_the_rim_reads_the_environment() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} reads the environment"
        for path in modules(of_the_rim=False)
        if str(path.relative_to(ROOT)) not in _TELLS_A_LIBRARY
        for line in environment_uses(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "source",
    ["import os\nos.environ['A']", "import os\nos.getenv('A')", "import os as o\no.environ", "from os import environ"],
)
def test_the_environment_is_seen_however_it_is_read(source: str) -> None:
    assert environment_uses(source)
    assert not environment_uses(source.replace("environ", "sep").replace("getenv", "getpid"))


def test_production_imports_no_demonstration() -> None:
    """The demonstration's parts, and the payment channel that moves no money, are given by whoever starts a process."""
    demo = ROOT / "campusgate" / "demo"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules()
        if not path.is_relative_to(demo) and path != ROOT / "campusgate" / "commands" / "demo.py"
        for module, line in imports(path)
        if module.startswith("campusgate.demo") or (".loopback" in module and not path.stem.startswith("loopback"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_types_of_a_room_are_for_its_users_too(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


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


@pytest.mark.parametrize("room", INNER_WALLS)
def test_the_architecture_page_shows_the_same_inner_walls(room: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{room}/(\w+)(?:/|\.py)` \|.*\| ([^|]*) \|$", page, re.MULTILINE)
    shown = {
        part: set(re.findall(r"`(\w+)`", cell)) or ({"*"} if "everything" in cell else set()) for part, cell in rows
    }
    assert shown == INNER_WALLS[room]
    assert list(shown) == list(INNER_WALLS[room])


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
