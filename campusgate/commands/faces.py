"""`campusgate faces`: compare photographs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from campusgate.commands import CommandError, print_json
from campusgate.settings import Settings

if TYPE_CHECKING:
    from models.engine import FaceEngine
    from models.template import Template


def register(app: typer.Typer) -> None:
    """Add the commands."""
    faces = typer.Typer(help="Faces in photographs.", no_args_is_help=True)
    # A group with a single command would lose the command's name.
    faces.callback()(lambda: None)
    faces.command()(compare)
    app.add_typer(faces, name="faces")


def compare(
    one: Annotated[Path, typer.Argument(help="A photograph.", metavar="A")],
    other: Annotated[Path, typer.Argument(help="Another photograph.", metavar="B")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether two photographs show the same person.

    With several faces in a photograph the largest counts. The answer is a result and no failure: the exit code is 0
    for the same person and for two people alike.
    """
    engine = _engine()
    templates = [_template(engine, path) for path in (one, other)]
    similarity = templates[0].similarity(templates[1])
    threshold = engine.threshold("verification")
    same = similarity >= threshold
    if as_json:
        print_json({"model": engine.model_id, "similarity": similarity, "threshold": threshold, "same_person": same})
        return
    answer = "the same person" if same else "two different people"
    sys.stdout.write(f"{answer}: similarity {similarity:.3f}, threshold {threshold:.3f} ({engine.model_id})\n")


def _engine() -> "FaceEngine":
    from models.engine import FaceEngine
    from models.store import ModelError, ModelStore

    settings = Settings()
    try:
        return FaceEngine(ModelStore(settings.cache_dir, settings.model_mirror), threads=settings.engine_threads)
    except ModelError as error:
        raise CommandError(str(error)) from error


def _template(engine: "FaceEngine", path: Path) -> "Template":
    from enrollment.photo import UnreadablePhotoError, decode
    from models.template import Template

    if not path.is_file():
        raise CommandError(f"there is no file {path}: check the path")
    try:
        image = decode(path).image
    except UnreadablePhotoError as error:
        raise CommandError(f"{path}: {error}") from error
    faces = engine.detect(image)
    if not faces:
        raise CommandError(f"{path}: there is no face in it; give a photograph that shows one from the front")
    return Template(engine.model_id, engine.embed(image, faces[:1], thorough=True)[0])
