"""The face models that a gate's computer can run, each loaded when somebody here has a template of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import structlog

from models.calibration import Purpose
from models.detector import Detection
from models.face import Face

_log = structlog.get_logger()


class FaceDetector(Protocol):
    """Finds faces; `models.engine.FaceEngine` is one."""

    def find(self, image: npt.NDArray[np.uint8]) -> list[Detection]:
        """Return where the faces of an RGB picture are, the largest first."""
        ...

    def describe(self, image: npt.NDArray[np.uint8], detections: Sequence[Detection]) -> list[Face]:
        """Return the faces at those places, in their order."""
        ...

    def detect(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Return the faces of an RGB picture."""
        ...


class Embedder(Protocol):
    """What a search needs of the engine of a model; `models.engine.FaceEngine` is one."""

    @property
    def model_id(self) -> str:
        """The model of its embeddings."""
        ...

    def embed(
        self, image: npt.NDArray[np.uint8], faces: Sequence[Face], *, thorough: bool = False
    ) -> npt.NDArray[np.float32]:
        """Return one unit row for each face."""
        ...


class GateEngine(FaceDetector, Embedder, Protocol):
    """What an edge needs of a face engine; `models.engine.FaceEngine` is one."""

    @property
    def dimension(self) -> int:
        """The length of its embeddings."""
        ...

    def threshold(self, purpose: Purpose, gallery_size: int = 1) -> float:
        """Return the least similarity that counts as one person."""
        ...


LoadEngine = Callable[[], GateEngine]
"""Loads and warms up the engine of one model; raises when its weights are missing, damaged or too large."""


class Engines:
    """`first` finds the faces. `load` and `unload` are called by one thread, everything else by any."""

    def __init__(self, first: GateEngine, others: Mapping[str, LoadEngine] | None = None) -> None:
        """`others` load the engines of the further models whose weights are installed, by model id."""
        self.first = first
        self._others = dict(others or {})
        self._loaded = {first.model_id: first}
        self._runnable = (first.model_id, *(model_id for model_id in self._others if model_id != first.model_id))

    @property
    def runnable(self) -> tuple[str, ...]:
        """The ids of the models that can be run here."""
        return self._runnable

    def get(self, model_id: str) -> GateEngine | None:
        """Return the engine of a model, None where it is not loaded."""
        return self._loaded.get(model_id)

    def load(self, model_id: str) -> GateEngine | None:
        """Return the engine of a model, loaded when it is first asked for; None where it cannot be run here."""
        if model_id not in self._loaded and model_id in self._runnable:
            try:
                self._loaded[model_id] = self._others[model_id]()
            except Exception as error:  # noqa: BLE001 - ONNX Runtime has errors of its own; the others' faces do not wait
                self._runnable = tuple(one for one in self._runnable if one != model_id)
                _log.error("model_not_loaded", model=model_id, error=str(error))
        return self._loaded.get(model_id)

    def same_person(self, model_id: str) -> float:
        """Return a model's least similarity in a comparison 1:1; one that is not loaded takes nobody for anybody."""
        engine = self._loaded.get(model_id)
        return math.inf if engine is None else engine.threshold("verification")

    def unload(self, model_ids: Sequence[str]) -> None:
        """Let go of engines that nobody has a template for any more; they are loaded again when needed."""
        for model_id in model_ids:
            if model_id != self.first.model_id:
                self._loaded.pop(model_id, None)
