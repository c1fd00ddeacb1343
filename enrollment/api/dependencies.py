"""What the enrolment's routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from enrollment.services import EnrollmentServices


def _services(request: Request) -> EnrollmentServices:
    services = request.app.state.enrollment
    if not isinstance(services, EnrollmentServices):
        raise TypeError("app.state.enrollment must hold EnrollmentServices; the rim sets it when it makes the app")
    return services


EnrollmentDep = Annotated[EnrollmentServices, Depends(_services)]
