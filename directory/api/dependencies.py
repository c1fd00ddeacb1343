"""What the directory's routes ask for."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path
from pydantic import AwareDatetime, Field

from accounts.api.dependencies import GateDeviceDep
from directory.services import DirectoryServices
from web.app_state import from_state
from web.problems import ProblemError


class WrongGateError(ProblemError):
    """A device may ask for its own gate's directory only."""

    code = "wrong_gate"
    status = 403
    title = "This device serves another gate"


Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]
"""A time that calendar arithmetic in any zone can bear."""

GateName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="name of the gate")]


ServicesDep = Annotated[DirectoryServices, Depends(from_state("directory", DirectoryServices))]


async def _turn(services: ServicesDep) -> AsyncIterator[None]:
    async with services.turns:
        yield


IN_TURN = Depends(_turn, scope="function")
"""For routes that gates ask. The turn ends before the answer is sent: a slow line at a gate keeps nobody waiting."""


def check_gate(device: GateDeviceDep, gate: str) -> None:
    """Hold a device to its gate.

    Raises:
        WrongGateError: it serves another.
    """
    if device.gate != gate:
        raise WrongGateError
