"""`campusgate doctor`: is all well that a server, gate or card dispenser needs, and what is to be mended?"""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from campusgate.commands import print_json

if TYPE_CHECKING:
    from campusgate.doctor.findings import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    *,
    role: Annotated[
        Literal["server", "controller", "edge", "dispenser", "meters", "library", "shower", "display"] | None,
        typer.Option("--as", help="What these settings are for; without it they are asked."),
    ] = None,
    door: Annotated[
        Path | None, typer.Option(help="The controller's door file; beside its settings without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Examine each link of this machine: keys, folders, clock, database, broker, server, models, camera, door, kiosk.

    Nothing is changed, and no running process is disturbed. Exits with 1 where something is to be mended.
    """
    from campusgate.doctor.findings import Status

    env_file = context.find_root().params.get("env_file")
    found: list[Finding] = []
    known, findings = _begin(role, env_file, door)
    for finding in findings:
        found.append(finding)
        if not as_json:
            sys.stdout.write(f"{_SIGNS[finding.status]}  {finding.link:9} {finding.says}\n")
            sys.stdout.flush()
    faults = [one for one in found if one.status is Status.FAULT]
    if as_json:
        print_json({"role": known, "well": not faults, "findings": [asdict(one) for one in found]})
    elif faults:
        sys.stdout.write(f"{known}: {len(faults)} to mend\n")
    else:
        sys.stdout.write(f"{known}: all is well\n")
    if faults:
        raise typer.Exit(1)


_SIGNS = {"ok": "ok     ", "warning": "warning", "fault": "MEND   ", "skipped": "-      "}


def _begin(role: str | None, env_file: Path | None, door: Path | None) -> "tuple[str, Iterable[Finding]]":
    """Return whose settings these are, and what will be found; settings that cannot be read are a fault themselves."""
    from campusgate.doctor.examination import examine_all, find_role, read_settings

    settings, problem = read_settings()
    if settings is None or problem is not None:
        return role or "machine", [problem] if problem is not None else []
    known = role or find_role(settings, env_file)
    if door is None and known == "controller" and env_file is not None:
        beside = env_file.with_name(f"door-{settings.gate}.toml")
        door = beside if beside.exists() else None
    return known, examine_all(settings, known, env_file=env_file, door_file=door)
