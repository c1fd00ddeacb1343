"""From settings to the engine and the checker of photos, as the server and the commands use them."""

from pathlib import Path

from campusgate.settings import Settings, SettingsError
from enrollment.person_mask import PersonMask
from enrollment.quality import Checker, load_limits
from models.embedders.registry import EMBEDDERS, EmbedderKind
from models.engine import FaceEngine
from models.store import ModelStore


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
    return engine, Checker(engine, limits=chosen, person_finder=PersonMask(store.path("selfie-segmenter")))


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


def load_further_engines(settings: Settings, *, threads: int | None = None) -> tuple[FaceEngine, ...]:
    """Load the engine of the model that the campus moves to, if it moves.

    Raises:
        ModelError, SettingsError: as `load_engine`.
    """
    following = settings.enrollment.next_embedder
    return () if following in {None, settings.embedder} else (load_engine(settings, str(following), threads=threads),)
