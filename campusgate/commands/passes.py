"""`campusgate passes`: visitors' passes, as the office gives them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors
from campusgate.terminal import write_lines

if TYPE_CHECKING:
    from directory.tables import VisitorPass

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_TIME = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    passes = typer.Typer(help="Visitors' passes: give, list, end.", no_args_is_help=True)
    passes.command("list")(list_)
    passes.command()(give)
    passes.command()(end)
    app.add_typer(passes, name="passes")


def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: _Json = False,
) -> None:
    """List passes, newest first. That somebody looked stands in the audit trail."""
    from accounts import audit
    from campusgate.settings import Settings
    from directory import visitor_passes

    now = datetime.now(UTC)
    with open_database(Settings()) as database, database.begin() as session:
        audit.record(session, actor=audit.SYSTEM, action="passes.read", subject="passes:list", now=now)
        found = visitor_passes.find_latest(session, valid_at=None if every else now, limit=limit)
        shown = [_shown(one, now) for one in found]
    _print(shown, as_json=as_json)


def give(
    number: Annotated[str, typer.Argument(help="The visitor's number: people add NUMBER NAME --kind visitor.")],
    *,
    gate: Annotated[list[str], typer.Option(help="A gate that it opens; may be repeated.")],
    until: Annotated[datetime, typer.Option(formats=_TIME, help="When it ends, by campus time.")],
    since: Annotated[datetime | None, typer.Option(formats=_TIME, help="When it begins; now by default.")] = None,
    code: Annotated[bool, typer.Option("--code/--no-code", help="Make a code, which is shown this once.")] = True,
    digits: Annotated[bool, typer.Option("--digits", help="A code of digits alone, for a keypad.")] = False,
    as_json: _Json = False,
) -> None:
    """Give somebody a pass, and print its code this once."""
    from accounts import audit, people
    from campusgate.settings import Settings
    from directory import visitor_passes

    settings, now = Settings(), datetime.now(UTC)
    key = settings.require_key("credential_key")
    with problems_as_errors(), open_database(settings) as database, database.begin() as session:
        person = people.by_number(session, number)
        if person is None:
            raise CommandError(f"there is no person with the number {number}")
        made, secret = visitor_passes.issue(
            session,
            person_id=person.id,
            gates=gate,
            valid_from=now if since is None else since.replace(tzinfo=settings.time_zone).astimezone(UTC),
            valid_until=until.replace(tzinfo=settings.time_zone).astimezone(UTC),
            with_code=code,
            digits_only=digits,
            credential_key=key,
            by=audit.SYSTEM,
            now=now,
        )
        shown = _shown(made, now)
    _print([shown | {"code": secret}], as_json=as_json)


def end(
    pass_id: Annotated[UUID, typer.Argument(help="The pass's id, as `passes list` prints it.")], as_json: _Json = False
) -> None:
    """End a pass early: every gate forgets it within moments."""
    from accounts import audit
    from campusgate.settings import Settings
    from directory import visitor_passes

    now = datetime.now(UTC)
    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        shown = _shown(visitor_passes.end(session, pass_id, by=audit.SYSTEM, now=now), now)
    _print([shown], as_json=as_json)


def _shown(one: "VisitorPass", now: datetime) -> dict[str, Any]:
    from directory.visitor_passes import state_of

    return {
        "id": str(one.id),
        "person_id": str(one.person_id),
        "state": state_of(one, now).value,
        "gates": one.gates,
        "valid_from": one.valid_from.isoformat(),
        "valid_until": one.valid_until.isoformat(),
    }


def _print(shown: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    lines = []
    for one in shown:
        until = f"until {one['valid_until']}"
        code = f"  code {one['code']}" if one.get("code") else ""
        lines.append(f"{one['id']}  {one['state']}  {', '.join(one['gates'])}  {until}{code}")
    write_lines(lines)
