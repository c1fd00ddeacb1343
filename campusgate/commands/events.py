"""`campusgate events`: what happened at the gates."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from campusgate.commands import CommandError, open_database, print_json
from campusgate.terminal import write_lines


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(events)


def events(
    *,
    gate: Annotated[list[str] | None, typer.Option(help="At this gate; may be repeated.")] = None,
    person: Annotated[str | None, typer.Option(help="Of the person with this number.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Of this kind, as access_denied; may be repeated.")] = None,
    reason: Annotated[str | None, typer.Option(help="With this reason, such as card_lost.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 366, help="Of so many hours, until now.")] = 24.0,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List events, newest first. That somebody looked stands in the audit trail, of a person's under that person."""
    from accounts import audit, people
    from campusgate.settings import Settings
    from messages import EventKind
    from operations.event_search import EventSearch, find_events

    if unknown := [one for one in kind or () if one not in {each.value for each in EventKind}]:
        raise CommandError(f"--kind {unknown[0]}: kinds are {', '.join(EventKind)}")
    now = datetime.now(UTC)
    with open_database(Settings()) as database, database.begin() as session:
        asked = None if person is None else people.by_number(session, person)
        if person is not None and asked is None:
            raise CommandError(f"there is no person with the number {person}")
        subject = "events:list" if asked is None else f"person:{asked.id}"
        audit.record(session, actor=audit.SYSTEM, action="events.read", subject=subject, now=now)
        search = EventSearch(
            since=now - timedelta(hours=hours),
            # A gate's clock may be ahead a little.
            until=now + timedelta(minutes=5),
            gates=frozenset(gate) if gate else None,
            people=None if asked is None else frozenset([asked.id]),
            kinds=frozenset(kind) if kind else None,
            reason=reason,
        )
        shown = [
            {
                "at": one.at.isoformat(),
                "gate": one.gate,
                "kind": one.kind,
                "method": one.method,
                "reason": one.reason,
                "person_id": str(one.person_id) if one.person_id else None,
                "latency_ms": one.latency_ms,
            }
            for one in find_events(session, search, limit=limit)
        ]
    if as_json:
        print_json(shown)
        return
    write_lines(
        [
            "  ".join(str(one[name]) for name in ("at", "gate", "kind", "method", "reason") if one[name] is not None)
            for one in shown
        ]
    )
