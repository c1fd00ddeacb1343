"""A campus with a kiosk, and the dispenser in it."""

from collections.abc import Iterator

import pytest

from database import Database
from tests.accounts.conftest import Clock
from tests.card_dispensing.crt571_peer import running_peer
from tests.card_dispensing.kiosk_campus import KioskCampus, client_of, populate, serving
from tests.card_dispensing.kiosk_rig import Rig


@pytest.fixture
def campus(database: Database) -> Iterator[KioskCampus]:
    with serving(populate(database, Clock())) as campus:
        yield campus


@pytest.fixture
def rig(campus: KioskCampus, imported_rooms: None) -> Iterator[Rig]:
    with running_peer() as peer, client_of(campus) as client:
        rig = Rig(campus, peer, client)
        yield rig
        rig.close()
