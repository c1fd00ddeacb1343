"""A face model by which a new face is compared with those that are known."""

from dataclasses import dataclass
from typing import Self

from database import Sealer
from enrollment.assessment import Engine
from enrollment.gallery import Gallery


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """The engine with its thresholds, and everybody's templates of its model."""

    engine: Engine
    gallery: Gallery

    @classmethod
    def of(cls, engine: Engine, sealer: Sealer) -> Self:
        """Return the model of an engine, with a gallery that is empty yet."""
        return cls(engine, Gallery(sealer, engine.model_id))
