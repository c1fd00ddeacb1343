"""The reading process: settings in, lines and server put together, everything ended in order."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from bus.backoff import Backoff
from campusgate.processes.kept_files import KeptFiles
from campusgate.processes.private_files import keep_private
from campusgate.processes.watchdog import Watchdog
from campusgate.settings import Settings
from campusgate.wiring.server_link import make_server_trust
from metering.frames.dlt645.orders import Credentials
from metering.lines.collector import Collector
from metering.lines.delivery import BACKOFF, Delivery, DeliveryTiming
from metering.lines.protocols.registry import ProtocolOptions
from metering.lines.reader import Reader
from metering.lines.server_client import ServerClient
from metering.lines.setting import LineTiming, Setting
from metering.lines.unsent import UnsentFile

log = structlog.get_logger()

_POLL_S: Final = 0.2
"""How late at most a stop is noticed."""
_REPORT_EVERY_S: Final = 900.0
_TURN_WITHIN_S: Final = 30.0
"""Of the event loop, five times a second, and of what writes the file, once a second: a disk may keep it waiting."""
_WORKERS: Final = 4
"""For the file and for names of gateways; the lines themselves are tasks of one event loop."""


@dataclass(frozen=True, slots=True)
class MeterTimes:
    """The times of the process, for tests."""

    lines: LineTiming = field(default_factory=LineTiming)
    delivery: DeliveryTiming = field(default_factory=DeliveryTiming)
    backoff: Backoff = BACKOFF
    start_within_s: float = 2.0


def run_meters(
    settings: Settings,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    times: MeterTimes | None = None,
) -> None:
    """Read meters until `stop` is set; `ready` is called once the lines of the last plan, if any, are begun.

    Raises:
        OperatorError: a setting is missing, or the process's file cannot be used at all.
    """
    settings.require("device_token")
    keep_private(settings.data_dir)
    with ExitStack() as stack:
        kept = KeptFiles(settings.data_dir / "meters")
        file = kept.open("unsent.db", UnsentFile, lost="readings_not_sent")
        stack.callback(file.close)
        asyncio.run(_run(settings, file, stop, ready, times or MeterTimes()))


async def _run(
    settings: Settings,
    file: UnsentFile,
    stop: threading.Event,
    ready: Callable[[], None],
    times: MeterTimes,
) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_WORKERS, thread_name_prefix="meters"))
    collector = Collector(file)
    setting = Setting(
        collector,
        settings.time_zone,
        lambda: datetime.now(UTC),
        timing=times.lines,
        sets_clocks=settings.meters.set_clocks,
        frozen_days=file.frozen_days(),
    )
    credentials = Credentials(settings.meters.password.get_secret_value(), settings.meters.operator)
    reader = Reader(setting, ProtocolOptions(settings.time_zone, credentials), start_within_s=times.start_within_s)
    client = ServerClient(settings.server_url, settings.require("device_token"), verify=make_server_trust(settings))
    delivery = Delivery(client, file, collector, reader, times.delivery, backoff=times.backoff)
    if (plan := file.plan()) is not None:
        reader.follow(plan)
    tasks = [asyncio.create_task(work) for work in (collector.run(), delivery.run(), _report(collector, file))]
    watchdog = Watchdog(settings.heartbeat_file)
    turn = watchdog.watch("event loop", _TURN_WITHIN_S)
    collector.on_turn = watchdog.watch("file of readings", _TURN_WITHIN_S)
    ready()
    watchdog.begin()
    try:
        while not stop.is_set():
            turn()
            done, _ = await asyncio.wait(tasks, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        watchdog.end()
        # The lines first: what they still found is then written.
        await reader.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()


async def _report(collector: Collector, file: UnsentFile) -> None:
    while True:
        await asyncio.sleep(_REPORT_EVERY_S)
        unsent = await asyncio.to_thread(file.count_readings)
        log.info("meters_read", readings=collector.taken, unsent=unsent)
