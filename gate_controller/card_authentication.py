"""Turns a card's proof of its key into an authenticated card, once: its counter is spent on disk first."""

from dataclasses import replace
from enum import StrEnum

import structlog

from access.credentials import card_digest
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.readers import Reading
from gate_controller.sun import ProofError, ProofKeys, parse_sun, verify_with

log = structlog.get_logger()


class ProofRefusal(StrEnum):
    """Why a proof was not believed: the reason in the event."""

    FORGED = "card_forged"
    """No message of a card of this site."""
    REPLAYED = "card_replayed"
    """The message was used before at this door, or the counter could not be kept."""


class CardAuthenticator:
    """The proofs at one door. Each door keeps its own counters."""

    def __init__(self, keys: ProofKeys | None, credential_key: bytes, memory: DoorMemory) -> None:
        """`keys` None: no card is proven here."""
        self._keys = keys
        self._credential_key = credential_key
        self._memory = memory

    def authenticate(self, reading: Reading) -> Reading | ProofRefusal:
        """Return the reading as that of an authenticated card, or why it is not believed."""
        message = parse_sun(reading.value)
        if message is None or self._keys is None:
            return ProofRefusal.FORGED
        try:
            card = verify_with(self._keys, message)
            fresh = self._memory.spend_counter(card_digest(self._credential_key, card.uid.hex()), card.counter)
        except ProofError:
            return ProofRefusal.FORGED
        except DoorMemoryError as error:
            log.error("card_counter_not_kept", error=str(error))
            return ProofRefusal.REPLAYED
        return (
            replace(reading, value=card.uid.hex(), kind="card", authenticated=True) if fresh else ProofRefusal.REPLAYED
        )
