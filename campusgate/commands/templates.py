"""`campusgate templates`: another face model, another key, what has outlived its purpose, how many people there are."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from campusgate.commands import CommandError, open_database, print_json
from campusgate.terminal import progress_bar

if TYPE_CHECKING:
    from directory.model_progress import Progress

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    templates = typer.Typer(help="Templates of faces.", no_args_is_help=True)
    for command in (rebuild, progress, forget, rotate, purge, count):
        templates.command()(command)
    app.add_typer(templates, name="templates")


def rebuild(
    embedder: Annotated[
        str | None, typer.Option(help="The embedder whose templates are to be made; else the one in use.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Make the missing templates of a face model from the pictures that were kept.

    Stopped, it goes on where it was. Exits 1 when some people need new photos.
    """
    from campusgate.settings import Settings
    from campusgate.wiring.key_checks import WHERE_KEYS_ARE, require_same_template_key
    from campusgate.wiring.photo_checker import load_engine
    from campusgate.wiring.sealer import make_sealer
    from database import SealingError
    from enrollment.rebuild import rebuild as rebuild_templates
    from models.runtime import thread_count

    settings = Settings()
    sealer = make_sealer(settings)
    try:
        # Several photos at once, each by one thread, fill the cores better than one photo by all of them.
        engine = load_engine(settings, embedder or settings.embedder, threads=1)
        with open_database(settings) as database, progress_bar("Making templates", quiet=as_json) as advance:
            require_same_template_key(database, settings)
            rebuilt = rebuild_templates(
                database, sealer, engine, now=lambda: datetime.now(UTC), progress=advance, workers=thread_count(0)
            )
    except SealingError as error:
        raise CommandError(f"{error}{WHERE_KEYS_ARE}") from error
    if as_json:
        print_json({"model": engine.model_id, **asdict(rebuilt)})
    else:
        typer.echo(
            f"{engine.model_id}: {rebuilt.made} made, {rebuilt.faceless} pictures without a face, "
            f"{rebuilt.without_picture} people need a new photo"
        )
    if rebuilt.faceless or rebuilt.without_picture:
        raise typer.Exit(1)


def progress(as_json: _Json = False) -> None:
    """Show how far the campus has come from one face model to another; exits 1 until everybody and every gate has."""
    from campusgate.settings import Settings
    from campusgate.wiring.photo_checker import find_not_made
    from directory.model_progress import find_progress

    settings = Settings()
    with open_database(settings) as database, database.read() as session:
        found = find_progress(session)
    not_made = find_not_made(settings, found.models)
    is_done = all(one.people == 0 for one in found.people.models[1:]) and all(gate.is_done for gate in found.gates)
    if as_json:
        print_json({**asdict(found), "forgettable": found.forgettable, "not_made": not_made, "done": is_done})
    else:
        _print_progress(found)
        for model_id in not_made:
            typer.echo(
                f"this computer lacks the weights of {model_id}: new photos get no template of it; "
                "campusgate models install, then restart the server"
            )
    if not is_done:
        raise typer.Exit(1)


def forget(
    model: Annotated[str, typer.Argument(help="The model's id, as `campusgate templates progress` shows it.")],
    *,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Also where people are recognised by it alone: they need a new photo.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Erase the templates of a face model that is not used any more; the server may run."""
    from campusgate.settings import Settings
    from campusgate.wiring.photo_checker import find_embedder
    from directory import gate_models
    from directory.model_progress import find_progress
    from enrollment import templates

    settings = Settings()
    named = (settings.embedder, settings.enrollment.next_embedder)
    if model in {find_embedder(name).model_id for name in named if name is not None}:
        raise CommandError(f"{model} is in use: change CAMPUSGATE_EMBEDDER at the server first")
    with open_database(settings) as database:
        with database.read() as session:
            found = find_progress(session)
        alone = sum(one.people for one in found.people.models if one.model_id == model)
        gates = [gate.gate for gate in found.gates if model in {one.model_id for one in gate.matched}]
        if (alone or gates) and not everybody:
            where = f", and these gates match by it: {', '.join(gates)}" if gates else ""
            raise CommandError(
                f"{alone} people are recognised by {model} alone{where}: see campusgate templates progress, "
                "or say --everybody"
            )
        with database.begin() as session:
            gate_models.forget(session, model)
        erased = templates.forget_model(database, model, now=datetime.now(UTC))
    if as_json:
        print_json({"model": model, "erased": erased})
    else:
        typer.echo(f"{model}: {erased} templates erased")


def rotate(as_json: _Json = False) -> None:
    """Bring everything that is sealed under the current template key.

    Set CAMPUSGATE_TEMPLATE_KEY and the next CAMPUSGATE_TEMPLATE_KEY_NUMBER, name the key before in
    CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS, restart the server, run this; then take the key before away. Stopped, it goes on
    where it was.
    """
    from campusgate.settings import Settings
    from campusgate.wiring.key_checks import SEALED, WHERE_KEYS_ARE, require_same_template_key
    from campusgate.wiring.sealer import make_sealer
    from database import SealingError
    from database.resealing import count_outdated, reseal

    settings = Settings()
    sealer = make_sealer(settings)
    with open_database(settings) as database, progress_bar("Sealing anew", quiet=as_json) as advance:
        require_same_template_key(database, settings)
        try:
            changed = reseal(database, sealer, SEALED, progress=advance)
        except SealingError as error:
            raise CommandError(f"{error}{WHERE_KEYS_ARE}") from error
        left = count_outdated(database, sealer, SEALED)
    if as_json:
        print_json({"key_number": sealer.current_key, "changed": changed, "left": left})
    else:
        typer.echo(f"{changed} values brought under key {sealer.current_key}, {left} left under another")
    if left:
        raise typer.Exit(1)


def purge(as_json: _Json = False) -> None:
    """Erase what has outlived its purpose; the server does it by itself every minute."""
    from campusgate.settings import Settings
    from campusgate.wiring.retention import make_retention_policy
    from enrollment.retention import purge_all

    settings = Settings()
    with open_database(settings) as database:
        purged = purge_all(database, make_retention_policy(settings), now=datetime.now(UTC))
    if as_json:
        print_json(asdict(purged))
    else:
        typer.echo(
            f"{purged.settled} decided photos cleared, {purged.rejected} old rejections erased, "
            f"{purged.people_left} people who left erased, {purged.notices} old messages deleted"
        )


def count(as_json: _Json = False) -> None:
    """Count the people who have a template; exits 1 when the number from which a filing is due comes near."""
    from campusgate.settings import Settings
    from enrollment import filing

    with open_database(Settings()) as database, database.read() as session:
        found = filing.count_people(session)
        models = filing.count_by_model(session)
    due = filing.FILING_DUE_AT
    if as_json:
        print_json({"people": found.people, "filing_due_at": due, "warning": found.warning, "models": models})
    else:
        typer.echo(f"{found.people} people have a template; a filing is due at {due:,}")
        for model, people in models.items():
            typer.echo(f"  {people} open gates by {model}")
    if found.warning:
        raise typer.Exit(1)


def _print_progress(found: "Progress") -> None:
    if not found.models:
        typer.echo("no face model is in use")
        return
    first, *others = found.people.models
    typer.echo(f"{first.people} of {found.people.people} people are recognised by {first.model_id}")
    for one in others:
        remade = f"{one.with_picture} from kept pictures (campusgate templates rebuild)"
        typer.echo(f"{one.people} by {one.model_id} alone: {remade}, the others need a new photo")
    typer.echo(f"{found.people.without} have no template")
    for gate in found.gates:
        matched = ", ".join(f"{one.people} by {one.model_id}" for one in gate.matched) or "nobody"
        typer.echo(f"{gate.gate} ({gate.model_id}{', chosen' if gate.is_own_choice else ''}): {matched}")
        if gate.missing:
            typer.echo(
                f"  its computer lacks the weights of {', '.join(gate.missing)}: campusgate models install there"
            )
    for model_id in found.forgettable:
        typer.echo(f"nobody needs {model_id} any more: campusgate templates forget {model_id}")
