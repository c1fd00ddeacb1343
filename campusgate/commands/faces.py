"""`campusgate faces`: compare photographs, calibrate a gate."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from campusgate.commands import CommandError, open_database, print_json

if TYPE_CHECKING:
    from campusgate.calibration.study import Study
    from models.engine import FaceEngine
    from models.template import Template


def register(app: typer.Typer) -> None:
    """Add the commands."""
    faces = typer.Typer(help="Faces in photographs.", no_args_is_help=True)
    faces.command()(compare)
    faces.command()(calibrate)
    faces.command("spoof-picture")(spoof_picture)
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


def calibrate(
    *,
    gate: Annotated[str, typer.Argument(help="The gate whose threshold is wanted.")],
    fpir: Annotated[float, typer.Option(help="How often a stranger's single frame may match anybody.")] = 0.01,
    people: Annotated[
        int | None, typer.Option(min=1, help="People the gate will search; by default those who may pass it now.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Passages of so many days count.")] = 90,
    plot: Annotated[Path | None, typer.Option(help="Write an HTML page with the distributions and rates.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Write rate and calibration into this policy file of the gate's edge.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws whose templates are compared when there are very many.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find a gate's threshold from the campus's own approved photos and the gate's passages.

    It says how sure the threshold is. Where the campus is too small to measure a rate, the model's own calibration is
    the least.
    """
    from campusgate.calibration.page import page
    from campusgate.calibration.policy_file import write_calibration
    from campusgate.calibration.report import as_document, print_study

    now = datetime.now(UTC)
    found = _study(gate, fpir, people, since=now - timedelta(days=days), seed=seed)
    made_at = now.date().isoformat()
    try:
        if plot is not None:
            plot.write_text(page(found, gate, made_at), encoding="utf-8")
        if policy is not None:
            write_calibration(policy, found, made_at)
    except OSError as error:
        raise CommandError(f"{plot} cannot be written: {error.strerror}") from error
    if as_json:
        print_json(as_document(gate, found))
    else:
        print_study(gate, found)


def spoof_picture(
    event: Annotated[UUID, typer.Argument(help="The id of the event `spoof`.")],
    target: Annotated[Path, typer.Argument(help="Where to write the JPEG.")],
) -> None:
    """Open the picture of a false face, at the edge that kept it. It is kept only where the gate's policy says so."""
    import structlog

    from campusgate.settings import Settings
    from campusgate.wiring.sealer import make_sealer
    from database import SealingError
    from edge.policy import SpoofPicturePolicy
    from edge.spoof_pictures import SpoofPictures

    settings, policy = Settings(), SpoofPicturePolicy()
    folder = settings.data_dir / "edge" / settings.require("gate") / "spoofs"
    try:
        picture = SpoofPictures(folder, make_sealer(settings), days=policy.days, most=policy.most).open(event)
        if picture is None:
            raise CommandError(f"no picture of the event {event} is kept here; see [spoof_pictures] in docs/edge.md")
        target.write_bytes(picture)
    except SealingError as error:
        raise CommandError(f"the picture of {event} {error}") from error
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}") from error
    structlog.get_logger().warning("spoof_picture_opened", spoof=str(event))


def _study(gate: str, fpir: float, people: int | None, *, since: datetime, seed: int) -> "Study":
    from campusgate.calibration.evidence import gather
    from campusgate.calibration.study import mated_scores, study
    from campusgate.settings import Settings
    from campusgate.wiring.photo_checker import find_embedder
    from campusgate.wiring.sealer import make_sealer
    from database import SealingError
    from directory import gates
    from web.problems import ProblemError

    settings = Settings()
    if not 0 < fpir < 1:
        raise CommandError(f"--fpir {fpir:g}: give a rate between 0 and 1, such as 0.01")
    sealer = make_sealer(settings)
    try:
        with open_database(settings) as database, database.read() as session:
            published = gates.get(session, gate).models
            model_id = published[0] if published else find_embedder(settings.embedder).model_id
            evidence = gather(session, sealer, gate, model_id=model_id, since=since)
    except (ProblemError, SealingError) as error:
        raise CommandError(str(error)) from error
    return study(
        evidence.people,
        mated_scores(evidence.people),
        evidence.passages,
        model_id=model_id,
        size=people or max(evidence.size, 1),
        fpir=fpir,
        seed=seed,
    )


def _engine() -> "FaceEngine":
    from campusgate.settings import Settings
    from models.engine import FaceEngine
    from models.store import ModelStore

    settings = Settings()
    return FaceEngine(ModelStore(settings.cache_dir, settings.model_mirror), threads=settings.engine_threads)


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
