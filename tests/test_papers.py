"""The papers for whoever carries on say what is there: names, files, threads, commands and links."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.test_architecture import modules

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
FOR_CONTRIBUTORS = {"CHANGELOG.md", "CONTRIBUTING.md", "docs/decisions/README.md"}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a module defines: `name`, `Class`, `Class.member`, in whatever depth."""
    found: set[str] = set()

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.ClassDef(name=name):
                    found.add(prefix + name)
                    visit(child, f"{prefix}{name}.")
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found.add(prefix + name)
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found.add(prefix + name)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    found.add(prefix + name)
                case ast.ImportFrom(names=names):
                    found.update(prefix + (alias.asname or alias.name) for alias in names)
                case ast.If() | ast.Try():
                    visit(child, prefix)

    visit(ast.parse(text_of(path)), "")
    return frozenset(found)


def test_names_spell_enrollment_as_the_urls_do() -> None:
    """The prose is British and writes enrolment; names, of files too, have one spelling: enrollment."""
    wrong = []
    for path in [*modules(), *sorted((ROOT / "tests").rglob("*.py"))]:
        names = {path.stem, *(part.rsplit(".", 1)[-1] for part in names_in(path))}
        wrong += [f"{path.relative_to(ROOT)}: {name}" for name in names if "enrolment" in name.lower()]
    assert not wrong, "\n".join(wrong)


def is_in_code(dotted: str) -> bool:
    """Tell whether `room.module`, `room.module.Class` or `room.module.Class.member` exists."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        if file.is_file():
            rest = ".".join(parts[length:])
            return not rest or rest in names_in(file)
    return False


def test_names_are_looked_up_in_code() -> None:
    assert is_in_code("access.decision")
    assert is_in_code("messages.events.EventKind.TAMPER")
    assert is_in_code("messages.EventKind")
    assert not is_in_code("access.decision.nothing")
    assert not is_in_code("nowhere.decision")


# --- Words ----------------------------------------------------------------------------------------------------------

GLOSSARY = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in text_of(DOCS / "glossary.md").splitlines()
    if line.startswith("| ") and not line.startswith("| English")
]


def test_the_glossary_gives_each_word_once_in_both_languages() -> None:
    assert len(GLOSSARY) > 60
    assert [row for row in GLOSSARY if len(row) != 4 or not re.search("[一-鿿]", row[1]) or not row[3]] == []
    english = [row[0].casefold() for row in GLOSSARY]
    assert sorted(word for word in set(english) if english.count(word) > 1) == []


def test_every_name_in_the_glossary_is_in_code() -> None:
    named = [name for row in GLOSSARY for name in re.findall(r"`([^`]+)`", row[2])]
    assert len(named) > 60
    assert [name for name in named if not is_in_code(name)] == []


# --- Ways through the house -------------------------------------------------------------------------------------------


def test_the_ways_that_are_followed_pass_files_and_functions_that_exist() -> None:
    page = text_of(DOCS / "architecture.md")
    steps = re.findall(r"^\| .*\| `([\w/]+\.py)`((?:,? `[\w.]+`)*) \|$", page, re.MULTILINE)
    assert len(steps) > 40
    wrong = [file for file, _ in steps if not (ROOT / file).is_file()]
    wrong += [
        f"{file}: {name}"
        for file, names in steps
        if (ROOT / file).is_file()
        for name in re.findall(r"`([\w.]+)`", names)
        if name not in names_in(ROOT / file)
    ]
    assert wrong == []


@pytest.mark.parametrize("way", ["a frame", "a photo", "a payment", "a loss report", "a staff order"])
def test_each_way_is_followed(way: str) -> None:
    assert re.search(rf"^### .*{way}", text_of(DOCS / "architecture.md"), re.MULTILINE | re.IGNORECASE)


# --- Threads ----------------------------------------------------------------------------------------------------------

THREADS = re.findall(r"^\| `([^`]+)` \| `([\w/]+\.py)`", text_of(DOCS / "processes.md"), re.MULTILINE)


@cache
def started_threads() -> list[tuple[str, str | None]]:
    """File and name of each thread or pool that product code starts; None where the name is a variable."""
    found = []
    for path in modules():
        source = text_of(path)
        if "Thread" not in source:  # most modules start none; to read a tree takes a while
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call):
                continue
            function = ast.unparse(node.func).rsplit(".", 1)[-1]
            if function not in {"Thread", "ThreadPoolExecutor"}:
                continue
            named = [one.value for one in node.keywords if one.arg in {"name", "thread_name_prefix"}] or node.args[1:2]
            found.append((path.relative_to(ROOT).as_posix(), _name(named[0]) if named else ""))
    return found


def _name(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str() as name):
            return name
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in values)
    return None


def test_every_thread_has_a_name_and_stands_on_the_page() -> None:
    started = [one for one in started_threads() if not one[0].startswith("campusgate/demo/")]
    assert len(started) > 15
    assert [file for file, name in started if name == ""] == []
    assert {(name, file) for file, name in started if name is not None} - set(THREADS) == set()


def test_every_thread_on_the_page_is_named_in_the_file_beside_it() -> None:
    started = set(started_threads())
    page = text_of(DOCS / "processes.md")
    assert [file for file, name in started if name is None and f"`{file}`" not in page] == []
    wrong = [
        (name, file)
        for name, file in THREADS
        if (file, name) not in started and not ((ROOT / file).is_file() and f'"{name}"' in text_of(ROOT / file))
    ]
    assert wrong == []


# --- Papers and their links -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        address, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", address):
            continue
        file = (page.parent / address) if address else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    assert wrong == []


def anchors(page: Path) -> set[str]:
    """The addresses that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_both_readmes_lead_to_every_page(readme: str) -> None:
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text_of(ROOT / readme))}
    pages = {page.relative_to(ROOT).as_posix() for page in DOCS.glob("*.md")}
    assert (pages | FOR_CONTRIBUTORS) - linked == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_module_and_folder_that_a_page_names_exists(page: Path) -> None:
    """By its path from the top; the changelog names what is gone too."""
    named = re.findall(r"`([a-z_]+/(?:[a-z0-9_-]+/)*(?:[\w-]+\.\w+)?)`", text_of(page))
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    if page.name != "CHANGELOG.md":
        assert [name for name in named if name.split("/")[0] in folders and not (ROOT / name).exists()] == []


def test_files_that_contributors_are_sent_to_exist() -> None:
    named = re.findall(r"`([\w./-]+/[\w.-]*|[\w-]+\.(?:py|toml|md|yaml))`", text_of(ROOT / "CONTRIBUTING.md"))
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_decisions_are_listed_and_have_their_four_parts() -> None:
    index = text_of(DOCS / "decisions" / "README.md")
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert len(records) >= 6
    for number, record in enumerate(records, start=1):
        assert record.name.startswith(f"{number:04}-")
        assert f"({record.name})" in index
        headings = re.findall(r"^## (.+)$", text_of(record), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "What would change our mind"], record.name


def test_the_changelog_has_the_present_version() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    assert f"## [{version}]" in text_of(ROOT / "CHANGELOG.md")


# --- Tools ------------------------------------------------------------------------------------------------------------


def test_help_lists_every_target() -> None:
    makefile = text_of(ROOT / "Makefile")
    phony = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split()
    command = ["make", "--no-print-directory", "help"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make (\w+)", printed, re.MULTILINE)) == set(phony)


def test_the_quick_check_names_tests_that_exist() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "check"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"\btests/[\w/.]+", printed)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_hooks_come_from_nowhere_else() -> None:
    hooks = yaml.safe_load(text_of(ROOT / ".pre-commit-config.yaml"))
    assert [one["repo"] for one in hooks["repos"]] == ["local"]
    assert {hook["language"] for hook in hooks["repos"][0]["hooks"]} <= {"system", "pygrep"}


def test_fields_are_described_by_strings_below_them() -> None:
    """One style: no list of attributes in a class's docstring."""
    listed = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in modules()
        if "Attributes:" in text_of(path)
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.ClassDef) and re.search(r"^Attributes:$", ast.get_docstring(node) or "", re.MULTILINE)
    ]
    assert listed == []
