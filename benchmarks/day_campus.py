"""The campus whose day is played: its people and what is theirs, gates, tills and showers, in one database."""

import base64
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import devices, passwords, people
from accounts.ledger import AccountKind, Transfer, open_named, record
from accounts.passwords import Hasher
from accounts.payments import merchants
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind
from benchmarks.crowd import insert_people
from benchmarks.fleet_campus import CREDENTIAL_KEY, Campus, card_of
from campusgate.demo.campus import free_port
from campusgate.demo.films import Films
from campusgate.demo.photographs import fetch_photographs
from campusgate.demo.portraits import portrait
from campusgate.demo.scenes import Walker
from campusgate.settings import EnrollmentSettings, Settings
from campusgate.wiring.photo_checker import load_checker
from database import Database, Sealer, new_id
from database.migrate import upgrade
from enrollment import consent, photos
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.photo import decode
from enrollment.quality import Verdict
from messages import controller_sender, make_private_key, public_key_text, shower_sender
from models.engine import FaceEngine
from tests.doubles.water_campus import WaterCampus

BALANCE = 1_000_000
"""Everybody's, in fen."""
LOST, FORBIDDEN, NOBODY = 1, 2, 10**9
"""Somebody who reports their card as lost, somebody who may pass nowhere, and a card that was never issued."""
WALKER, STRANGER = "wang-at-the-gate", "stranger"
_WALKER_PHOTOGRAPH, _WALKER_NUMBER = "wang", "W0001"
_EVERYWHERE = 40
"""The first people may pass every building's gate too."""
_RESIDENTS = "residents"
_BY = "benchmark"
_WATER_NUMBERS_FROM = 500_000
_AT_ONCE = 1000
"""Rows of people written in one transaction."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    people: int
    main_gates: int
    """Everybody passes them; each has a process of its own."""
    edges: int
    """Of the main gates so many have a camera."""
    building_gates: int
    """Those are for who lives there, many to a process."""
    tills: int
    newcomers: int
    showers: int


@dataclass(slots=True)
class DayCampus:
    """Everything that the processes of a day are started with, and the day is judged by."""

    size: Size
    campus: Campus
    water: WaterCampus
    server: dict[str, Any]
    films: Films
    edge_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    tills: dict[str, str] = field(default_factory=dict, repr=False)
    """Tokens by the merchant's id."""
    newcomers: list[tuple[str, UUID]] = field(default_factory=list)
    """Numbers and ids of those who hand in their photo; their password is the staff's."""
    portrait: bytes = field(default=b"", repr=False)
    walker: UUID | None = None
    """Whose face opens."""

    @property
    def main_gates(self) -> tuple[str, ...]:
        """The gates with a process of their own; the first of them have an edge."""
        return self.campus.gates[: self.size.main_gates]

    @property
    def edge_gates(self) -> tuple[str, ...]:
        """The gates with a camera."""
        return self.campus.gates[: self.size.edges]

    @property
    def building_gates(self) -> tuple[str, ...]:
        """The others."""
        return self.campus.gates[self.size.main_gates :]

    @property
    def cards_at_main_gates(self) -> tuple[str, ...]:
        """Cards that are tapped there: of people with a right, one to be lost, one without a right, an unknown one."""
        return tuple(map(card_of, (*range(60), NOBODY)))

    @property
    def cards_at_buildings(self) -> tuple[str, ...]:
        """Cards of people who may pass every building's gate, and keep them."""
        return tuple(card_of(number) for number in range(_EVERYWHERE) if number not in {LOST, FORBIDDEN})

    @property
    def may_pass(self) -> frozenset[UUID]:
        """Whom the directory lets in somewhere."""
        residents = (one for number, one in enumerate(self.campus.people) if number != FORBIDDEN)
        return frozenset(residents) | frozenset(() if self.walker is None else (self.walker,))

    def edge_settings(self, gate: str, folder: Path) -> dict[str, Any]:
        """Return the settings of an edge, whose files go into `folder`."""
        folder.mkdir(parents=True)
        key = folder / "edge.pem"
        key.write_bytes((self.campus.folder / "edge.pem").read_bytes())
        key.chmod(0o600)
        trusted = folder / "trusted.json"
        trusted.write_text(
            json.dumps({controller_sender(gate): public_key_text(self.campus.controller_key)}), encoding="utf-8"
        )
        shared = ("site", "mqtt", "template_key", "credential_key")
        return {name: self.server[name] for name in shared} | {
            "gate": gate,
            "data_dir": folder / "data",
            "server_url": self.campus.server_url,
            "device_token": self.edge_tokens[gate],
            "signing_key_file": key,
            "trusted_keys_file": trusted,
        }


def build(folder: Path, database_url: str, size: Size) -> DayCampus:
    """Build the campus in an empty database, as administrators would, and write everybody's keys into `folder`."""
    names = (
        *(f"main-{number}" for number in range(1, size.main_gates + 1)),
        *(f"building-{number:03}" for number in range(1, size.building_gates + 1)),
    )
    edge_key = make_private_key(folder / "edge.pem")
    campus = Campus(folder, database_url, names, mqtt_port=free_port(), edge_key=edge_key)
    (folder / "baths").mkdir()
    water = WaterCampus(folder / "baths", database_url, size.showers, first_number=_WATER_NUMBERS_FROM)
    made = DayCampus(size, campus, water, campus.server_settings(), Films({}))
    database = Database(database_url, credential_key=CREDENTIAL_KEY, pool_size=5)
    try:
        upgrade(database)
        now = datetime.now(UTC)
        with database.begin() as session:
            _build(session, made, now)
        _bring_people(database, made, now)
        _enrol_walker(database, made)
    finally:
        database.close()
    _write_trust(made)
    return made


def groups_of(number: int, buildings: int) -> Sequence[str]:
    """Return the groups of person `number`: everybody lives somewhere, the first ones go everywhere."""
    if number == FORBIDDEN:
        return ()
    lives_in = range(1, buildings + 1) if number < _EVERYWHERE else ((number % buildings) + 1,) if buildings else ()
    return (_RESIDENTS, *(f"building-{one:03}" for one in lives_in))


def _build(session: Session, made: DayCampus, now: datetime) -> None:
    campus = made.campus
    campus.add_gates(session, now, groups_of=lambda gate: (gate,) if gate in made.building_gates else (_RESIDENTS,))
    campus.add_staff(session, now)
    for gate in made.edge_gates:
        _, made.edge_tokens[gate] = devices.add(
            session, name=f"{gate}-edge", role=DeviceRole.EDGE, gate=gate, by=_BY, now=now
        )
    merchants.set_campuses(session, "canteen", ["north"], by=_BY, now=now)
    for number in range(made.size.tills):
        shop = merchants.add(session, name=f"shop {number}", campus="north", service="canteen", by=_BY, now=now)
        _, token = devices.add(
            session, name=f"till {number}", role=DeviceRole.TERMINAL, merchant_id=shop.id, by=_BY, now=now
        )
        made.tills[str(shop.id)] = token
    made.water.fill(session, now)
    hashed = {PasswordPurpose.PORTAL: Hasher().hash(campus.staff_password)}
    version = EnrollmentSettings().consent_version
    for number in range(made.size.newcomers):
        particulars = people.Particulars(
            number=f"N{number:06}", name="made up", kind=PersonKind.STUDENT, valid_from=now
        )
        person = people.create(session, particulars, by=_BY, now=now)
        passwords.store(session, person.id, hashed, must_change=False, by=_BY, now=now)
        consent.give(session, person.id, version, {}, present=version, by=_BY, now=now)
        made.newcomers.append((particulars.number, person.id))


def _bring_people(database: Database, made: DayCampus, now: datetime) -> None:
    """Add everybody else, with a card and money."""
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, _BY, now)
    for start in range(0, made.size.people, _AT_ONCE):
        part = [new_id() for _ in range(min(_AT_ONCE, made.size.people - start))]
        with database.begin() as session:
            insert_people(
                session,
                part,
                now,
                number_of=lambda number: f"P{number:06}",
                uid_of=card_of,
                groups_of=lambda number: groups_of(number, made.size.building_gates),
                first=start,
            )
        with database.begin() as session:
            gifts = [Transfer(new_id(), "top_up", cash, person, BALANCE) for person in part]
            for given in record(session, gifts, now):
                given.require()
        made.campus.people += part


def _enrol_walker(database: Database, made: DayCampus) -> None:
    """Enrol the one whose face opens, and draw the films of those who walk up."""
    settings = Settings()
    paths = fetch_photographs(settings.cache_dir / "photographs", mirror=settings.model_mirror)
    engine, checker = load_checker(settings)
    with tempfile.TemporaryDirectory(prefix="campusgate-day-intake-") as name:
        folder, content = Path(name), BytesIO()
        portrait(engine, paths[_WALKER_PHOTOGRAPH]).save(content, format="JPEG", quality=95)
        (folder / "walker.jpg").write_bytes(content.getvalue())
        (folder / "people.csv").write_text(
            f"number,name,groups,photo\n{_WALKER_NUMBER},made up,{_RESIDENTS},walker.jpg\n", encoding="utf-8"
        )
        from accounts.passwords.first import FirstPasswords
        from accounts.people_import.importer import Importer

        import_folder(
            folder,
            database,
            engine,
            Sealer(base64.b64decode(made.server["template_key"])),
            terms=Terms(EnrollmentSettings().consent_version, "the people of a benchmark", approve=Verdict.REVIEW),
            importer=Importer(database, Hasher(), FirstPasswords(""), _BY),
            zone=settings.time_zone,
            checker=checker,
        )
    with database.read() as session:
        person = people.by_number(session, _WALKER_NUMBER)
        if person is None or not photos.find_of_person(session, person.id):
            raise RuntimeError("the walker's photo was not taken in")
        made.walker = person.id
    made.portrait = content.getvalue()
    made.films = Films({name: _walker(engine, paths[name]) for name in (WALKER, STRANGER)})


def _walker(engine: FaceEngine, path: Path) -> Walker:
    photograph = decode(path).image
    box = engine.detect(photograph)[0].box
    return Walker(photograph, (box.left, box.top, box.width, box.height))


def _write_trust(made: DayCampus) -> None:
    """Let the server trust the showers too, and the showers' judge know the server's key."""
    trusted_file = Path(made.server["trusted_keys_file"])
    trusted = json.loads(trusted_file.read_text("utf-8"))
    trusted |= {shower_sender(device): public_key_text(key) for device, key in made.water.devices}
    trusted_file.write_text(json.dumps(trusted), encoding="utf-8")
    key = made.water.folder / "server.pem"
    key.write_bytes(Path(made.server["signing_key_file"]).read_bytes())
    key.chmod(0o600)
