"""What the enrolment's routes ask for."""

from typing import Annotated

from fastapi import Depends

from enrollment.services import EnrollmentServices
from web.app_state import from_state

EnrollmentDep = Annotated[EnrollmentServices, Depends(from_state("enrollment", EnrollmentServices))]
