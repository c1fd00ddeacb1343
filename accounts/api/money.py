"""What routes that move money ask for."""

from typing import Annotated

from fastapi import Depends

from accounts.payments.services import MoneyServices
from web.app_state import from_state

MoneyDep = Annotated[MoneyServices, Depends(from_state("money", MoneyServices))]
