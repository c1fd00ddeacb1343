"""What the enrolment's API works with, built once by the rim and put at `app.state.enrollment`.

app.state.enrollment = EnrollmentServices(database=…, sealer=…, engine=…, checker=…)
add_routes(app, enrollment.api.router)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeVar, TypeVarTuple

from database import Database, Sealer
from enrollment.assessment import Engine
from enrollment.compared_model import ComparedModel
from enrollment.data_export import Gates
from enrollment.photo_workers import PhotoWorkers
from enrollment.quality import Checker
from enrollment.retention import RetentionPolicy
from web.rate_limits import RateLimiter

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class EnrollmentServices:
    """Values and ports of enrolment.

    `consent_version` names the notice that people consent to; a new version asks everybody again.
    `gate_photo_version` names the one about second photos taken at gates, None where none are. Pictures are erased
    after approval unless `keep_pictures`; without them a new face model needs new photos, and `with_thumbnails` keeps
    small ones for comparison with look-alikes. `further_engines` make templates for other models, as long as the campus
    `uses_model`: of one that it has forgotten none is made.
    """

    database: Database
    sealer: Sealer = field(repr=False)
    engine: Engine
    checker: Checker
    consent_version: str = "3"
    gate_photo_version: str | None = None
    keep_pictures: bool = False
    with_thumbnails: bool = True
    further_engines: tuple[Engine, ...] = ()
    uses_model: Callable[[str], bool] = lambda _model_id: True
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    gates: Gates | None = None
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """How long what is kept, to be told to whom it is about; what erases it is a job of the server."""
    photos_a_day: int = 20
    """Photos that one person may hand in within 24 hours; each takes a second of a core."""

    workers: PhotoWorkers = field(default_factory=PhotoWorkers)

    async def run_assessment(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Do `work`, which opens and measures a photo, on a thread for photos."""
        return await self.workers.run(work, *arguments)

    @cached_property
    def handed_in(self) -> RateLimiter:
        """Counts the photos that each person handed in, whatever became of them."""
        return RateLimiter(self.photos_a_day, timedelta(days=1))

    def find_further_engines(self) -> tuple[Engine, ...]:
        """Return the further engines by which a new photo is measured now; it asks the database."""
        return tuple(engine for engine in self.further_engines if self.uses_model(engine.model_id))

    @cached_property
    def compared_models(self) -> tuple[ComparedModel, ...]:
        """The models by which a new face is compared with those of others, the one in use first."""
        return tuple(ComparedModel.of(engine, self.sealer) for engine in (self.engine, *self.further_engines))
