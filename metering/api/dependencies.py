"""What the metering routes ask for beside `accounts.api.dependencies`."""

from typing import Annotated

from fastapi import Depends

from metering.services import MeteringServices
from web.app_state import from_state

MeteringDep = Annotated[MeteringServices, Depends(from_state("metering", MeteringServices))]
