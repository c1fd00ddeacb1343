"""The controller of a shower as a process: settings and the shower's file in, parts put together, ended in order."""

import re
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from uuid import UUID, uuid4

import structlog

from access.credentials import CredentialError, card_digest
from bus import Connection, Will, kept_client_id
from campusgate.processes.private_files import keep_private
from campusgate.processes.watchdog import Watchdog
from campusgate.settings import Settings
from campusgate.settings.shower_file import InstalledShower
from campusgate.wiring.broker import make_broker_address
from gate_controller.readers import Dropped, Presented, Reading, ReadingResult, Unreadable
from gate_controller.readers.registry import READERS
from messages import ProcessStatus, ShowerTopic, ShowerTopics, SystemClock, TrustedKeyFile, read_private_key
from messages.metering import ShownCard
from metering.shower.device import ShowerController, Surroundings
from metering.shower.line_hydraulics import LineHydraulics
from metering.shower.link import ShowerLink, availability, last_will
from metering.shower.records import ShowerRecords
from metering.shower.signals import Notice, Show

log = structlog.get_logger()

_REFUSALS = {Notice.OCCUPIED, Notice.REFUSED, Notice.OUT_OF_ORDER}
_TURN_WITHIN_S = 20.0
"""Valve and meters that do not answer, and a disk, may keep the shower waiting for some seconds."""
_ONE_TIME_CODE = re.compile(r"[0-9]{16,24}")


class ReaderDisplay:
    """What a controller without a screen shows: the reader's light and sound for the last card, and the log."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self._asking: Reading | None = None

    def ask(self, reading: Reading) -> None:
        """Let the next answer go to this reading."""
        self._asking = reading

    def show(self, message: Show) -> None:
        """Log it, and let the reader show what became of its card."""
        log.info("shower_shows", notice=message.notice, code=message.code, cost_fen=message.cost_fen)
        asking = self._asking
        if asking is None or message.notice is Notice.WAIT:
            return
        self._asking = None
        is_granted = message.notice not in _REFUSALS
        asking.answer(ReadingResult(is_granted, message.code or message.notice))


def run_shower(settings: Settings, file: InstalledShower, stop: threading.Event, ready: Callable[[], None]) -> None:
    """Keep the shower until `stop` is set; `ready` is called once its reader is watched.

    Raises:
        OperatorError: a setting is missing, or a key, a file, a line or a port cannot be used.
    """
    keep_private(settings.data_dir)
    folder = settings.data_dir / "shower" / str(file.device)
    credential_key = settings.require_key("credential_key")
    key = read_private_key(settings.require("signing_key_file"))
    trusted = TrustedKeyFile(settings.require("trusted_keys_file"))
    topics, boot_id, clock = ShowerTopics(settings.site, file.device), uuid4(), SystemClock()
    with ExitStack() as stack:
        records = ShowerRecords(folder / "sessions.db")
        stack.callback(records.close)
        hydraulics = LineHydraulics(file)
        hydraulics.start()
        stack.callback(hydraulics.close)
        bus = Connection(
            make_broker_address(settings),
            kept_client_id(f"shower-{settings.site}-{file.device}", folder / "client-id"),
            will=partial(last_will, topics, boot_id),
        )
        hydraulics.wait_heard()
        display = ReaderDisplay()
        controller = ShowerController(
            file.device,
            boot_id,
            Surroundings(hydraulics, records, display, clock),
            lambda on_answer: ShowerLink(
                bus, topics, boot_id, key=key, trusted=trusted, now=clock.now, on_answer=on_answer
            ),
            poll_s=file.poll_s,
        )
        bus.start()
        stack.callback(_say_goodbye, bus, topics, boot_id)
        reader = READERS[file.reader.driver].open(file.reader)
        if reader is not None:
            reader.start(lambda presented: _show(controller, display, credential_key, presented))
            stack.callback(reader.stop)
        watchdog = Watchdog(settings.heartbeat_file)
        controller.on_turn = watchdog.watch("shower", _TURN_WITHIN_S)
        bus.on_handler_turn(watchdog.watch("handlers", _TURN_WITHIN_S))
        ready()
        with watchdog:
            controller.run(stop)


def _say_goodbye(bus: Connection, topics: ShowerTopics, boot_id: UUID) -> None:
    farewell = availability(topics, boot_id, ProcessStatus.STOPPED, connection=bus.connection_number)
    bus.stop(Will(topics.of(ShowerTopic.AVAILABILITY), farewell.encode()))


def _show(controller: ShowerController, display: ReaderDisplay, credential_key: bytes, presented: Presented) -> None:
    """Give what was presented to the controller; a number goes no further than its digest."""
    if isinstance(presented, Dropped):
        log.info("shower_readings_dropped", number=presented.number, why=presented.why)
        return
    unreadable = ReadingResult(granted=False, reason="unreadable")
    if isinstance(presented, Unreadable):
        presented.answer(unreadable)
        return
    if presented.kind == "code" and _ONE_TIME_CODE.fullmatch(presented.value):
        display.ask(presented)
        controller.show_code(presented.value)
        return
    try:
        card = ShownCard(digest=card_digest(credential_key, presented.value))
    except CredentialError:
        presented.answer(unreadable)
        return
    display.ask(presented)
    controller.show_card(card)
