"""Fills the demonstration's database: people with photos and cards, a gate, devices, staff, a dormitory."""

import base64
import csv
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from access.policy import Direction, GateKind, GatePolicy, Occupancy, Rule
from accounts import cards, defaults, devices, passwords, people
from accounts.ledger import LedgerWriter
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.payments.services import MoneyServices
from accounts.people_import.importer import Importer
from accounts.services import AccountsServices
from accounts.tables import PersonRole
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind, Role
from campusgate.demo import dormitory
from campusgate.demo.campus import CARD, DORMITORY, GATE, GROUP, PEOPLE, SITE, STAFF_NUMBER, ZONE, Campus
from campusgate.demo.dormitory import Lines
from campusgate.demo.personas import open_accounts
from campusgate.demo.portraits import portrait
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
        for somebody in PEOPLE.values():
            name = ""
            if somebody.photograph is not None:
                name = f"{somebody.number}.jpg"
                cut = portrait(engine, photographs[somebody.photograph])
                cut.convert("L" if somebody.grey else "RGB").save(folder / name, quality=95)
            writer.writerow([somebody.number, somebody.name, GROUP, name])
    return folder


def populate(campus: Campus, engine: FaceEngine, checker: Checker, intake: Path, meter_url: str) -> IntakeReport:
    """Fill the server's database as its administrators would: gate, people, cards, devices, staff, a room."""
    database = Database(campus.database_url, credential_key=base64.b64decode(campus.credential_key))
    upgrade(database)
    sealer = Sealer(base64.b64decode(campus.template_keys["server"]))
    try:
        report = import_folder(
            intake,
            database,
            engine,
            sealer,
            terms=Terms("1", "the cast of the demonstration", approve=Verdict.REVIEW),
            importer=Importer(database, Hasher(), FirstPasswords(defaults.FIRST_PASSWORD_PREFIX), _ACTOR),
            zone=defaults.TIME_ZONE,
            checker=checker,
        )
        with database.begin() as session:
            moment = datetime.now(UTC)
            gates.put_zone(session, ZONE, site=SITE, title="Main campus", by=_ACTOR, now=moment)
            policy = GatePolicy(
                gate=GATE,
                site=SITE,
                kind=GateKind.CAMPUS,
                rules=(Rule(group=GROUP),),
                direction=Direction.ENTRY,
                inner_zone=ZONE,
                occupancy=Occupancy(limit=500),
            )
            gates.add(session, policy, title="North gate", by=_ACTOR, now=moment)
            for role in (DeviceRole.EDGE, DeviceRole.CONTROLLER):
                _, token = devices.add(session, name=f"{GATE}-{role}", role=role, gate=GATE, by=_ACTOR, now=moment)
                campus.device_tokens[role.value] = token
            for key, somebody in PEOPLE.items():
                person = people.by_number(session, somebody.number)
                if person is None:
                    raise LookupError(f"{somebody.number} was not imported")
                campus.people[key] = person.id
                cards.issue(session, person, CARD[key], key_number=None, by=_ACTOR, now=moment)
            cashier_id = _hire_staff(session, campus, moment)
            open_accounts(session, campus.personas, GROUP, moment)
            _furnish(session, campus, meter_url, moment)
        _pay_first(campus, database, cashier_id)
    finally:
        database.close()
    return report


def _furnish(session: Session, campus: Campus, meter_url: str, moment: datetime) -> None:
    lines = Lines(meter_url, campus.settings.time_zone)
    who = tuple(campus.people[key] for key in DORMITORY)
    campus.furnished = dormitory.furnish(session, lines, who, moment)


def _pay_first(campus: Campus, database: Database, cashier_id: UUID) -> None:
    secret, zone = base64.b64decode(campus.token_secret), campus.settings.time_zone
    with LedgerWriter(database) as writer:
        money = MoneyServices(AccountsServices(database=database, secret=secret, zone=zone), writer)
        payer = campus.people[DORMITORY[0]]
        dormitory.pay_first(money, campus.dormitory.room_id, payer, cashier_id, datetime.now(UTC))


def _hire_staff(session: Session, campus: Campus, moment: datetime) -> UUID:
    """Open an account for somebody who watches the gates and hears of lost cards; return whose."""
    particulars = people.Particulars(number=STAFF_NUMBER, name="Chen Jing", kind=PersonKind.STAFF, valid_from=moment)
    staff = people.create(session, particulars, by=_ACTOR, now=moment)
    session.add_all(PersonRole(person_id=staff.id, role=role) for role in (Role.FACILITIES, Role.CASHIER, Role.ADMIN))
    hashed = {PasswordPurpose.PORTAL: Hasher().hash(campus.staff_password)}
    passwords.store(session, staff.id, hashed, must_change=False, by=_ACTOR, now=moment)
    return staff.id


def count_photos(report: IntakeReport) -> dict[str, int]:
    """Return how the photos of an intake were judged."""
    rejected = report.count(IntakeOutcome.REJECTED) + report.count(IntakeOutcome.UNREADABLE)
    return {
        "accepted": report.count(IntakeOutcome.ENROLLED),
        "review": report.count(IntakeOutcome.IN_REVIEW),
        "rejected": rejected,
    }
