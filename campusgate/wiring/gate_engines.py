"""The face models that a gate's computer has the weights of, as its edge runs them."""

from functools import partial

import structlog

from edge.engines import Engines
from models.calibration import CALIBRATIONS
from models.embedders.registry import EMBEDDERS, make_embedder
from models.engine import FaceEngine
from models.store import ModelError, ModelStore

_log = structlog.get_logger()


def load_gate_engines(store: ModelStore, preferred: str, *, threads: int) -> Engines:
    """Load the embedder `preferred`, or another that is installed while it is not; the rest when they are needed.

    A computer that was brought up to date before the weights of its campus's new model were installed goes on with
    those that it has.

    Raises:
        ModelError: no embedder is installed, or what every one of them needs is missing or damaged.
        ValueError: there is no embedder `preferred`.
    """
    names = [preferred, *(name for name in EMBEDDERS if name != preferred)]
    installed = [name for name in names if name not in EMBEDDERS or _is_installed(store, name)] or [preferred]
    if installed[0] != preferred:
        _log.error("model_not_installed", embedder=preferred, instead=installed[0], mend="campusgate models install")
    first = FaceEngine(store, embedder=installed[0], threads=threads)
    first.warm_up()
    calibrated = [name for name in installed[1:] if EMBEDDERS[name].model_id in CALIBRATIONS]
    others = {EMBEDDERS[name].model_id: partial(_load, store, first, name, threads) for name in calibrated}
    return Engines(first, others)


def _is_installed(store: ModelStore, embedder: str) -> bool:
    try:
        EMBEDDERS[embedder].require_installed(store)
    except ModelError as error:
        _log.info("embedder_not_installed", embedder=embedder, error=str(error))
        return False
    return True


def _load(store: ModelStore, first: FaceEngine, embedder: str, threads: int) -> FaceEngine:
    engine = first.with_embedder(make_embedder(store, embedder, threads=threads))
    engine.warm_up()
    return engine
