"""The campus of the demonstration: fresh secrets, invented people, one gate, and the environment of each process."""

import base64
import csv
import json
import os
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from access.policy import Direction, GateKind, GatePolicy, Occupancy, Rule
from accounts import cards, defaults, devices, passwords, people
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.people_import.importer import Importer
from accounts.tables import PersonRole
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind, Role
from campusgate.demo.personas import Personas, open_accounts
from campusgate.demo.portraits import portrait
from campusgate.settings import Settings
from database import Database, Sealer
from database.migrate import upgrade
from directory import gates
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.intake_results import IntakeOutcome, IntakeReport
from enrollment.quality import Checker, Verdict
from messages import controller_sender, edge_sender, make_private_key, public_key_text
from models.engine import FaceEngine

SITE = "demo"
GATE = "north"
ZONE = "campus"
EDGE_SENDER = edge_sender(GATE)
CONTROLLER_SENDER = controller_sender(GATE)
GROUP = "residents"
CARD = {"wang": "04A1B2C3D4E580", "li": "04F00DCAFE1180", "zhao": "04BEEF00C0FFEE"}
STAFF_NUMBER = "F0001"
_ACTOR = "demonstration"


@dataclass(frozen=True, slots=True)
class Somebody:
    """An invented person: number, name, and the photograph handed in, if any."""

    number: str
    name: str
    photograph: str | None = None
    grey: bool = False


PEOPLE = {
    "wang": Somebody("S2026001", "Wang Xiaoming", "wang"),
    "li": Somebody("S2026002", "Li Hua"),
    "zhao": Somebody("S2026003", "Zhao Lei", "stranger", grey=True),
}
"""Wang gives a photograph. Li does not want to, and has a card. Zhao hands in a grey one, which is not
accepted. All three have a card."""


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def free_port() -> int:
    """Return a TCP port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Campus:
    """Where everything of this demonstration is, and the secrets made for it."""

    folder: Path
    settings: Settings
    template_keys: dict[str, str] = field(
        default_factory=lambda: {name: _key() for name in ("server", "edge", "controller")}, repr=False
    )
    """Server and gate devices keep templates under keys of their own."""
    token_secret: str = field(default_factory=_key, repr=False)
    credential_key: str = field(default_factory=_key, repr=False)
    staff_password: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    mqtt_port: int = field(default_factory=free_port)
    server_port: int = field(default_factory=free_port)
    mqtt_passwords: dict[str, str] = field(default_factory=dict, repr=False)
    device_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    people: dict[str, UUID] = field(default_factory=dict)
    personas: Personas = field(default_factory=Personas.of_the_demonstration, repr=False)

    @classmethod
    def fresh(cls, settings: Settings) -> "Campus":
        """Begin with an empty folder below the data directory."""
        folder = settings.data_dir / "demo"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return cls(folder, settings)

    @property
    def server_url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def database_url(self) -> str:
        """The server's database."""
        return f"sqlite:///{self.folder / 'server' / 'campusgate.db'}"

    def key_file(self, name: str) -> Path:
        """Return the private key file of `name`."""
        return self.folder / "keys" / f"{name}.pem"

    def trusted_file(self, name: str) -> Path:
        """Return the file of public keys that `name` trusts."""
        return self.folder / "keys" / f"{name}-trusts.json"

    @property
    def reader_key_file(self) -> Path:
        """Return the file with the key that controller and reader share."""
        return self.folder / "keys" / "reader.key"

    @property
    def staff_number(self) -> str:
        """The number of the one who watches the gates."""
        return STAFF_NUMBER

    def names(self) -> dict[str, str]:
        """Return the people's names by id."""
        return {str(person_id): PEOPLE[key].name for key, person_id in self.people.items()}

    def environment(self, process: str) -> dict[str, str]:
        """Return the settings of `process`: only what it needs to know."""
        values = {
            "DEMONSTRATION": "1",
            "SITE": SITE,
            "DATA_DIR": str(self.folder / process),
            "CACHE_DIR": str(self.settings.cache_dir),
            "SERVER_URL": self.server_url,
            "MQTT__PORT": str(self.mqtt_port),
            "MQTT__USERNAME": process,
            "MQTT__PASSWORD": self.mqtt_passwords.get(process, ""),
        }
        if process == "server":
            values |= {
                "MQTT__ORDERS_USERNAME": "server-orders",
                "MQTT__ORDERS_PASSWORD": self.mqtt_passwords.get("server-orders", ""),
                "SERVER_PORT": str(self.server_port),
                "DATABASE_URL": self.database_url,
                "SIGNING_KEY_FILE": str(self.key_file("staff")),
                "TRUSTED_KEYS_FILE": str(self.trusted_file("staff")),
                "TEMPLATE_KEY": self.template_keys[process],
                "TOKEN_SECRET": self.token_secret,
                "CREDENTIAL_KEY": self.credential_key,
            }
        elif process in self.template_keys:
            values |= {
                "GATE": GATE,
                "DEVICE_TOKEN": self.device_tokens.get(process, ""),
                "SIGNING_KEY_FILE": str(self.key_file(process)),
                "TRUSTED_KEYS_FILE": str(self.trusted_file(process)),
                "TEMPLATE_KEY": self.template_keys[process],
                "CREDENTIAL_KEY": self.credential_key,
            }
        return {f"CAMPUSGATE_{name}": value for name, value in values.items()}


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


def write_keys(campus: Campus) -> None:
    """Make a key pair for each process that signs, and tell each whom it may believe."""
    (campus.folder / "keys").mkdir()
    keys = {name: public_key_text(make_private_key(campus.key_file(name))) for name in ("edge", "controller", "staff")}
    trusts = {
        "controller": {EDGE_SENDER: {"key": keys["edge"], "actions": ["open", "deny"]}, "staff": keys["staff"]},
        "edge": {CONTROLLER_SENDER: keys["controller"]},
        "staff": {CONTROLLER_SENDER: keys["controller"]},
    }
    campus.reader_key_file.touch(mode=0o600)
    campus.reader_key_file.write_text(secrets.token_hex(16), encoding="ascii")
    for name, trusted in trusts.items():
        campus.trusted_file(name).write_text(json.dumps(trusted), encoding="utf-8")


def populate(campus: Campus, engine: FaceEngine, checker: Checker, intake: Path) -> IntakeReport:
    """Fill the server's database as its administrators would: gate, people with photos, cards, devices, staff."""
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
            _hire_staff(session, campus, moment)
            open_accounts(session, campus.personas, GROUP, moment)
    finally:
        database.close()
    return report


def _hire_staff(session: Session, campus: Campus, moment: datetime) -> None:
    """Open an account for somebody who watches the gates and hears of lost cards."""
    particulars = people.Particulars(number=STAFF_NUMBER, name="Chen Jing", kind=PersonKind.STAFF, valid_from=moment)
    staff = people.create(session, particulars, by=_ACTOR, now=moment)
    session.add_all(PersonRole(person_id=staff.id, role=role) for role in (Role.FACILITIES, Role.CASHIER, Role.ADMIN))
    hashed = {PasswordPurpose.PORTAL: Hasher().hash(campus.staff_password)}
    passwords.store(session, staff.id, hashed, must_change=False, by=_ACTOR, now=moment)


def count_photos(report: IntakeReport) -> dict[str, int]:
    """Return how the photos of an intake were judged."""
    rejected = report.count(IntakeOutcome.REJECTED) + report.count(IntakeOutcome.UNREADABLE)
    return {
        "accepted": report.count(IntakeOutcome.ENROLLED),
        "review": report.count(IntakeOutcome.IN_REVIEW),
        "rejected": rejected,
    }
