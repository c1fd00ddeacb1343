"""From settings to the sender of staff orders."""

import structlog

from bus import Connection
from campusgate.settings import Settings
from database import Database
from messages import NonceStore, Signer, TrustedKeyFile, read_private_key
from messages.signed_codes import STAFF_SENDER
from operations.board import Board
from operations.dispatch import Dispatcher
from operations.order_nonces import OrderNonces

log = structlog.get_logger()


def make_dispatcher(settings: Settings, bus: Connection, board: Board, database: Database) -> Dispatcher | None:
    """Return the sender of staff orders, or None where the server has no key of its own."""
    if settings.signing_key_file is None:
        log.warning("orders_not_possible", missing="CAMPUSGATE_SIGNING_KEY_FILE")
        return None
    nonces = OrderNonces(database, STAFF_SENDER, NonceStore(settings.data_dir / "nonces.db"))
    signer = Signer(read_private_key(settings.signing_key_file), STAFF_SENDER, nonces)
    trusted = TrustedKeyFile(settings.require("trusted_keys_file"))
    return Dispatcher(bus, settings.site, signer, trusted, board, turn=nonces.turn)
