"""A dormitory on each database, and its API."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from accounts.passwords import Hasher
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.vocabulary import Role
from database import Database
from metering.api.router import router
from metering.services import MeteringServices
from tests.apps import LentApps
from tests.metering.dormitory import Dormitory
from tests.metering.rooms.office import Office, add_reader
from tests.sign_ins import sign_in


@pytest.fixture
def dormitory(database: Database) -> Dormitory:
    return Dormitory(database)


@pytest.fixture
def office(dormitory: Dormitory, lent_apps: LentApps) -> Iterator[Office]:
    accounts = AccountsServices(
        database=dormitory.database,
        secret=b"a test secret of enough bytes 123",
        clock=lambda: dormitory.now,
        hasher=Hasher(time_cost=1, memory_kib=8),
        access_token_lifetime=timedelta(days=40),
    )
    reader_id, reader = add_reader(dormitory, "reader")
    staff = sign_in(accounts, None, [Role.FACILITIES], now=dormitory.now)
    with lent_apps.lend(router) as app:
        app.state.accounts = accounts
        app.state.metering = MeteringServices(money=MoneyServices(accounts=accounts, writer=None))
        with lent_apps.ask(app) as client:
            yield Office(client, accounts, dormitory, staff, reader, reader_id)
