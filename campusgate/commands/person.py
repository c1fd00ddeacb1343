"""`campusgate people show`: one person, as the office's page shows them."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json
from campusgate.commands.people import people_commands
from campusgate.terminal import write_lines


def register(_app: typer.Typer) -> None:
    """Add the command to the group `people`."""
    people_commands.command()(show)


def show(
    number: Annotated[str, typer.Argument(help="The person's number.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one person: particulars, roles, cards, face, passes. That somebody looked stands in the audit trail."""
    from accounts import audit, cards, people
    from campusgate.settings import Settings
    from directory import visitor_passes
    from enrollment import consent
    from enrollment.tables import TemplateRecord

    now = datetime.now(UTC)
    with open_database(Settings()) as database, database.begin() as session:
        person = people.by_number(session, number)
        if person is None:
            raise CommandError(f"there is no person with the number {number}")
        audit.record(session, actor=audit.SYSTEM, action="person.read", subject=f"person:{person.id}", now=now)
        held = cards.of_person(session, person.id, ended=False)
        templates = session.query(TemplateRecord).filter_by(person_id=person.id, state="active")
        shown: dict[str, Any] = {
            "id": str(person.id),
            "number": person.number,
            "name": person.name,
            "kind": person.kind.value,
            "state": person.state.value,
            "department": person.department,
            "groups": sorted(person.groups),
            "roles": sorted(role.value for role in person.roles),
            "valid_from": person.valid_from.isoformat(),
            "valid_until": person.valid_until.isoformat() if person.valid_until else None,
            "cards": [f"{card.kind.value} {card.state.value}" for card in held],
            "consented": consent.find_current(session, person.id) is not None,
            "models": sorted({one.model_id for one in templates}),
            "passes": [
                f"{visitor_passes.state_of(one, now).value} until {one.valid_until.isoformat()}: {', '.join(one.gates)}"
                for one in visitor_passes.find(session, person_id=person.id)
            ],
        }
    if as_json:
        print_json(shown)
        return
    write_lines([f"{name}: {_text(value)}" for name, value in shown.items()])


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value) or "-"
    return str(value or "-")
