"""`campusgate templates`: make them again for another face model, erase what has outlived its purpose, count people."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from campusgate.commands import CommandError, print_json
from campusgate.commands.people import opened
from campusgate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    templates = typer.Typer(help="Templates of faces.", no_args_is_help=True)
    templates.command()(rebuild)
    templates.command()(purge)
    templates.command()(count)
    app.add_typer(templates, name="templates")


def rebuild(
    embedder: Annotated[
        str | None, typer.Option(help="The embedder whose templates are to be made; else the one in use.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the missing templates of a face model from the pictures that were kept.

    Stopped, it goes on where it was. Exits 1 when some people need new photos.
    """
    from rich.console import Console
    from rich.progress import Progress

    from database import Sealer, SealingError
    from enrollment.rebuild import rebuild as rebuild_templates
    from models.engine import DEFAULT_EMBEDDER, FaceEngine
    from models.store import ModelError, ModelStore

    settings = Settings()
    sealer = Sealer(settings.require_key("template_key"))
    try:
        store = ModelStore(settings.cache_dir, settings.model_mirror)
        engine = FaceEngine(store, embedder=embedder or DEFAULT_EMBEDDER, threads=settings.engine_threads)
        with opened(settings) as database, Progress(console=Console(stderr=True, quiet=as_json)) as bar:
            task = bar.add_task("Making templates", total=None)
            rebuilt = rebuild_templates(
                database,
                sealer,
                engine,
                now=lambda: datetime.now(UTC),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except (ModelError, SealingError, ValueError) as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json({"model": engine.model_id, **asdict(rebuilt)})
    else:
        typer.echo(
            f"{engine.model_id}: {rebuilt.made} made, {rebuilt.faceless} pictures without a face, "
            f"{rebuilt.without_picture} people need a new photo"
        )
    if rebuilt.faceless or rebuilt.without_picture:
        raise typer.Exit(1)


def purge(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Erase what has outlived its purpose; meant to be run every hour."""
    from enrollment.retention import RetentionPolicy
    from enrollment.retention import purge as purge_photos

    settings = Settings()
    with opened(settings) as database, database.begin() as session:
        purged = purge_photos(session, RetentionPolicy(), now=datetime.now(UTC))
    if as_json:
        print_json(asdict(purged))
    else:
        typer.echo(
            f"{purged.settled} decided photos cleared, {purged.rejected} old rejections erased, "
            f"{purged.people_left} people who left erased"
        )


def count(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Count the people who have a template; exits 1 when the number from which a filing is due comes near."""
    from enrollment import register as people_register

    with opened(Settings()) as database, database.read() as session:
        found = people_register.count(session)
    if as_json:
        due = people_register.FILING_DUE_AT
        print_json({"people": found.people, "filing_due_at": due, "warning": found.warning})
    else:
        typer.echo(f"{found.people} people have a template; a filing is due at {people_register.FILING_DUE_AT:,}")
    if found.warning:
        raise typer.Exit(1)
