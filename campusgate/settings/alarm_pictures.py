"""Settings of the pictures that gates' cameras take when an alarm is raised."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from operations.alarms.rules import PICTURED, AlarmKind


def _require_picturable(kind: AlarmKind) -> AlarmKind:
    if kind not in PICTURED:
        raise ValueError(f"no picture is taken of {kind.value!r}, only of {', '.join(sorted(PICTURED))}")
    return kind


GateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class AlarmPictureSettings(BaseModel):
    """At which gates a picture is taken of which alarms; at none, unless the campus names some."""

    gates: list[GateName] = Field(default=[], description="each by its name: there is no way to say all of them")
    kinds: list[Annotated[AlarmKind, AfterValidator(_require_picturable)]] = [
        AlarmKind.FORCED,
        AlarmKind.PASSAGE_FORCED,
        AlarmKind.TAMPER,
        AlarmKind.SPOOF,
    ]
    keep: timedelta = Field(default=timedelta(days=7), ge=timedelta(hours=1), le=timedelta(days=30))
