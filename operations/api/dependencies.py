"""What the routes of the operations ask for. The rim puts `OperationsServices` at `app.state.operations`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from operations.board import Board
from operations.order_service import OrderService
from operations.presence_hints import PresenceHints


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """The live board, how orders are given, and how gates hear that passages are forgiven."""

    board: Board
    orders: OrderService
    hints: PresenceHints


def _services(request: Request) -> OperationsServices:
    services = request.app.state.operations
    if not isinstance(services, OperationsServices):
        raise TypeError("app.state.operations must hold OperationsServices; the rim sets it when it makes the app")
    return services


OperationsDep = Annotated[OperationsServices, Depends(_services)]
