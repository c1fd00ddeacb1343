"""A code of an event, a reason or a refusal is written once, in its enumeration, and nowhere compared as text."""

import ast
from collections.abc import Iterator
from enum import StrEnum

import pytest

from access.reasons import Notice, Reason
from messages import CommandEffect, EventKind, NotSent, Refusal
from tests.test_architecture import MAY_IMPORT, ROOT

ENUMS: tuple[type[StrEnum], ...] = (EventKind, Reason, Notice, Refusal, NotSent, CommandEffect)
OTHER_WORDS = {
    # of accounts, cards, holds and photos
    "closed", "expired", "suspended", "not_yet_valid", "refused", "done", "passed",
    # of doors: actions, states, modes and wires
    "lockdown", "held_open", "always_closed", "tamper",
    # of a gate's policy: the rule itself
    "curfew",
    # of the storage that a server writes to
    "unreachable",
    # the name of a field of events and decisions
    "granted",
}  # fmt: skip
"""Codes that are also words of another vocabulary: as text they cannot be told apart."""
CODES = {code.value: f"{enum.__name__}.{code.name}" for enum in ENUMS for code in enum}
CODE_FIELDS = {"kind", "reason", "refusal"}


def raw_codes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every code that is compared, given as a code, or kept under a name beside its enum.

    What a class declares is its own vocabulary: an enumeration's values, the code of a problem, columns.
    """
    own_words = {id(line) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for line in node.body}
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name() | ast.Attribute()]):
                continue  # a key is looked up: no code is compared
            case ast.Compare(left=left, comparators=others):
                yield from _texts([left, *others])
            case ast.keyword(arg=name, value=value) if name in CODE_FIELDS:
                yield from _texts([value])
            case ast.MatchValue(value=value):
                yield from _texts([value])
            case ast.comprehension(iter=value):
                yield from _texts([value])
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) if id(node) not in own_words:
                yield from _texts([value])


def _texts(nodes: list[ast.expr]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        match node:
            case ast.Constant(value=str() as text) if text in CODES and text not in OTHER_WORDS:
                yield node.lineno, text
            case ast.Set(elts=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
                yield from _texts(parts)
            case ast.Dict(keys=keys, values=values):
                yield from _texts([one for one in (*keys, *values) if one is not None])
            case ast.IfExp(body=body, orelse=orelse):
                yield from _texts([body, orelse])
            case ast.Call(args=arguments):
                yield from _texts(arguments)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_code_is_written_as_text(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text!r} is {CODES[text]}"
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts
        for line, text in raw_codes(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "x = event.kind == 'access_granted'",
        "x = kind in {'door_forced', other}",
        "record(kind='door_forced')",
        "record(EventKind.TAMPER, reason='pin_wrong' if wrong else None)",
        "NO_BROKER = 'no_broker'",
        "RAISED_BY: Mapping[str, int] = {'fire_opened': 1}",
        "_GOES_ON = frozenset({'pin_required'})",
        "def f():\n    kinds = {'camera_lost'}",
        "x = [kind for kind in ('door_held', other)]",
        "match kind:\n    case 'camera_lost':\n        pass",
    ],
)
def test_raw_codes_are_found(source: str) -> None:
    assert list(raw_codes(ast.parse(source)))


def test_words_of_another_vocabulary_are_really_codes_too() -> None:
    assert set(CODES) >= OTHER_WORDS
