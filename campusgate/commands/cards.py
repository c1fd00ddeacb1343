"""`campusgate cards`: cards of a person, as the counter has them."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from accounts.tables import Card, Person

_Number = Annotated[str, typer.Argument(help="The person's number.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    cards = typer.Typer(help="Cards of a person: issue, list, report lost.", no_args_is_help=True)
    cards.command("list")(list_)
    cards.command()(issue)
    cards.command()(lose)
    app.add_typer(cards, name="cards")


def list_(
    number: _Number,
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that count no more.")] = False,
    as_json: _Json = False,
) -> None:
    """List a person's cards, oldest first. That somebody looked stands in the audit trail."""
    from accounts import audit, cards
    from campusgate.settings import Settings

    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        person = _find(session, number)
        audit.record(
            session, actor=audit.SYSTEM, action="cards.read", subject=f"person:{person.id}", now=datetime.now(UTC)
        )
        found = [_shown(card) for card in cards.of_person(session, person.id, ended=ended)]
    _print(found, as_json=as_json)


def issue(
    number: _Number,
    uid: Annotated[str, typer.Argument(help="The card's UID in hexadecimal, as the reader shows it.")],
    *,
    as_json: _Json = False,
) -> None:
    """Hand a person their first card, free of charge; they are told. A later one is a reissue, at the counter."""
    from accounts import audit, cards, people
    from accounts.people.notices import AccountNotice
    from campusgate.settings import Settings
    from enrollment import account_notices

    settings, now = Settings(), datetime.now(UTC)
    settings.require("credential_key")
    with problems_as_errors(), open_database(settings) as database, database.begin() as session:
        person = _find(session, number)
        people.require_usable(person, now)
        card = cards.issue(session, person, uid, key_number=None, by=audit.SYSTEM, now=now)
        account_notices.write(session, person.id, AccountNotice.CARD_ISSUED, now=now)
        shown = _shown(card)
    _print([shown], as_json=as_json)


def lose(number: _Number, as_json: _Json = False) -> None:
    """Report a person's card lost: every gate refuses it, and their virtual ones, within seconds."""
    from accounts import audit, cards, people
    from accounts.cards import loss
    from campusgate.settings import Settings

    now = datetime.now(UTC)
    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        person = people.get(session, _find(session, number).id, lock=True)
        loss.report(session, person, through="counter", by=audit.SYSTEM, now=now)
        found = [_shown(card) for card in cards.of_person(session, person.id, ended=False)]
    _print(found, as_json=as_json)


def _find(session: "Session", number: str) -> "Person":
    from accounts import people

    person = people.by_number(session, number)
    if person is None:
        raise CommandError(f"there is no person with the number {number}")
    return person


def _shown(card: "Card") -> dict[str, Any]:
    return {
        "id": str(card.id),
        "kind": card.kind.value,
        "state": card.state.value,
        "issued_at": card.issued_at.isoformat(),
        "ended_at": card.ended_at.isoformat() if card.ended_at else None,
    }


def _print(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for one in found:
        sys.stdout.write(f"{one['id']}  {one['kind']}  {one['state']}  issued {one['issued_at']}\n")
