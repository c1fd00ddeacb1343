"""From settings to the engine and the checker of photos, as the server and the commands use them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from campusgate.settings import Settings, SettingsError
from enrollment.eye_state import EyeState
from enrollment.person_mask import PersonMask
from enrollment.quality import Checker, load_limits
from models.embedders.registry import EMBEDDERS, EmbedderKind
from models.engine import FaceEngine
from models.store import ModelError, ModelStore

log = structlog.get_logger()


def load_checker(
    settings: Settings, limits: Path | None = None, *, threads: int | None = None
) -> tuple[FaceEngine, Checker]:
    """Load the face models and the photo rules.

    `limits` is a file with others than the configured ones, `threads` the number for one photo instead of the
    configured one.

    Raises:
        ModelError: a model is missing or damaged.
        LimitsError: the file of limits cannot be used.
        SettingsError: there is no such embedder.
    """
    chosen = load_limits(limits or settings.enrollment.limits_file)
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    engine = load_engine(settings, settings.embedder, threads=threads)
    checker = Checker(
        engine,
        limits=chosen,
        person_finder=PersonMask(store.path("selfie-segmenter")),
        eye_reader=EyeState(store.path("fr-eye")),
    )
    return engine, checker


def load_engine(settings: Settings, embedder: str, *, threads: int | None = None) -> FaceEngine:
    """Load the face models with the embedder of that name.

    Raises:
        ModelError: a model is missing or damaged.
        SettingsError: there is no such embedder.
    """
    find_embedder(embedder)
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    return FaceEngine(store, embedder=embedder, threads=settings.engine_threads if threads is None else threads)


def find_embedder(name: str) -> EmbedderKind:
    """Return what is known of the embedder `name` without loading it.

    Raises:
        SettingsError: there is no such embedder.
    """
    if name not in EMBEDDERS:
        raise SettingsError(f"there is no embedder {name!r}: choose one of {', '.join(sorted(EMBEDDERS))}")
    return EMBEDDERS[name]


def load_further_engines(
    settings: Settings, used: Sequence[str], *, threads: int | None = None
) -> tuple[FaceEngine, ...]:
    """Load the engines of the other models that the campus uses, besides the one of `settings.embedder`.

    The one that it moves to must be there. Those that it used before (`used`, model ids) are loaded where their
    weights are installed: without them a new photo opens only gates that know the new model.

    Raises:
        ModelError, SettingsError: as `load_engine`, for the model it moves to.
    """
    following = settings.enrollment.next_embedder
    former = (name for name, kind in EMBEDDERS.items() if kind.model_id in used)
    further = [one for one in dict.fromkeys((following, *former)) if one is not None and one != settings.embedder]
    engines = []
    for name in further:
        try:
            engines.append(load_engine(settings, name, threads=threads))
        except ModelError as error:
            if name == following:
                raise
            log.error("model_not_made", embedder=name, error=str(error), mend="campusgate models install")
    return tuple(engines)


def find_not_made(settings: Settings, used: Sequence[str]) -> list[str]:
    """Return those of the models `used` (ids) of which this computer can make no template: it lacks their weights."""
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    able = set()
    for kind in EMBEDDERS.values():
        if kind.model_id in used:
            with suppress(ModelError):
                kind.require_installed(store)
                able.add(kind.model_id)
    return [model_id for model_id in used if model_id not in able]
