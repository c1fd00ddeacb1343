"""What the routes of the operations ask for. The rim puts `OperationsServices` at `app.state.operations`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from operations.alarms.pictures import AlarmPictures
from operations.board import Board
from operations.order_service import OrderService
from operations.presence_hints import PresenceHints
from web.app_state import from_state


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """The live board, how orders are given, how gates hear that passages are forgiven, and pictures of alarms."""

    board: Board
    orders: OrderService
    hints: PresenceHints
    pictures: AlarmPictures


OperationsDep = Annotated[OperationsServices, Depends(from_state("operations", OperationsServices))]
