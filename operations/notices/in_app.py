"""To everyone who has the pages open: the notice stands above the board until somebody acknowledges the alarm."""

from operations.board import Board
from operations.notices.port import Notice


class InAppNotifier:
    """The register has marked the alarm as escalated; the pages only need to look again."""

    channel = "in_app"

    def __init__(self, board: Board) -> None:
        """Take the board that the pages follow."""
        self._board = board

    def send(self, notice: Notice) -> None:  # noqa: ARG002 - the pages read it from the register
        """Wake the pages."""
        self._board.touch()
