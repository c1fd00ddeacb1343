"""The face models that a server works with beside the one whose templates it makes and compares."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from campusgate.settings import Settings
from campusgate.wiring.photo_checker import find_embedder
from database import Database
from directory.gate_models import read_used_models
from directory.look_alikes import Threshold
from enrollment.upload import LEAST_SEARCHED
from models import calibration
from models.calibration import CALIBRATIONS


def find_following(settings: Settings) -> str:
    """Return the model that the campus moves to: it counts as used before the first template of it is made."""
    return find_embedder(settings.enrollment.next_embedder or settings.embedder).model_id


def make_uses_model(database: Database, following: str) -> Callable[[str], bool]:
    """Return what says whether the campus uses a model now: one may be forgotten while the server runs."""
    return lambda model_id: model_id == following or model_id in read_used_models(database)


def make_look_alike_thresholds(made: Iterable[str], used: Iterable[str]) -> Mapping[str, Threshold]:
    """Return, by model, the similarity from which a reviewer is shown a likeness.

    `made` are the models whose templates this server makes. Those that the campus `used` before count too, also where
    their weights are not installed: gates still match people by the templates that are there.
    """
    models = dict.fromkeys((*made, *(model_id for model_id in used if model_id in CALIBRATIONS)))
    return {model_id: partial(_find_threshold, model_id) for model_id in models}


def _find_threshold(model_id: str, people: int) -> float:
    return calibration.threshold(model_id, "identification", max(people, LEAST_SEARCHED))
