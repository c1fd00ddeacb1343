"""What the controllers of a place work by; staff set it, heartbeats carry it down."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from messages.metering import OpeningPeriod

Fen = Annotated[int, Field(ge=0, le=100_000)]


class PlaceSettings(BaseModel):
    """Cadence, time-outs and limits of a place. Fen, millilitres, seconds; a session is the whole of one shower."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    is_enabled: bool = True
    kinds: tuple[str, ...] = ()
    """The kinds of people who may use it; none at all: everybody."""
    opening: tuple[OpeningPeriod, ...] = Field(default=(), max_length=8)
    heartbeat_s: int = Field(default=30, ge=5, le=3_600)
    update_s: int = Field(default=10, ge=1, le=600)
    idle_s: int = Field(default=120, ge=5, le=3_600)
    no_flow_s: int = Field(default=60, ge=5, le=3_600)
    pause_s: int = Field(default=300, ge=5, le=3_600)
    hold_fen: Fen = Field(default=200, ge=1)
    """Reserved at first and then again each time a session comes near what is held: a shower of 40 °C costs about a
    yuan, so most need one hold."""
    least_fen: Fen = Field(default=50, ge=1)
    """No session begins on less, subsidy included: half of a shower is worse than none."""
    silence_s: int = Field(default=900, ge=60, le=80_000)
    """After which a session that nothing was heard of is settled from its last report."""
    most_fen: Fen = 1_000
    most_ml: int = Field(default=300_000, ge=1, le=10**9)
    most_open_s: int = Field(default=3_600, ge=1, le=80_000)
    day_fen: Fen = 2_000
    day_ml: int = Field(default=600_000, ge=1, le=10**9)
    day_open_s: int = Field(default=7_200, ge=1, le=86_400)
    offline_fen: Fen = 300
    """Of one session while the server is out of reach, and of one card until the server has heard of it; 0: none."""
