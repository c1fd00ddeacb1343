"""A campus with showers for a benchmark: its database, and the part of the server that settles sessions."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.credentials import card_digest
from accounts import cards, devices, people
from accounts.ledger import AccountKind, LedgerWriter, Transfer, account, open_named, record
from accounts.ledger.expiry import expire_holds
from accounts.ledger.invariants import check_ledger
from accounts.ledger.tables import OpenHold
from accounts.payments import merchants
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole, PersonKind
from bus import Backoff, BrokerAddress, Connection
from database import Database, new_id
from database.migrate import upgrade
from messages import make_private_key, public_key_text, read_private_key, read_trusted_keys, shower_sender
from messages.metering import SessionReport, WaterPrice
from metering.sessions import places
from metering.sessions.mqtt_port import ShowerPort
from metering.sessions.service import SessionService
from metering.sessions.settings import PlaceSettings
from metering.sessions.tables import WaterSession
from metering.tariffs.water import PriceList
from metering.vocabulary import SessionState
from tests.doubles.processes import PROCESSES, quiet

SITE = "baths"
FEN_PER_M3 = 25_000
"""25 fen a litre, ten times the usual: short showers shall cost some yuan."""
SILENCE_S = 60
"""After which the server settles a session without its end."""
BALANCE = 10**8
_UTILITY = "hot_water"
_KEY = hashlib.sha256(b"the credentials of a benchmark").digest()
_BY = "benchmark"
_JOBS_S = 1.0
_CONNECT_S = 30.0


@dataclass(slots=True)
class WaterCampus:
    """One shower for each person, who has a card and is rich."""

    folder: Path
    url: str
    showers: int
    credential_key: bytes = field(default=_KEY, repr=False)
    devices: list[tuple[UUID, Ed25519PrivateKey]] = field(default_factory=list, repr=False)
    people: list[UUID] = field(default_factory=list)
    merchant: UUID | None = None
    first_number: int = 0
    """Of the people and their cards, where others are numbered below."""

    def populate(self) -> None:
        """Make the database, fill it as staff would, and write the keys."""
        database = self.open()
        try:
            upgrade(database)
            with database.begin() as session:
                self.fill(session, datetime.now(UTC))
        finally:
            database.close()
        self.write_keys()

    def open(self) -> Database:
        """Open the database."""
        return Database(self.url, credential_key=self.credential_key, pool_size=20)

    def fill(self, session: Session, now: datetime) -> None:
        """Add people with cards and money, a place with a price, and its showers."""
        cash = open_named(session, AccountKind.CASH, _BY, now)
        merchants.set_campuses(session, "shower", ["north"], by=_BY, now=now)
        self.merchant = merchants.add(session, name="baths", campus="north", service="shower", by=_BY, now=now).id
        settings = PlaceSettings(
            heartbeat_s=5, update_s=2, silence_s=SILENCE_S, hold_fen=60, least_fen=1, most_fen=1_000, day_fen=100_000,
            day_ml=10**9, day_open_s=86_400, offline_fen=100,
        )  # fmt: skip
        price = WaterPrice(utility=_UTILITY, fen_per_m3=FEN_PER_M3)
        prices = PriceList(new_id(), now - timedelta(days=1), (price,))
        place = places.add(session, name="baths", title="baths", settings=settings, prices=prices, by=_BY, now=now)
        for number in range(self.showers):
            self._add_shower(session, place.id, number, now)
            self._add_person(session, cash, self.first_number + number, now)

    def write_keys(self) -> None:
        """Write the server's key, and whom it trusts."""
        make_private_key(self.folder / "server.pem")
        trusted = {shower_sender(device): public_key_text(key) for device, key in self.devices}
        (self.folder / "trusted.json").write_text(json.dumps(trusted), encoding="utf-8")

    def digest(self, number: int) -> str:
        """Return the digest of the card at shower `number`."""
        return card_digest(self.credential_key, _uid(self.first_number + number))

    @property
    def server_key(self) -> str:
        """The server's public key."""
        return public_key_text(read_private_key(self.folder / "server.pem"))

    def _add_shower(self, session: Session, place: UUID, number: int, now: datetime) -> None:
        device, _ = devices.add(
            session, name=f"shower-{number}", role=DeviceRole.METER, campus="north", merchant_id=self.merchant,
            by=_BY, now=now,
        )  # fmt: skip
        places.place_controller(session, place, device.id, by=_BY, now=now)
        self.devices.append((device.id, Ed25519PrivateKey.generate()))

    def _add_person(self, session: Session, cash: UUID, number: int, now: datetime) -> None:
        particulars = people.Particulars(
            number=f"S{number:06}", name="made up", kind=PersonKind.STUDENT, valid_from=now - timedelta(days=1)
        )
        person = people.create(session, particulars, by=_BY, now=now)
        cards.issue(session, person, _uid(number), key_number=None, by=_BY, now=now)
        record(session, [Transfer(new_id(), "top_up", cash, person.id, BALANCE)], now)[0].require()
        self.people.append(person.id)


def _uid(number: int) -> str:
    return f"04{number:012X}"


class WaterServer:
    """The server's process, which can be killed and started again."""

    def __init__(self, campus: WaterCampus, port: int) -> None:
        self._arguments = campus.url, campus.folder, port
        self._process: BaseProcess | None = None
        self._answers = PROCESSES.Event()

    def start(self) -> None:
        """Start it; `answers` tells when it does."""
        self._answers.clear()
        self._process = PROCESSES.Process(target=_serve, args=(*self._arguments, self._answers), daemon=True)
        self._process.start()

    @property
    def answers(self) -> bool:
        """Whether it has come up.

        Raises:
            RuntimeError: it has ended by itself.
        """
        if self._process is not None and self._process.exitcode is not None:
            raise RuntimeError("the server has ended by itself")
        return self._answers.is_set()

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()


def _serve(url: str, folder: Path, port: int, answers: Event) -> None:
    """Run what the server runs for showers: the port at the broker, the ledger's writer, what ends silent sessions."""
    quiet()
    database = Database(url, credential_key=_KEY, pool_size=20)
    money = MoneyServices(accounts=AccountsServices(database=database, secret=_KEY), writer=LedgerWriter(database))
    sessions = SessionService(money)
    connection = Connection(BrokerAddress(port=port), "server", backoff=Backoff(0.1, 0.5))
    shower_port = ShowerPort(
        connection, SITE, sessions, key=read_private_key(folder / "server.pem"),
        trusted=read_trusted_keys(folder / "trusted.json"),
    )  # fmt: skip
    connection.start()
    shower_port.start()
    connection.wait_connected(_CONNECT_S)
    answers.set()
    while not threading.Event().wait(_JOBS_S):
        now = datetime.now(UTC)
        sessions.expire(now)
        money.writer.run(expire_holds)


@dataclass(frozen=True, slots=True)
class Books:
    """What database and ledger say after a run, against what the controllers recorded."""

    settled: int
    litres: float
    billed_fen: int
    in_review: int
    states: Counter[str]
    faults: list[str]


def judge(campus: WaterCampus, ended: Sequence[SessionReport]) -> Books:
    """Hold every session's end against its row, and all of them against wallets, merchant, holds and journal."""
    database = campus.open()
    faults: list[str] = []
    states: Counter[str] = Counter()
    fen, millilitres, in_review = 0, 0, 0
    owed: Counter[UUID] = Counter()
    try:
        with database.snapshot() as session:
            rows = {row.id: row for row in session.scalars(select(WaterSession))}
            for report in ended:
                row = rows.pop(report.session, None)
                if row is None:
                    faults.append(f"session {report.session} is lost")
                    continue
                states[row.state] += 1
                ml, cost = _worth(report)
                if row.state == SessionState.IN_REVIEW:
                    in_review += 1
                    expected = 0
                else:
                    expected, millilitres = cost, millilitres + ml
                if row.billed != expected:
                    faults.append(_told_apart(row, expected, report))
                fen += expected
                if row.person_id is not None:
                    owed[row.person_id] += expected
                elif expected:
                    faults.append(f"session {report.session} used water and has no holder")
            faults += [f"session {row.id} ({row.state}) bills {row.billed} fen to nobody's end" for row in rows.values()
                       if row.billed]  # fmt: skip
            for person in campus.people:
                found = account(session, person)
                if (found.balance, found.held) != (BALANCE - owed[person], 0):
                    faults.append(f"{person} has {found.balance}, {found.held} held, and used {owed[person]} fen")
            if campus.merchant is not None and (taken := account(session, campus.merchant).balance) != fen:
                faults.append(f"the merchant has {taken} fen, not {fen}")
            if held := session.scalar(select(func.count()).select_from(OpenHold)):
                faults.append(f"{held} holds are still open")
            faults += [f"ledger: {one}" for one in check_ledger(session)]
    finally:
        database.close()
    settled = len(ended) - in_review
    return Books(settled, millilitres / 1_000, fen, in_review, states, faults)


def _told_apart(row: WaterSession, expected: int, report: SessionReport) -> str:
    at = f"end {report.seq} ({report.stop_reason}, offline {report.offline})"
    holder = "known" if row.person_id is not None else "unknown"
    return (
        f"session {row.id} {row.state} billed {row.billed} of {row.cost} fen, not {expected}: {at}, holder {holder},"
        f" hold {row.hold_id}, card {row.card_id}, refusal {row.refusal}, doubts {row.doubts!r}"
    )


def _worth(report: SessionReport) -> tuple[int, int]:
    """Return the millilitres of an end, and its cost in fen, half up: computed here from the pulses alone."""
    ml = 0
    for count in report.counts:
        if count.begin is not None and count.now is not None:
            ml += (count.now - count.begin) * 1_000_000 // count.pulses_per_m3
        elif count.begin_total is not None and count.total is not None:
            ml += (count.total - count.begin_total) * 1_000_000 // count.pulses_per_m3
    return ml, (2 * ml * FEN_PER_M3 + 1_000_000) // 2_000_000
