"""A bath house whose showers a test leads: people with cards and money, a controller, reports in any order."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts import cards, devices, people
from accounts.cards import virtual_cards
from accounts.cards.virtual_cards import ChannelUser
from accounts.ledger import AccountKind, LedgerWriter, Transfer, account, open_named, record
from accounts.ledger.expiry import expire_holds
from accounts.ledger.invariants import check_ledger
from accounts.passwords import Hasher
from accounts.payments import merchants
from accounts.payments.services import MoneyServices
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.tables import Card
from accounts.topup.verification import check_reasons
from accounts.vocabulary import Channel, DeviceRole, PersonKind
from database import Database, new_id
from messages.metering import (
    DeviceHeartbeat,
    HeartbeatAnswer,
    SessionAnswer,
    SessionReport,
    ShownCard,
    WaterCount,
    WaterPrice,
)
from metering.sessions import places, subsidies
from metering.sessions.service import SessionService
from metering.sessions.settings import PlaceSettings
from metering.sessions.subsidies import Plan
from metering.sessions.tables import WaterSession
from metering.tariffs.water import PriceList

SECRET = b"a test secret of enough bytes 123"
START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # noon in Shanghai
K = 450_000
HOT = WaterPrice(utility="hot_water", fen_per_m3=2_500)
"""25 yuan a tonne: 40 litres are a yuan."""


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Student:
    id: UUID
    card_id: UUID
    shown: ShownCard


def hot(litres: float, *, open_s: int | None = None, **fields: Any) -> WaterCount:
    pulses = round(litres * K / 1_000)
    given = {"begin": 10_000, "now": 10_000 + pulses, "open_s": int(litres * 8) if open_s is None else open_s}
    return WaterCount(utility="hot_water", pulses_per_m3=K, **(given | fields))


@dataclass
class Bath:
    """One place with two showers. Reports are made by `report` and sent by `send`."""

    money: MoneyServices
    clock: Clock
    service: SessionService
    merchant: UUID
    place: UUID
    showers: list[UUID]
    boot: UUID = field(default_factory=new_id)
    _numbers: int = 0

    @property
    def database(self) -> Database:
        return self.money.database

    def student(self, fen: int = 0, *, kind: PersonKind = PersonKind.STUDENT) -> Student:
        self._numbers += 1
        number, now = self._numbers, self.clock.now
        with self.database.begin() as session:
            person = people.create(
                session,
                Particulars(number=f"2026{number:05}", name="王小明", kind=kind, valid_from=now - timedelta(days=1)),
                by="system",
                now=now,
            )
            uid = f"04A1B2C3D4{number:04X}"
            card = cards.issue(session, person, uid, key_number=None, by="system", now=now)
            student = Student(person.id, card.id, ShownCard(digest=cards.uid_digest(session, uid)))
        self.give(student, fen)
        return student

    def code(self, student: Student) -> str:
        with self.database.begin() as session:
            held = select(Card).where(Card.person_id == student.id, Card.code_handle.is_not(None))
            card = session.scalars(held).one_or_none()
            if card is None:
                user = ChannelUser(user=f"user {student.id}", phone=None)
                person = people.get(session, student.id)
                card = virtual_cards.bind(session, person, Channel.WECHAT, user, by="system", now=self.clock.now)
            return virtual_cards.code(session, card, self.money.accounts.code_key, now=self.clock.now).digits

    def give(self, student: Student, fen: int) -> None:
        if fen:
            with self.database.begin() as session:
                cash = open_named(session, AccountKind.CASH, "counter", self.clock.now)
                record(session, [Transfer(new_id(), "top_up", cash, student.id, fen)], self.clock.now)[0].require()

    def set(self, **settings: Any) -> None:
        with self.database.begin() as session:
            settings_ = PlaceSettings(**settings)
            places.change(
                session, self.place, title="Bath house", settings=settings_, by="person:x", now=self.clock.now
            )

    def prices(self, *prices: WaterPrice, pause: bool = False, in_s: int = 1) -> UUID:
        """Announce prices, and let the time come."""
        listed = PriceList(new_id(), self.clock.now + timedelta(seconds=in_s), prices, pause)
        with self.database.begin() as session:
            places.add_prices(session, self.place, listed, by="person:x", now=self.clock.now)
        self.forward(in_s)
        return listed.id

    def subsidise(self, fen: int, begins_on: date = date(2026, 11, 1), ends_on: date | None = None) -> None:
        with self.database.begin() as session:
            plan = Plan("hot-water", fen, PersonKind.STUDENT, begins_on, ends_on)
            subsidies.add(session, plan, by="person:x", now=self.clock.now)

    def forward(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)

    def report(self, number: int, seq: int, step: str, *counts: WaterCount, **fields: Any) -> SessionReport:
        given: dict[str, Any] = {"device": self.showers[0], "boot_id": self.boot, "at": self.clock.now}
        return SessionReport(**(given | {"number": number, "seq": seq, "step": step, "counts": counts} | fields))

    def send(self, report: SessionReport) -> SessionAnswer:
        return self.service.report(report, self.clock.now)

    def tell(self, number: int, seq: int, step: str, *counts: WaterCount, **fields: Any) -> SessionAnswer:
        return self.send(self.report(number, seq, step, *counts, **fields))

    def ask(self, student: Student, number: int = 1, **fields: Any) -> SessionAnswer:
        return self.tell(number, 0, "authorise", **({"card": student.shown} | fields))

    def beat(self, **fields: Any) -> HeartbeatAnswer:
        given: dict[str, Any] = {"device": self.showers[0], "boot_id": self.boot, "at": self.clock.now}
        return self.service.heartbeat(DeviceHeartbeat(**(given | fields)), self.clock.now)

    def expire(self) -> int:
        """As the server's jobs do: sessions, then holds."""
        settled = self.service.expire(self.clock.now)
        with self.database.begin() as session:
            expire_holds(session, self.clock.now)
        return settled

    def worth(self, who: Student | UUID) -> int:
        with self.database.read() as session:
            return account(session, who if isinstance(who, UUID) else who.id).balance

    def free(self, student: Student) -> int:
        with self.database.read() as session:
            return account(session, student.id).available

    def session(self, answer: SessionAnswer) -> WaterSession:
        with self.database.read() as session:
            row = session.get_one(WaterSession, answer.session)
            session.expunge(row)
        return row

    def billed(self) -> int:
        with self.database.read() as session:
            return int(session.scalar(select(func.coalesce(func.sum(WaterSession.billed), 0))) or 0)

    def check(self) -> None:
        """The books are right, and their reasons."""
        with self.database.snapshot() as session:
            assert check_ledger(session) == []
            assert list(check_reasons(session)) == []


def build(database: Database, clock: Clock, writer: LedgerWriter) -> Bath:
    accounts = AccountsServices(database=database, secret=SECRET, clock=clock, hasher=Hasher(time_cost=1, memory_kib=8))
    money = MoneyServices(accounts=accounts, writer=writer)
    with database.begin() as session:
        merchants.set_campuses(session, "bath", ["north"], by="system", now=clock.now)
        merchant = merchants.add(
            session, name=f"bath {new_id()}", campus="north", service="bath", by="system", now=clock.now
        ).id
        listed = PriceList(new_id(), clock.now - timedelta(days=30), (HOT,))
        place = places.add(
            session,
            name=f"bath-{new_id()}"[:60],
            title="Bath house",
            settings=PlaceSettings(),
            prices=listed,
            by="person:x",
            now=clock.now,
        ).id
        showers = [_shower(session, merchant, place, clock.now) for _ in range(2)]
    return Bath(money, clock, SessionService(money), merchant, place, showers)


def _shower(session: Session, merchant: UUID, place: UUID, now: datetime) -> UUID:
    device, _ = devices.add(
        session,
        name=f"shower {new_id()}",
        role=DeviceRole.METER,
        campus="north",
        merchant_id=merchant,
        by="system",
        now=now,
    )
    places.place_controller(session, place, device.id, by="person:x", now=now)
    return device.id
