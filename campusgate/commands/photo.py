"""`campusgate photo`: check photos against the rules before they are handed in."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, print_json

if TYPE_CHECKING:
    from enrollment.quality import Checker, QualityReport

_MARKS = {"accept": "✓", "review": "?", "reject": "✗"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    photo = typer.Typer(help="Photos and the rules for them.", no_args_is_help=True)
    photo.command()(check)
    app.add_typer(photo, name="photo")


def check(
    files: Annotated[list[Path], typer.Argument(help="Photos to check.", metavar="FILE…")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    limits: Annotated[Path | None, typer.Option(help="TOML file with other limits.")] = None,
) -> None:
    """Check photos against the photo rules.

    A photo that breaks a rule, or cannot be read, is a result and no failure: the exit code is 0. A file that is not
    there gets its verdict like the others, and the command then ends with exit code 2.
    """
    from enrollment.photo import Unreadable, UnreadablePhotoError, decode
    from enrollment.quality import report_unreadable

    checker = _checker(limits)
    answers: list[dict[str, Any]] = []
    missing: list[str] = []
    for path in files:
        try:
            report = checker.check(decode(path))
        except UnreadablePhotoError as error:
            report = report_unreadable(error)
            if error.reason is Unreadable.MISSING:
                missing.append(str(error))
        answers.append({"file": _shown(path), **report.to_json()})
        if not as_json:
            _print(path, report)
    if as_json:
        print_json(answers)
    if missing:
        raise CommandError("; ".join(missing))


def _checker(limits: Path | None) -> "Checker":
    from campusgate.settings import Settings
    from campusgate.wiring.photo_checker import load_checker

    return load_checker(Settings(), limits)[1]


def _print(path: Path, report: "QualityReport") -> None:
    lines: list[str] = [f"{_MARKS[report.verdict]} {_shown(path)}: {report.verdict}"]
    for result in report.failed:
        finding: Any = result.finding
        lines.append(f"    {result.rule} ({result.level}): {finding.value:.3g}, limit {finding.limit:.3g}")
        if finding.advice:
            lines += [f"      {finding.advice.zh}", f"      {finding.advice.en}"]
    sys.stdout.write("\n".join(lines) + "\n")


def _shown(path: Path) -> str:
    """Return the path as text that can be printed, even if its name is no text."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
