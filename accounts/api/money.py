"""What routes that move money ask for."""

from typing import Annotated

from fastapi import Depends, Request

from accounts.payments.services import MoneyServices


def _money(request: Request) -> MoneyServices:
    services = request.app.state.money
    if not isinstance(services, MoneyServices):
        raise TypeError("app.state.money must hold MoneyServices; the rim sets it when it makes the app")
    return services


MoneyDep = Annotated[MoneyServices, Depends(_money)]
