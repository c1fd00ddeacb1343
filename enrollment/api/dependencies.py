"""What the enrolment's routes ask for."""

from collections.abc import Callable
from typing import Annotated, TypeVar, TypeVarTuple

import anyio.to_thread
from fastapi import Depends, Request

from enrollment.services import EnrollmentServices


def _services(request: Request) -> EnrollmentServices:
    services = request.app.state.enrollment
    if not isinstance(services, EnrollmentServices):
        raise TypeError("app.state.enrollment must hold EnrollmentServices; the rim sets it when it makes the app")
    return services


Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


async def assessing(
    services: EnrollmentServices, work: Callable[[*Arguments], Result], *arguments: *Arguments
) -> Result:
    """Do `work`, which opens and measures a photo, away from the event loop, and only some of it at a time.

    An opened photo takes up to 300 MB and a core for up to a second; whoever comes meanwhile waits for their turn.
    """
    return await anyio.to_thread.run_sync(work, *arguments, limiter=services.assessing)


EnrollmentDep = Annotated[EnrollmentServices, Depends(_services)]
