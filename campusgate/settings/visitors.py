"""Settings of visitors whom people of the campus invite by themselves."""

from datetime import timedelta

from pydantic import BaseModel, Field

from access.policy import GateKind
from accounts.vocabulary import PersonKind


class VisitorSettings(BaseModel):
    """Who may invite visitors without asking staff, to which kinds of gates, and for how long."""

    hosts: list[PersonKind] = [PersonKind.STAFF]
    gate_kinds: list[GateKind] = [GateKind.CAMPUS, GateKind.BUILDING]
    longest: timedelta = Field(default=timedelta(hours=24), gt=timedelta(0), le=timedelta(days=31))
    ahead: timedelta = Field(default=timedelta(days=14), ge=timedelta(0), le=timedelta(days=366))
    most_open: int = Field(default=5, ge=1, le=100, description="passes of one host that are not over")
