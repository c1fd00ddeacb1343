"""A computer room that a test leads: people with passwords and money, a RADIUS server that asks, a clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accounts import devices, passwords, people
from accounts.api.router import router as accounts_router
from accounts.ledger import AccountKind, LedgerWriter, Transfer, account, open_named, record
from accounts.ledger.expiry import expire_holds
from accounts.ledger.invariants import check_ledger
from accounts.passwords import Hasher
from accounts.payments import merchants
from accounts.payments.services import MoneyServices
from accounts.people import Particulars
from accounts.principals import DevicePrincipal
from accounts.services import AccountsServices
from accounts.topup.verification import check_reasons
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind
from database import Database, new_id
from network_access import accounting, login
from network_access.asking import Asking
from network_access.attributes import AttributeIn, Request
from network_access.login import LoginRefusedError
from network_access.services import NetworkServices
from network_access.tables import NetworkSession
from network_access.terms import ServiceTerms
from network_access.vocabulary import LoginRefusal, NetworkService

SECRET = b"a test secret of enough bytes 123"
START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # noon in Shanghai
PASSWORD = "bright-Ember-41"
HASHER = Hasher(time_cost=1, memory_kib=8)
_HASH = HASHER.hash(PASSWORD)
PRICE = 360
"""Fen an hour: ten seconds are a fen."""
ROUTERS = (accounts_router,)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Lab:
    """The server behind a RADIUS server; packets are attributes by name."""

    services: NetworkServices
    clock: Clock
    device: DevicePrincipal
    token: str
    _numbers: int = 0
    numbers: dict[UUID, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.services.database

    def offer(self, service: NetworkService = NetworkService.COMPUTER_ROOM, **terms: Any) -> None:
        """Set the terms of a service, as a restart with other settings does."""
        self.services = NetworkServices(self.services.money, {**self.services.terms, service: ServiceTerms(**terms)})

    def person(self, fen: int = 0, *, must_change: bool = False, **fields: Any) -> UUID:
        self._numbers += 1
        now, number = self.clock.now, f"2026{self._numbers:05}"
        given = {
            "number": number,
            "name": "王小明",
            "kind": PersonKind.STUDENT,
            "valid_from": START - timedelta(days=1),
        }
        with self.database.begin() as session:
            person = people.create(session, Particulars(**(given | fields)), by="system", now=now)
            hashes = {PasswordPurpose.PORTAL: _HASH}
            passwords.store(session, person.id, hashes, must_change=must_change, by="system", now=now)
        self.numbers[person.id] = number
        self.give(person.id, fen)
        return person.id

    def give(self, person_id: UUID, fen: int) -> None:
        if fen:
            with self.database.begin() as session:
                cash = open_named(session, AccountKind.CASH, "counter", self.clock.now)
                record(session, [Transfer(new_id(), "top_up", cash, person_id, fen)], self.clock.now)[0].require()

    def spend(self, person_id: UUID, fen: int) -> None:
        merchant = self.device.merchant_id
        assert merchant is not None
        with self.database.begin() as session:
            record(session, [Transfer(new_id(), "payment", person_id, merchant, fen)], self.clock.now)[0].require()

    def forward(self, **by: float) -> None:
        self.clock.now += timedelta(**by)

    def seat(self, person_id: UUID, **attributes: Any) -> dict[str, Any]:
        """What a device says of whoever sits at a computer."""
        return {
            "User-Name": self.numbers[person_id],
            "NAS-Identifier": "lab-3",
            "NAS-IP-Address": "10.20.0.1",
            "NAS-Port": 3,
            "Calling-Station-Id": "02-00-00-00-00-01",
        } | {name.replace("_", "-"): value for name, value in attributes.items()}

    def asking(self, attributes: dict[str, Any], service: NetworkService = NetworkService.COMPUTER_ROOM) -> Asking:
        request = Request({name: AttributeIn(value=[value]) for name, value in attributes.items()})
        return Asking.of(self.services, self.device, service, request, now=self.clock.now)

    def log_in(self, person_id: UUID, password: str = PASSWORD, **attributes: Any) -> tuple[str, int]:
        """Return the Class as the wire has it, and the seconds."""
        granted = login.log_in(self.asking(self.seat(person_id, **attributes) | {"User-Password": password}))
        return f"0x{granted.login_class.hex()}", granted.lasts_s

    def refusal(self, person_id: UUID, password: str = PASSWORD, **attributes: Any) -> LoginRefusal | None:
        try:
            self.log_in(person_id, password, **attributes)
        except LoginRefusedError as error:
            return error.refusal
        return None

    def tell(self, person_id: UUID, kind: str, number: str = "1", **attributes: Any) -> None:
        self.send(self.packet(person_id, kind, number, **attributes))

    def packet(self, person_id: UUID, kind: str, number: str = "1", **attributes: Any) -> dict[str, Any]:
        return self.seat(person_id, Acct_Status_Type=kind, Acct_Session_Id=number, **attributes)

    def send(self, attributes: dict[str, Any]) -> None:
        accounting.take(self.asking(attributes))

    def sessions(self, person_id: UUID) -> list[NetworkSession]:
        with self.database.read() as session:
            query = select(NetworkSession).where(NetworkSession.person_id == person_id)
            rows = list(session.scalars(query.order_by(NetworkSession.began_at, NetworkSession.id)))
            session.expunge_all()
        return rows

    def session(self, person_id: UUID) -> NetworkSession:
        (row,) = self.sessions(person_id)
        return row

    def worth(self, account_id: UUID) -> int:
        with self.database.read() as session:
            return account(session, account_id).balance

    def free(self, person_id: UUID) -> int:
        with self.database.read() as session:
            return account(session, person_id).available

    def expire_holds(self) -> None:
        with self.database.begin() as session:
            expire_holds(session, self.clock.now)

    def check(self) -> None:
        """The books are right, and their reasons."""
        with self.database.snapshot() as session:
            assert check_ledger(session) == []
            assert list(check_reasons(session)) == []


def build(database: Database, clock: Clock, writer: LedgerWriter) -> Lab:
    accounts = AccountsServices(database=database, secret=SECRET, clock=clock, hasher=HASHER)
    with database.begin() as session:
        merchants.set_campuses(session, "computer room", ["north"], by="system", now=clock.now)
        merchant = merchants.add(
            session, name=f"lab {new_id()}", campus="north", service="computer room", by="system", now=clock.now
        ).id
        device, token = devices.add(
            session,
            name=f"radius {new_id()}",
            role=DeviceRole.RADIUS,
            campus="north",
            merchant_id=merchant,
            by="system",
            now=clock.now,
        )
        known = DevicePrincipal(device.id, device.name, device.role, device.campus, None, merchant)
    lab = Lab(NetworkServices(MoneyServices(accounts=accounts, writer=writer)), clock, known, token)
    lab.offer()
    return lab
