"""`campusgate alarms`: what somebody must look at."""

import sys
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(alarms)
    group.command()(acknowledge)
    app.add_typer(group, name="alarms")


def acknowledge(
    alarm_id: Annotated[UUID, typer.Argument(help="The alarm's id, as --json prints it.")],
    note: Annotated[str, typer.Argument(help="What was found, and what is done about it.")],
    by: Annotated[str, typer.Option(help="Number of whoever looks after it: facilities or an administrator.")],
) -> None:
    """Say that somebody has seen an alarm and looks after it; escalation ends. It stands in the audit trail."""
    from accounts import people
    from accounts.vocabulary import Role
    from campusgate.settings import Settings
    from operations.alarms import register as alarm_register

    if not note.strip():
        raise CommandError("say in the note what was found: it is what the next shift reads")
    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        person = people.by_number(session, by)
        if person is None:
            raise CommandError(f"there is no person with the number {by}")
        if not person.roles & {Role.FACILITIES, Role.ADMIN}:
            raise CommandError(f"{by} has neither of the roles facilities and admin, which look after alarms")
        alarm = alarm_register.acknowledge(session, alarm_id, by=person.id, note=note.strip(), now=datetime.now(UTC))
        sys.stdout.write(f"{alarm.gate}  {alarm.kind}  {'closed' if alarm.closed_at else 'acknowledged'}\n")


def alarms(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over, newest first.")] = False,
    gate: Annotated[str | None, typer.Option(help="Of this gate only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the open alarms: what nobody has acknowledged first, then the worst, then the newest.

    `alarms acknowledge` says that somebody looks after one.
    """
    from campusgate.settings import Settings

    if context.invoked_subcommand is not None:
        return
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
