"""`campusgate zones`: the zones that gates lead into, and who is inside."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors
from campusgate.terminal import write_lines

_Name = Annotated[str, typer.Argument(help="The zone's name: small letters, digits, hyphens.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    zones = typer.Typer(help="Zones that gates lead into.", no_args_is_help=True)
    zones.command("list")(list_)
    zones.command()(put)
    zones.command()(remove)
    zones.command()(inside)
    app.add_typer(zones, name="zones")


def list_(as_json: _Json = False) -> None:
    """List the zones with how many are inside, by their passages of the last day."""
    from campusgate.settings import Settings
    from directory import gates, zone_passages
    from operations import muster

    with open_database(Settings()) as database, database.read() as session:
        counted = zone_passages.count_inside(session, now=datetime.now(UTC))
        limits = muster.limits(session)
        shown = [
            {"zone": one.name, "title": one.title, "inside": counted.get(one.name, 0), "limit": limits.get(one.name)}
            for one in gates.find_zones(session)
        ]
    if as_json:
        print_json(shown)
        return
    write_lines([f"{one['zone']}  {one['title']}  inside {one['inside']}{_of(one['limit'])}" for one in shown])


def put(
    name: _Name,
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
) -> None:
    """Add a zone, or give one another title."""
    from pydantic import TypeAdapter, ValidationError

    from access.policy import Name
    from accounts import audit
    from campusgate.settings import Settings
    from directory import gates

    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise CommandError(f"{name!r} names no zone: up to 63 small letters, digits and hyphens") from error
    settings = Settings()
    with problems_as_errors(), open_database(settings) as database, database.begin() as session:
        gates.put_zone(session, name, site=settings.site, title=title or name, by=audit.SYSTEM, now=datetime.now(UTC))


def remove(name: _Name) -> None:
    """Remove a zone that no gate leads into or out of."""
    from accounts import audit
    from campusgate.settings import Settings
    from directory import gates

    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        gates.remove_zone(session, name, by=audit.SYSTEM, now=datetime.now(UTC))


def inside(
    name: _Name,
    *,
    hours: Annotated[int, typer.Option(min=1, max=24 * 31, help="Passages of so many hours count.")] = 24,
    as_json: _Json = False,
) -> None:
    """List who is inside, longest first: for an evacuation. That somebody looked stands in the audit trail."""
    from accounts import audit
    from accounts.tables import Person
    from campusgate.settings import Settings
    from directory.tables import ZoneRecord
    from operations import muster

    now = datetime.now(UTC)
    with open_database(Settings()) as database, database.begin() as session:
        if session.get(ZoneRecord, name) is None:
            raise CommandError(f"there is no zone {name!r}")
        audit.record(session, actor=audit.SYSTEM, action="muster.read", subject=f"zone:{name}", now=now)
        shown = []
        for one in muster.inside(session, name, since=now - timedelta(hours=hours)):
            person = session.get(Person, one.person_id)
            shown.append(
                {
                    "number": person.number if person else None,
                    "name": person.name if person else None,
                    "gate": one.gate,
                    "since": one.since.isoformat(),
                    "certain": one.certain,
                }
            )
    if as_json:
        print_json(shown)
        return
    write_lines(
        [
            f"{one['number']}  {one['name']}  since {one['since']} by {one['gate']}{'' if one['certain'] else ' ?'}"
            for one in shown
        ]
    )


def _of(limit: object) -> str:
    return "" if limit is None else f" of {limit}"
