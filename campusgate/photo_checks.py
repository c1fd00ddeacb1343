"""From settings to the engine and the checker of photos, as the server and the commands use them."""

from pathlib import Path

from campusgate.settings import Settings
from enrollment.person_mask import PersonMask
from enrollment.quality import Checker, load_limits
from models.engine import FaceEngine
from models.store import ModelStore


def load_checker(settings: Settings, limits: Path | None = None) -> tuple[FaceEngine, Checker]:
    """Load the face models and the photo rules; `limits` is a file with others than the built-in ones.

    Raises:
        ModelError: a model is missing or damaged.
        LimitsError: the file of limits cannot be used.
    """
    chosen = load_limits(limits)
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    engine = FaceEngine(store, threads=settings.engine_threads)
    return engine, Checker(engine, limits=chosen, person_finder=PersonMask(store.path("selfie-segmentation")))
