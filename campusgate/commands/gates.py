"""`campusgate gates`: which gates there are, who may pass them, and why somebody may not."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors

if TYPE_CHECKING:
    from directory.tables import GateRecord

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(help="The gate's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    gates = typer.Typer(help="Gates: add them, say who may pass, ask why not.", no_args_is_help=True)
    gates.command()(add)
    gates.command("list")(list_)
    gates.command()(policy)
    gates.command()(allow)
    gates.command()(model)
    gates.command()(remove)
    gates.command()(why)
    gates.command()(forgive)
    app.add_typer(gates, name="gates")


def add(
    *,
    name: _Name,
    title: Annotated[str | None, typer.Option(help="What people call it; its name when left out.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group that may pass; may be repeated.")] = None,
    kind: Annotated[str, typer.Option(help="campus, dormitory, building, laboratory or wet_room")] = "building",
    mode: Annotated[
        str | None, typer.Option(help="face_or_card, card, card_and_pin, card_and_face or face; by its kind.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Add a gate. Its rules for hours, zones and the rest are given with `gates policy`."""
    from accounts import audit
    from campusgate.gate_policies import make_new_policy
    from campusgate.settings import Settings
    from directory import gates

    settings = Settings()
    wanted = make_new_policy(settings, name, kind=kind, groups=group or (), mode=mode)
    with problems_as_errors(), open_database(settings) as database, database.begin() as session:
        gate = gates.add(session, wanted, title=title or name, by=audit.SYSTEM, now=datetime.now(UTC))
        _print_gates([gate], as_json=as_json)


def list_(as_json: _Json = False) -> None:
    """List the gates, who may pass each, and the revision of its directory."""
    from campusgate.settings import Settings
    from directory import gates

    with open_database(Settings()) as database, database.read() as session:
        _print_gates(gates.find(session), as_json=as_json)


def policy(
    name: _Name,
    file: Annotated[Path | None, typer.Argument(help="A JSON file with the new policy.")] = None,
) -> None:
    """Print a gate's policy as JSON; or, with a file, replace it (print, edit, give it back)."""
    from accounts import audit
    from campusgate.gate_policies import read_policy
    from campusgate.settings import Settings
    from directory import gates

    text = None
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        gate = gates.get(session, name, for_change=True)
        if text is not None:
            wanted = read_policy(text)
            if wanted.gate != name:
                raise CommandError(f"{file} holds the policy of gate {wanted.gate!r}, not of {name!r}")
            gates.change(session, gate, wanted, by=audit.SYSTEM, now=datetime.now(UTC))
        else:
            sys.stdout.write(gates.policy_of(gate).model_dump_json(indent=2, exclude={"model_id"}) + "\n")


def allow(
    name: _Name,
    group: Annotated[str, typer.Argument(help="The group that may pass.")],
    schedule: Annotated[str, typer.Option(help="When: a schedule of the gate's policy.")] = "always",
    as_json: _Json = False,
) -> None:
    """Let a group pass a gate."""
    from access.policy import Rule
    from accounts import audit
    from campusgate.settings import Settings
    from directory import gates

    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        gate = gates.get(session, name, for_change=True)
        gates.entitle(session, gate, Rule(group=group, schedule=schedule), by=audit.SYSTEM, now=datetime.now(UTC))
        _print_gates([gate], as_json=as_json)


def model(
    name: _Name,
    model_id: Annotated[str | None, typer.Argument(help="A model's id, as `templates progress` shows it.")] = None,
    *,
    campus: Annotated[bool, typer.Option("--campus", help="Take back the choice: the campus's model.")] = False,
    as_json: _Json = False,
) -> None:
    """Choose the face model that a gate matches with, or show it.

    Whoever has no template of it is still matched by another model of the campus.
    """
    from dataclasses import asdict

    from accounts import audit
    from campusgate.settings import Settings
    from directory import gate_models, gates
    from directory.model_progress import find_progress

    if campus and model_id is not None:
        raise CommandError("name a model or say --campus, not both")
    with problems_as_errors(), open_database(Settings()) as database:
        if campus or model_id is not None:
            with database.begin() as session:
                gate = gates.get(session, name, for_change=True)
                gate_models.set_model(session, gate, model_id, by=audit.SYSTEM, now=datetime.now(UTC))
        with database.read() as session:
            gates.get(session, name)
            found = next((one for one in find_progress(session).gates if one.gate == name), None)
    if found is None:
        raise CommandError(f"the gate {name} asks for no face")
    if as_json:
        print_json(asdict(found))
        return
    matched = ", ".join(f"{one.people} people by {one.model_id}" for one in found.matched) or "nobody"
    typer.echo(f"{name}: {found.model_id}{' (chosen for this gate)' if found.is_own_choice else ''}; {matched}")


def remove(name: _Name) -> None:
    """Remove a gate; its devices are refused from now on."""
    from accounts import audit
    from campusgate.settings import Settings
    from directory import gates

    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        gates.remove(session, gates.get(session, name, for_change=True), by=audit.SYSTEM, now=datetime.now(UTC))


def why(
    *,
    name: _Name,
    number: Annotated[str, typer.Argument(help="The person's number.")],
    shown: Annotated[str, typer.Option(help="face, card, code, card_and_face or card_and_pin")] = "face",
    at: Annotated[datetime | None, typer.Option(help="Campus time; now when left out.")] = None,
    leaving: Annotated[bool, typer.Option("--leaving", help="On the way out.")] = False,
    as_json: _Json = False,
) -> None:
    """May this person pass this gate at this time, and why (not)? Exits 1 when not."""
    from access.policy import Direction
    from accounts import people
    from campusgate.settings import Settings
    from campusgate.wiring.sealer import make_sealer
    from directory.dry_run import Shown, dry_run

    settings = Settings()
    if shown not in set(Shown):
        raise CommandError(f"--shown {shown}: choose one of {', '.join(Shown)}")
    moment = at.replace(tzinfo=at.tzinfo or settings.time_zone) if at is not None else datetime.now(UTC)
    sealer = make_sealer(settings)
    with problems_as_errors(), open_database(settings) as database, database.read() as session:
        person = people.by_number(session, number)
        if person is None:
            raise CommandError(f"there is nobody with the number {number}")
        found = dry_run(
            session,
            sealer,
            name,
            person.id,
            at=moment,
            shown=Shown(shown),
            direction=Direction.EXIT if leaving else Direction.ENTRY,
        )
    answer = {
        "granted": found.decision.granted,
        "reason": found.decision.reason.value,
        "notices": [notice.value for notice in found.decision.notices],
        "at": moment.isoformat(),
        "mode": found.mode.value,
        "groups": list(found.groups),
        "in_directory": found.in_directory,
        "known_by": list(found.known_by),
        "revision": found.revision,
    }
    if as_json:
        print_json(answer)
    else:
        for title, value in answer.items():
            sys.stdout.write(f"{title:13} {', '.join(value) if isinstance(value, list) else value}\n")
    if not found.decision.granted:
        raise typer.Exit(1)


def forgive(
    zone: Annotated[str, typer.Argument(help="The zone's name.")],
    number: Annotated[
        str | None, typer.Argument(help="The person's number; everybody in the zone when left out.")
    ] = None,
) -> None:
    """Let earlier passages no longer count for anti-passback and occupancy. The gates hear of it within seconds."""
    from accounts import audit, people
    from campusgate.settings import Settings
    from directory import zone_passages

    with problems_as_errors(), open_database(Settings()) as database, database.begin() as session:
        person = people.by_number(session, number) if number is not None else None
        if number is not None and person is None:
            raise CommandError(f"there is nobody with the number {number}")
        zone_passages.forgive(
            session, zone, person_id=person.id if person else None, by=audit.SYSTEM, now=datetime.now(UTC)
        )


def _print_gates(found: "Iterable[GateRecord]", *, as_json: bool) -> None:
    from directory import gates

    shown: list[dict[str, Any]] = []
    for gate in found:
        policy = gates.policy_of(gate)
        shown.append(
            {
                "name": gate.name,
                "title": gate.title,
                "kind": policy.kind.value,
                "mode": policy.mode.value,
                "groups": sorted(policy.entitled_groups),
                "revision": gate.revision,
            }
        )
    if as_json:
        print_json(shown)
        return
    for one in shown:
        groups = ", ".join(one["groups"]) or "nobody"
        sys.stdout.write(f"{one['name']}  {one['kind']}  {one['mode']}  {groups}  revision {one['revision']}\n")
