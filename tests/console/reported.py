"""The codes that gates, and the watch over them, can report: read from their sources, so that no new one is forgotten.

What stands in an enumeration is named by the tests themselves; here is what stands in the text of the programs.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("access", "edge", "gate_controller", "messages", "operations/alarms")
AT_THE_GATE = ("edge", "gate_controller", "messages")
CONTROLLER = ("gate_controller", "messages")

_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_NO_CODES = {"topics.py", "shower_topics.py"}


def reasons() -> set[str]:
    """Reasons of events and alarms."""
    return {*_arguments("reason"), *_constants(), *_faults()}


def refusals() -> set[str]:
    """Reasons of an edge or a controller that lets nobody in."""
    places = ("edge/decider.py", "gate_controller/signals.py", "gate_controller/turnstile.py")
    return {*_constants(*places), *_arguments("reason", rooms=CONTROLLER)}


def figures() -> set[str]:
    """What is said beside events, and the figures that processes publish."""
    return {key for found in _said() for key in _texts(found.keys)}


def values() -> set[str]:
    """The words among the figures that are written where they are said."""
    said = {word for found in _said() for word in _texts(_branches(found.values))}
    calls = (*_calls("decide_alone"), *_calls("report_dropped"))
    return said | _arguments("why", rooms=CONTROLLER) | {word for call in calls for word in _texts(call.args)}


def wires() -> set[str]:
    """The names of wires, of a reader and of a board."""
    named = {name for call in _calls("_watch") for name in _texts(call.args[:1])}
    return named | {name for call in _calls("WireChanged") for name in _texts(call.args[:1])}


def _said() -> Iterator[ast.Dict]:
    """Every dictionary that becomes `details` or `figures`."""
    for call in _calls("publish_health"):
        yield from (one for one in call.args if isinstance(one, ast.Dict))
    for node in _nodes(*AT_THE_GATE):
        match node:
            case ast.keyword(arg="details" | "figures", value=value):
                yield from _dictionaries(value)
            case ast.Assign(targets=[ast.Name(id="details")], value=value):
                yield from _dictionaries(value)
            case ast.AnnAssign(target=ast.Name(id="details" | "stood_s"), value=ast.expr() as value):
                yield from _dictionaries(value)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="details"), slice=key)], value=value):
                yield ast.Dict([key], [value])
            case ast.FunctionDef(name="figures"):
                yield from (one for one in ast.walk(node) if isinstance(one, ast.Dict))


def _arguments(name: str, *, rooms: tuple[str, ...] = ROOMS) -> set[str]:
    """The codes written as the keyword argument `name`."""
    keywords = (node for node in _nodes(*rooms) if isinstance(node, ast.keyword) and node.arg == name)
    return {code for keyword in keywords for code in _texts(_branches([keyword.value]))}


def _faults() -> set[str]:
    """How a wire, a reader or a board is broken."""
    calls = (*_calls("_fault"), *_calls("report_fault"))
    return {code for call in calls for code in _texts(_branches(call.args))}


def _constants(*places: str) -> set[str]:
    """The public constants of modules that are codes."""
    found = set()
    for path in [ROOT / place for place in places] or _files(*ROOMS):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                    found |= set(_texts([value]))
    return found


def _calls(name: str) -> list[ast.Call]:
    calls = []
    for node in _nodes():
        match node:
            case ast.Call(func=ast.Attribute(attr=found) | ast.Name(id=found)) if found == name:
                calls.append(node)
    assert calls, f"nothing calls {name}: its new name belongs here"
    return calls


def _dictionaries(node: ast.expr) -> Iterator[ast.Dict]:
    return (one for one in ast.walk(node) if isinstance(one, ast.Dict))


def _branches(nodes: list[ast.expr]) -> list[ast.expr | None]:
    """Either end of a choice, for `a if … else b`."""
    return [end for node in nodes for end in ((node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,))]


def _texts(nodes: list[ast.expr] | list[ast.expr | None]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Constant(value=str() as text) if _CODE.fullmatch(text):
                yield text


def _nodes(*rooms: str) -> Iterator[ast.AST]:
    for path in _files(*rooms or ROOMS):
        yield from _nodes_in(path)


@cache
def _nodes_in(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _files(*rooms: str) -> list[Path]:
    found = (path for room in rooms for path in sorted((ROOT / room).rglob("*.py")))
    return [path for path in found if path.name not in _NO_CODES]
