"""Chinese texts, wherever they stand in the programs and pages: Chinese punctuation, and a polite form of address."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from console.texts import TEXTS

ROOT = Path(__file__).parent.parent
LINKED = re.compile(r"\]\([^)]*\)")
NOT_SHIPPED = {"tests", "benchmarks", "tools"}
ROOMS = sorted(path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in NOT_SHIPPED)

HAN = "[一-鿿]"
PUNCTUATION = re.compile(rf"{HAN}\s*[,;:?!()]|[,;:?!()]\s*{HAN}|{HAN}\.(?!\w)|{HAN}\.\.\.|[「」]")


def _written() -> Iterator[tuple[str, str]]:
    """Every text that holds Chinese, with its place."""
    for room in ROOMS:
        for path in sorted(room.rglob("*")):
            where = path.relative_to(ROOT)
            yield from ((f"{where}:{place}", text) for place, text in _texts(path))
    for path in [ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.zh-CN.md"))]:
        yield from ((f"{path.relative_to(ROOT)}:{place}", LINKED.sub("]", text)) for place, text in _lines(path))


def _texts(path: Path) -> Iterator[tuple[int | str, str]]:
    match path.suffix:
        case ".py":
            yield from _strings(path)
        case ".toml" if "words" in {path.parent.name, path.stem}:
            yield from _values(tomllib.loads(path.read_text("utf-8")))
        case ".html" | ".js" | ".svg":
            yield from _lines(path)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    return enumerate(path.read_text("utf-8").splitlines(), start=1)


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module that are no documentation, an f-string as one with its values as a word."""
    source = path.read_text("utf-8")
    if not re.search(rf"{HAN}|\\[uUN]", source):  # most modules hold no Chinese; to read a tree takes a while
        return
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                yield node.lineno, "".join(one.value if isinstance(one, ast.Constant) else "值" for one in values)
            case ast.Constant(value=str() as text) if id(node) not in docs | parts:
                yield node.lineno, text


def _values(table: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _values(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value[0]


@cache
def _chinese() -> list[tuple[str, str]]:
    return [(where, text) for where, text in _written() if re.search(HAN, text.replace("值", ""))]


def test_the_texts_are_found() -> None:
    assert len(_chinese()) > 800


def test_chinese_punctuation_is_as_wide_as_its_characters() -> None:
    assert [(where, text) for where, text in _chinese() if PUNCTUATION.search(text)] == []


def test_readers_are_addressed_politely() -> None:
    assert [(where, text) for where, text in _chinese() if "你" in text] == []


@pytest.mark.parametrize("text", ["照片模糊,请重拍。", "阈值: 0.4", "人数(24 小时)", "好了吗?", "门已关."])
def test_narrow_punctuation_is_noticed(text: str) -> None:
    assert PUNCTUATION.search(text)


@pytest.mark.parametrize("text", ["照片模糊，请重拍。", "阈值：0.4", "JPEG, PNG", "温度（°C）", "最多 {limit}"])
def test_what_is_right_is_left_alone(text: str) -> None:
    assert not PUNCTUATION.search(text)


BETWEEN_VALUES = re.compile(r'(?:\}\}|%\})(?:</[a-z]+>)?[,:;](?=[\s{<]|$)|join\(" ?[,;] ?"|\{\{ "[,;] "| \(\{\{')
"""What a template sets between two values is punctuation of the reader's language: `t("punctuation.colon")`."""


def test_templates_leave_punctuation_between_values_to_the_language() -> None:
    templates = sorted((ROOT / "console" / "templates").rglob("*.html"))
    assert templates
    found = [
        (path.name, number, line.strip())
        for path in templates
        for number, line in _lines(path)
        if BETWEEN_VALUES.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["{{ a }}: {{ b }}", "{{ name }}:</span>", "{% endif %}, {{ b }}", "{{ a }} ({{ b }})", '{{ a | join(", ") }}'],
)
def test_narrow_punctuation_between_values_is_noticed(line: str) -> None:
    assert BETWEEN_VALUES.search(line)


def test_no_space_follows_wide_punctuation_that_a_text_ends_with() -> None:
    found = [
        (path.name, number, key)
        for path in sorted((ROOT / "console" / "templates").rglob("*.html"))
        for number, line in _lines(path)
        for key in re.findall(r"""t\(["']([\w.]+)["']\) \}\} (?:\{\{|<)""", line)
        if TEXTS.get(key, ("",))[0].endswith(("：", "，", "；"))
    ]
    assert found == []
