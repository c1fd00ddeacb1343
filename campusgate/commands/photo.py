"""`campusgate photo`: check photos against the rules before they are handed in."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, print_json
from campusgate.settings import Settings

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

    A photo that breaks a rule, or cannot be read, is a result and no failure: the exit code is 0.
    """
    from enrollment.photo import UnreadablePhotoError, decode
    from enrollment.quality import refused

    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise CommandError(f"there is no file {', '.join(missing)}: check the path")
    checker = _checker(limits)
    reports: list[tuple[Path, QualityReport]] = []
    for path in files:
        try:
            report = checker.check(decode(path))
        except UnreadablePhotoError as error:
            report = refused(error)
        reports.append((path, report))
        if not as_json:
            _print(path, report)
    if as_json:
        print_json([{"file": str(path), **report.to_json()} for path, report in reports])


def _checker(limits: Path | None) -> "Checker":
    from campusgate.photo_checks import load_checker
    from enrollment.quality import LimitsError
    from models.store import ModelError

    try:
        return load_checker(Settings(), limits)[1]
    except (LimitsError, ModelError) as error:
        raise CommandError(str(error)) from error


def _print(path: Path, report: "QualityReport") -> None:
    lines: list[str] = [f"{_MARKS[report.verdict]} {path}: {report.verdict}"]
    for result in report.failed:
        finding: Any = result.finding
        lines.append(f"    {result.rule} ({result.level}): {finding.value:.3g}, limit {finding.limit:.3g}")
        if finding.advice:
            lines += [f"      {finding.advice.zh}", f"      {finding.advice.en}"]
    sys.stdout.write("\n".join(lines) + "\n")
