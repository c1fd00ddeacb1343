"""No coroutine waits for the database: while one waits in the event loop nobody else is answered."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists() and folder.name != "tests"]
WAITS = {"database.begin", "database.read", "database.snapshot", "clock_believed"}
"""Ends of what is called."""
_SYNCHRONOUS = (ast.FunctionDef, ast.Lambda)


def calls_of(coroutine: ast.AST) -> Iterator[ast.Call]:
    """Yield what a coroutine calls itself; a function within it is called elsewhere, in a thread."""
    for part in ast.iter_child_nodes(coroutine):
        if isinstance(part, ast.Call):
            yield part
        if not isinstance(part, _SYNCHRONOUS):
            yield from calls_of(part)


def find_waits(source: str) -> list[str]:
    coroutines = (one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.AsyncFunctionDef))
    calls = (ast.unparse(call.func) for coroutine in coroutines for call in calls_of(coroutine))
    return [call for call in calls if any(call == end or call.endswith(f".{end}") for end in WAITS)]


def test_no_coroutine_waits_for_the_database() -> None:
    sources = {file: file.read_text(encoding="utf-8") for room in ROOMS for file in room.rglob("*.py")}
    found = {str(file.relative_to(ROOT)): find_waits(source) for file, source in sources.items() if "async " in source}
    assert len(found) > 20
    assert {file: waits for file, waits in found.items() if waits} == {}


def test_a_function_within_a_coroutine_may_wait() -> None:
    source = "async def ask():\n    def look():\n        return services.database.read()\n    await in_thread(look)"
    assert find_waits(source) == []
    assert find_waits("async def ask():\n    with services.database.begin():\n        pass") == [
        "services.database.begin"
    ]
