"""What the routes of network access ask for beside `accounts.api.dependencies`."""

from typing import Annotated

from fastapi import Depends

from network_access.services import NetworkServices
from web.app_state import from_state

NetworkDep = Annotated[NetworkServices, Depends(from_state("network_access", NetworkServices))]
