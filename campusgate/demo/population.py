"""Fills the demonstration's database: people with photos and cards, two gates, devices, staff, a dormitory."""

import base64
import csv
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from access.policy import Direction, GateKind, GatePolicy, Occupancy, Rule
from accounts import cards, defaults, devices, people
from accounts.ledger import LedgerWriter
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.payments.services import MoneyServices
from accounts.people_import.importer import Importer
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole
from campusgate.demo import canteen, computer_room, dormitory
from campusgate.demo.campus import (
    CARD,
    DORMITORY,
    EXIT_GATE,
    EXIT_GATE_TITLE,
    GATE,
    GATE_OF,
    GATE_TITLE,
    GROUP,
    PAID_BEFORE,
    PEOPLE,
    SITE,
    STAFF_GROUP,
    ZONE,
    Campus,
)
from campusgate.demo.dormitory import Lines
from campusgate.demo.personas import open_accounts
from campusgate.demo.portraits import portrait
from campusgate.settings import EnrollmentSettings
from database import Database, Sealer
from database.migrate import upgrade
from directory import gates
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.intake_results import IntakeOutcome, IntakeReport
from enrollment.quality import Checker, Verdict
from models.engine import FaceEngine

_ACTOR = "demonstration"


def write_intake(campus: Campus, engine: FaceEngine, photographs: dict[str, Path]) -> Path:
    """Write the list and the photos that a registry would hand over, and return the folder."""
    folder = campus.folder / "intake"
    folder.mkdir()
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "name", "groups", "photo"])
        for somebody in filter(lambda one: one.is_listed, PEOPLE.values()):
            name = ""
            if somebody.photograph is not None:
                name = f"{somebody.number}.jpg"
                cut = portrait(engine, photographs[somebody.photograph])
                cut.convert("L" if somebody.grey else "RGB").save(folder / name, quality=95)
            writer.writerow([somebody.number, somebody.name, GROUP, name])
    return folder


def make_terms() -> Terms:
    """Return how the list is taken: with everybody's consent to the notice that the server has in force."""
    return Terms(EnrollmentSettings().consent_version, "the cast of the demonstration", approve=Verdict.REVIEW)


def populate(campus: Campus, engine: FaceEngine, checker: Checker, intake: Path, meter_url: str) -> IntakeReport:
    """Fill the server's database as its administrators would: gates, people, cards, devices, staff, a room."""
    database = Database(campus.database_url, credential_key=base64.b64decode(campus.credential_key))
    upgrade(database)
    sealer = Sealer(base64.b64decode(campus.template_keys["server"]))
    try:
        report = import_folder(
            intake,
            database,
            engine,
            sealer,
            terms=make_terms(),
            importer=Importer(database, Hasher(), FirstPasswords(defaults.FIRST_PASSWORD_PREFIX), _ACTOR),
            zone=defaults.TIME_ZONE,
            checker=checker,
        )
        with database.begin() as session:
            moment = datetime.now(UTC)
            _build_gates(session, campus, moment)
            open_accounts(session, campus.personas, (GROUP, STAFF_GROUP), moment)
            for key, somebody in PEOPLE.items():
                person = people.by_number(session, somebody.number)
                if person is None:
                    raise LookupError(f"{somebody.number} has no account")
                campus.people[key] = person.id
                cards.issue(session, person, CARD[key], key_number=None, by=_ACTOR, now=moment)
            cashier = people.by_number(session, campus.personas.cashier.number)
            if cashier is None:
                raise LookupError("there is no cashier")
            cashier_id = cashier.id
            _furnish(session, campus, meter_url, moment)
            campus.radius_token = computer_room.furnish(session, moment)
            campus.till_token = canteen.furnish(session, moment)
        _pay_first(campus, database, cashier_id)
    finally:
        database.close()
    return report


def _build_gates(session: Session, campus: Campus, moment: datetime) -> None:
    """Put up the gates, people in by one and out by the other, with their devices; and a kiosk."""
    gates.put_zone(session, ZONE, site=SITE, title="主校区", by=_ACTOR, now=moment)
    for gate, title, direction in (
        (GATE, GATE_TITLE, Direction.ENTRY),
        (EXIT_GATE, EXIT_GATE_TITLE, Direction.EXIT),
    ):
        policy = GatePolicy(
            gate=gate,
            site=SITE,
            kind=GateKind.CAMPUS,
            rules=(Rule(group=GROUP), Rule(group=STAFF_GROUP)),
            direction=direction,
            inner_zone=ZONE,
            occupancy=Occupancy(limit=500),
        )
        gates.add(session, policy, title=title, by=_ACTOR, now=moment)
    for process, gate in GATE_OF.items():
        role = DeviceRole.EDGE if process == "edge" else DeviceRole.CONTROLLER
        _, token = devices.add(session, name=f"{gate}-{role}", role=role, gate=gate, by=_ACTOR, now=moment)
        campus.device_tokens[process] = token
    _, campus.kiosk_token = devices.add(session, name="kiosk-1", role=DeviceRole.KIOSK, by=_ACTOR, now=moment)


def _furnish(session: Session, campus: Campus, meter_url: str, moment: datetime) -> None:
    lines = Lines(meter_url, campus.settings.time_zone)
    who = tuple(campus.people[key] for key in DORMITORY)
    campus.furnished = dormitory.furnish(session, lines, who, moment)


def _pay_first(campus: Campus, database: Database, cashier_id: UUID) -> None:
    secret, zone = base64.b64decode(campus.token_secret), campus.settings.time_zone
    with LedgerWriter(database) as writer:
        money = MoneyServices(AccountsServices(database=database, secret=secret, zone=zone), writer)
        payer, other = campus.people[DORMITORY[0]], campus.people[PAID_BEFORE]
        dormitory.pay_first(money, campus.dormitory.room_id, payer, other, cashier_id=cashier_id, now=datetime.now(UTC))


def count_photos(report: IntakeReport) -> dict[str, int]:
    """Return how the photos of an intake were judged."""
    rejected = report.count(IntakeOutcome.REJECTED) + report.count(IntakeOutcome.UNREADABLE)
    return {
        "accepted": report.count(IntakeOutcome.ENROLLED),
        "review": report.count(IntakeOutcome.IN_REVIEW),
        "rejected": rejected,
    }
