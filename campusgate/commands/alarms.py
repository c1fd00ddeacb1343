"""`campusgate alarms`: what somebody must look at."""

import sys
from typing import Annotated

import typer

from campusgate.commands import open_database, print_json
from campusgate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(alarms)


def alarms(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over, newest first.")] = False,
    gate: Annotated[str | None, typer.Option(help="Of this gate only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the open alarms: what nobody has acknowledged first, then the worst, then the newest.

    They are acknowledged on the pages, by somebody who has a name.
    """
    from operations.alarms import register as alarm_register

    with open_database(Settings()) as database, database.read() as session:
        if every:
            found = list(alarm_register.find(session, limit=limit, gate=gate))
        else:
            found = [one for one in alarm_register.open_alarms(session) if gate in {None, one.gate}][:limit]
        shown = [
            {
                "id": str(one.id),
                "gate": one.gate,
                "kind": one.kind,
                "severity": one.severity,
                "reason": one.reason,
                "raised_at": one.raised_at.isoformat(),
                "count": one.count,
                "acknowledged_at": one.acknowledged_at.isoformat() if one.acknowledged_at else None,
                "closed_at": one.closed_at.isoformat() if one.closed_at else None,
            }
            for one in found
        ]
    if as_json:
        print_json(shown)
        return
    for one in shown:
        state = "closed" if one["closed_at"] else "acknowledged" if one["acknowledged_at"] else "open"
        sys.stdout.write(f"{one['raised_at']}  {one['severity']}  {one['gate']}  {one['kind']}  {state}\n")
