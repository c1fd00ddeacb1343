"""The reading process's parts beside the server's own routes and tables: plan, readings, states, orders."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select

from accounts import devices
from accounts.passwords import Hasher
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole, Role
from campusgate.demo.simulated_lines import simulated_gateway
from database import Database
from metering.api.router import router
from metering.readings.tables import MeterReading
from metering.rooms.tables import Meter
from metering.services import MeteringServices
from metering.supply import orders
from metering.supply.orders import MeterOrder
from metering.vocabulary import MeterAction
from tests.apps import LentApps
from tests.metering.lines.site import meters
from tests.metering.lines.test_reader import running_reader, until, wire
from tests.sign_ins import sign_in


@dataclass
class Served:
    """The server with a member of staff and a device that reads."""

    url: str
    database: Database
    staff: httpx.Client
    device_id: UUID
    token: str

    def post(self, path: str, **body: object) -> str:
        answer = self.staff.post(f"{self.url}/api/v1{path}", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def count(self, *where: object) -> int:
        with self.database.read() as session:
            return int(session.scalar(select(func.count()).select_from(MeterReading).where(*where)) or 0)


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Let an app answer over real HTTP; the value is its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join()


@pytest.fixture
def server(database: Database, lent_apps: LentApps) -> Iterator[Served]:
    accounts = AccountsServices(database=database, secret=bytes(range(32)), hasher=Hasher(time_cost=1, memory_kib=8))
    now = datetime.now(UTC)
    with database.begin() as session:
        device, token = devices.add(session, name="reader", role=DeviceRole.METER, by="system", now=now)
        device_id = device.id
    headers = sign_in(accounts, None, [Role.FACILITIES], now=now)
    with lent_apps.lend(router) as app, httpx.Client(headers=headers) as staff:
        app.state.accounts = accounts
        app.state.metering = MeteringServices(
            money=MoneyServices(accounts=accounts, writer=None), cycle=timedelta(seconds=1)
        )
        with serve(app) as url:
            yield Served(url, database, staff, device_id, token)


def test_what_meters_show_stands_in_the_servers_table_and_its_order_moves_the_relay(
    server: Served, tmp_path: Path
) -> None:
    async def story() -> None:
        line = wire(meters(3))
        simulated = list(line.meters.values())
        async with simulated_gateway(line) as gateway:
            line_id = server.post(
                "/meter-lines",
                name="north-6-a",
                url=gateway.url,
                protocol="dlt645",
                bits_per_s=9600,
                device_id=str(server.device_id),
            )
            ids = [
                UUID(
                    server.post(
                        "/meters",
                        serial=f"S{one.address}",
                        model="dlt645-2007",
                        address=one.address,
                        line_id=line_id,
                        has_relay=True,
                    )
                )
                for one in simulated
            ]
            async with running_reader(tmp_path / "unsent.db", server.url, token=server.token) as running:
                await until(lambda: server.count() == 3)
                # What did not change makes no row; what did makes one.
                simulated[0].digits += 7
                await until(lambda: server.count() == 4)
                now = datetime.now(UTC)
                with server.database.begin() as session:
                    meter = session.get_one(Meter, ids[1])
                    order = orders.give(
                        session,
                        meter,
                        MeterAction.TRIP,
                        room_id=None,
                        reason=None,
                        now=now,
                        expires_at=now + timedelta(minutes=5),
                    )
                    order_id = order.id
                await until(lambda: simulated[1].is_open)

                def state() -> str:
                    with server.database.read() as session:
                        return session.get_one(MeterOrder, order_id).state.value

                await until(lambda: state() == "done")
                await until(lambda: running.file.count_readings() == 0)
                with server.database.read() as session:
                    numbers = {meter.id: meter.number for meter in session.scalars(select(Meter))}
                    rows = session.execute(select(MeterReading.meter, MeterReading.digits).order_by(MeterReading.at))
                    digits: dict[int, list[int]] = {}
                    for number, value in rows:
                        digits.setdefault(number, []).append(value)
                assert [digits[numbers[one]] for one in ids] == [[1001, 1008], [1002], [1003]]
                assert len(simulated[1].orders) == 1

    asyncio.run(story())
