"""What the server does by itself about card dispensers, and what their process says of wrong settings."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from accounts import devices
from accounts.vocabulary import DeviceRole
from campusgate.processes.dispenser import run_dispenser
from campusgate.processes.jobs.card_dispensers import DispenserWatch, make_dispenser_jobs
from campusgate.settings import Settings, SettingsError
from campusgate.settings.dispenser import DispenserSettings
from card_dispensing import sightings
from card_dispensing.contract import Fault, Stacker, StatusIn
from database import Database
from operations.tables import Alarm
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE

NOW = datetime(2026, 11, 28, 4, tzinfo=UTC)


def add(database: Database, number: int) -> UUID:
    with database.begin() as session:
        kiosk, _ = devices.add(session, name=f"kiosk-{number}", role=DeviceRole.KIOSK, by="system", now=NOW)
        dispenser, _ = devices.add(
            session, name=f"cards-{number}", role=DeviceRole.DISPENSER, kiosk_id=kiosk.id, by="system", now=NOW
        )
        return dispenser.id


def standing(database: Database) -> dict[str, str | None]:
    with database.read() as session:
        return {one.kind: one.reason for one in session.scalars(select(Alarm).where(Alarm.closed_at.is_(None)))}


def test_each_job_runs_twice_on_an_empty_database(database: Database) -> None:
    for job in make_dispenser_jobs(database) * 2:
        job.do(NOW)
    assert standing(database) == {}


def test_what_a_dispenser_needs_is_an_alarm_until_it_has_it(database: Database) -> None:
    first, second = add(database, 1), add(database, 2)
    watch = DispenserWatch(database)

    def tell(dispenser: UUID, **status: object) -> dict[str, str | None]:
        with database.begin() as session:
            sightings.note(session, dispenser, StatusIn.model_validate(status), NOW)
        watch.look(NOW)
        return standing(database)

    watch.look(NOW)
    silent = "kiosk-1: dispenser_silent, kiosk-2: dispenser_silent"
    assert standing(database) == {"card_dispenser_fault": silent}
    tell(first, stacker=Stacker.ENOUGH)
    assert tell(second, stacker=Stacker.ENOUGH) == {}
    assert tell(second, stacker=Stacker.FEW) == {"card_dispenser_low": "kiosk-2: few_cards"}
    assert tell(second, stacker=Stacker.EMPTY) == {"card_dispenser_low": "kiosk-2: no_cards"}
    assert tell(second, stacker=Stacker.ENOUGH, is_bin_full=True) == {"card_bin_full": "kiosk-2: card_bin_full"}
    assert tell(second, fault=Fault.JAM)["card_dispenser_fault"] == "kiosk-2: card_jam"
    assert tell(second, stacker=Stacker.ENOUGH) == {}
    watch.look(NOW + timedelta(minutes=2))
    assert standing(database) == {"card_dispenser_fault": silent}
    with database.begin() as session:
        for one in (first, second):
            devices.revoke(session, devices.get(session, one), by="system", now=NOW)
    watch.look(NOW + timedelta(minutes=3))
    assert standing(database) == {}


@pytest.mark.parametrize(
    ("dispenser", "what"),
    [
        (DispenserSettings(), "DISPENSER__DEVICE"),
        (DispenserSettings(device=Path("/dev/null"), driver="k720"), "DISPENSER__DRIVER: there is no 'k720'"),
        (DispenserSettings(device=Path("/dev/null")), "DEVICE_TOKEN"),
    ],
)
def test_settings_that_are_missing_are_named(dispenser: DispenserSettings, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        run_dispenser(Settings(dispenser=dispenser, device_token=None), threading.Event())
