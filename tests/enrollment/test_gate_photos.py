"""A second photo from a gate, from a real photograph in front of a camera to the template that gates search."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest
from sqlalchemy import select

import directory.api
import enrollment.api
from access.policy import GatePolicy, Rule
from access.probe_offer import (
    Binding,
    ProbeContent,
    SealedProbe,
    seal_probe,
)
from access.replica import DirectorySync, Replica
from access.templates import unpack_vectors
from accounts import devices, people
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, PersonState
from database import Database, Sealer
from directory import gates
from directory.services import DirectoryServices
from directory.tables import ProbeOfferRecord
from edge.camera.port import Frame
from edge.engines import Engines
from edge.matcher import Matcher
from edge.probe_sender import ProbeSender
from edge.probe_server import ProbeServer
from edge.recognition import Recogniser
from edge.search import Search
from enrollment import templates
from enrollment.assessment import assess
from enrollment.person_mask import PersonMask
from enrollment.photo import decode
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from enrollment.tables import PhotoImage, PhotoRecord, TemplateRecord
from messages import Method
from models.engine import FaceEngine
from models.template import Template, mean_template
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.apps import LentApps
from tests.databases import CREDENTIAL_KEY, ON_BOTH, ON_SQLITE
from tests.enrollment.gate_photo_campus import GATE, GOOD_VIEW, Campus, CampusClock
from tests.waiting import until

pytestmark = ON_SQLITE


@pytest.fixture
def campus(
    database: Database, engine: FaceEngine, sealer: Sealer, person_mask: PersonMask, lent_apps: LentApps
) -> Iterator[Campus]:
    holder: list[Campus] = []
    checker = Checker(engine, person_finder=person_mask)
    services = EnrollmentServices(
        database, sealer, engine, checker, gate_photo_version="1", clock=lambda: holder[0].now
    )
    accounts = AccountsServices(database=database, secret=b"x" * 32, clock=lambda: holder[0].now, hasher=CHEAP_HASHER)
    with lent_apps.lend(enrollment.api.router, directory.api.router) as app, AppClient(app) as client:
        app.state.accounts, app.state.enrollment = accounts, services
        app.state.directory = DirectoryServices(database, sealer, CREDENTIAL_KEY)
        campus = Campus(client, accounts, services)
        holder.append(campus)
        with database.begin() as session:
            for name in (GATE, "south"):
                policy = GatePolicy(gate=name, rules=(Rule(group="everyone"),), model_id=engine.model_id)
                gates.add(session, policy, title=name, by="system", now=campus.now)
            campus.token, campus.other_token = (
                devices.add(session, name=name, role=DeviceRole.EDGE, gate=name, by="system", now=campus.now)[1]
                for name in (GATE, "south")
            )
        yield campus


@pytest.fixture
def enrolled(campus: Campus, faces: dict, add_person: Callable[[str], UUID]) -> tuple[UUID, list[bytes]]:
    """Somebody with an approved first photo and both consents, known at the gate; and photographs of them."""
    student, reviewer = add_person("2026001"), add_person("R1")
    with campus.services.database.begin() as session:
        person = session.get_one(Person, student)
        given = {name: getattr(person, name) for name in Particulars.__dataclass_fields__}
        changed = Particulars(**given | {"groups": frozenset({"everyone"})})
        people.update(session, person, changed, by="system", now=campus.now)
    pictures = faces["Aaron_Peirsol"]
    campus.approved(student, pictures[0], reviewer)
    assert campus.agree_to_gate_photos(student).status_code == 204
    campus.publish()
    return student, pictures


@dataclass
class Prepared:
    """Templates of one person's further photographs and of somebody else, made once."""

    second: Template
    third: Template
    somebody_else: Template


@pytest.fixture(scope="session")
def prepared(engine: FaceEngine, faces: dict[str, list[bytes]]) -> Prepared:
    def template(picture: bytes) -> Template:
        return assess(picture, engine, Checker(engine)).templates[0]

    own, other = faces["Aaron_Peirsol"], faces["Abel_Pacheco"]
    return Prepared(template(own[1]), template(own[2]), template(other[0]))


@ON_BOTH
def test_a_face_in_front_of_the_camera_becomes_the_second_photo(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], engine: FaceEngine, tmp_path: Path
) -> None:
    student, pictures = enrolled
    replica = Replica(tmp_path / "replica.db", Sealer(bytes(32)), gate=GATE, models=(engine.model_id,))
    sync = DirectorySync("http://testserver", GATE, campus.token, replica, client=campus.client)
    sync.run_once()
    (before,) = unpack_vectors(replica.person(student).templates)

    server = ProbeServer("http://testserver", GATE, campus.token, client=campus.client)
    clock = CampusClock(campus)
    sender = ProbeSender(server, Engines(engine), replica, clock, gate=GATE)
    image = cv2.resize(decode(pictures[1]).image, (500, 500), interpolation=cv2.INTER_CUBIC)
    recogniser, search = Recogniser(engine), Search.of_one_model(engine, Matcher([student], before[np.newaxis]), 0.5)
    for number in range(4):
        frame = Frame(image, clock.monotonic(), number)
        sender.observe(recogniser.recognise(frame, search), frame)
        clock.seconds += 0.1
    stop = threading.Event()
    worker = threading.Thread(target=sender.run, args=(stop,))
    worker.start()
    try:
        sender.offer(student, Method.CARD, clock.monotonic())
        until(lambda: campus.second(student) is not None)
    finally:
        stop.set()
        worker.join()
    second = campus.second(student)
    assert (second["state"], second["source"]) == ("approved", "gate")
    with campus.services.database.read() as session:
        singles = templates.load_active(session, campus.services.sealer, engine.model_id)[student]
        assert session.get(PhotoImage, UUID(str(second["id"]))) is None, "a template travels, no picture"
    campus.publish()
    sync.run_once()
    (searched,) = unpack_vectors(replica.person(student).templates)
    assert float(searched @ mean_template(singles).vector) == pytest.approx(1, abs=1e-3)
    assert float(searched @ before) < 0.999, "the gate searches another template than before"
    told = campus.client.get("/api/v1/me/notices", headers=campus.as_person(student)).json()["items"][0]
    assert told["kind"] == "second_photo_from_gate"
    assert "north" in told["content"]["en"]["body"]
    assert campus.ask(student).json()["not_wanted"] == "second_there"

    removed = campus.client.delete(f"/api/v1/photos/{second['id']}", headers=campus.as_person(student))
    assert removed.json()["state"] == "withdrawn"
    assert campus.ask(student).json()["not_wanted"] == "no_consent", "or the gate would take the next one tomorrow"
    campus.publish()
    sync.run_once()
    (after,) = unpack_vectors(replica.person(student).templates)
    assert float(after @ before) == pytest.approx(1, abs=1e-4)
    replica.close()


def test_an_offer_is_used_once_by_its_gate_and_in_time(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared
) -> None:
    student, _ = enrolled
    offer = campus.open_offer(student)
    assert campus.ask(student).json()["not_wanted"] == "offer_open", "at most one of a person"
    probe = campus.probe(offer, student, prepared.second)
    stolen = campus.send(offer.offer_id, probe, gate="south", token=campus.other_token)
    assert (stolen.status_code, stolen.json()["code"]) == (404, "probe_offer_unknown")
    elsewhere = campus.send(offer.offer_id, probe, gate="south")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "wrong_gate")
    assert campus.send(offer.offer_id, probe).status_code == 204
    again = campus.send(offer.offer_id, probe)
    assert (again.status_code, again.json()["code"]) == (404, "probe_offer_unknown"), "a replay"
    with campus.services.database.read() as session:
        assert session.scalars(select(ProbeOfferRecord.sealed_key)).all() == [None]

    campus.client.delete("/api/v1/me/gate-photo-consent", headers=campus.as_person(student))
    campus.agree_to_gate_photos(student)
    late = campus.open_offer(student)
    campus.now += timedelta(seconds=61)
    answer = campus.send(late.offer_id, campus.probe(late, student, prepared.third))
    assert answer.json()["code"] == "probe_offer_unknown"
    assert len(campus.refusals()) == 4


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("somebody else", "photo_unlike_first"),
        ("the first", "photo_same_as_first"),
        ("sealed as another", "probe_unreadable"),
    ],
)
def test_a_probe_is_held_to_the_rules_of_a_second_photo(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared, who: str, code: str
) -> None:
    student, _ = enrolled
    with campus.services.database.read() as session:
        model_id = campus.services.engine.model_id
        first = templates.load_means(session, campus.services.sealer, model_id)[student]
    sent = {"somebody else": prepared.somebody_else, "the first": first}.get(who, prepared.second)
    changes = {"model_id": "another-1"} if who == "sealed as another" else {}
    answer = campus.offer_and_send(student, sent, **changes)
    assert answer.json()["code"] == code, answer.text
    assert campus.second(student) is None
    assert code in campus.refusals()[-1]
    assert campus.ask(student).json() == {"offer": None, "not_wanted": "refused_before", "ask_again_s": 86400}
    campus.now += timedelta(days=1, seconds=1)
    assert campus.open_offer(student)


def test_a_template_that_only_calls_itself_one_of_the_model_is_refused(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared
) -> None:
    student, _ = enrolled
    short = Template(prepared.second.model_id, np.eye(1, 8, dtype=np.float32)[0])
    answer = campus.offer_and_send(student, short)
    assert (answer.status_code, answer.json()["code"]) == (422, "probe_unreadable")
    assert "probe_unreadable" in campus.refusals()[-1]


def test_a_face_that_is_like_another_accounts_is_left_to_a_reviewer(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared, add_person: Callable[[str], UUID]
) -> None:
    student, pictures = enrolled
    twin = add_person("2026002")
    campus.consent(twin)
    campus.hand_in(twin, pictures[2])
    answer = campus.offer_and_send(student, prepared.second)
    assert answer.json()["code"] == "gate_photo_like_another"
    assert campus.second(student) is None


def test_a_poor_view_is_refused(campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared) -> None:
    student, _ = enrolled
    offer = campus.open_offer(student)
    probe = campus.probe(offer, student, prepared.second)
    turned = probe.model_copy(update={"quality": GOOD_VIEW.model_copy(update={"yaw": 35.0})})
    assert campus.send(offer.offer_id, turned).json()["code"] == "probe_poor"


def test_whoever_has_not_consented_or_was_revoked_is_refused_before_and_after_the_offer(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared, add_person: Callable[[str], UUID]
) -> None:
    student, _ = enrolled
    offer = campus.open_offer(student)
    campus.client.delete("/api/v1/me/gate-photo-consent", headers=campus.as_person(student))
    answer = campus.send(offer.offer_id, campus.probe(offer, student, prepared.second))
    assert (answer.json()["code"], answer.json()["reason"]) == ("gate_photo_not_wanted", "no_consent")
    campus.now += timedelta(days=2)
    assert campus.ask(student).json()["not_wanted"] == "no_consent"

    campus.agree_to_gate_photos(student)
    offer = campus.open_offer(student)
    with campus.services.database.begin() as session:
        session.get_one(Person, student).state = PersonState.SUSPENDED
    answer = campus.send(offer.offer_id, campus.probe(offer, student, prepared.second))
    assert answer.json()["code"] == "account_not_usable"
    assert campus.ask(student).json()["code"] == "account_not_usable"
    stranger = add_person("2026003")
    assert campus.ask(stranger).json()["reason"] == "not_at_this_gate"
    stale = campus.ask(student, at=(campus.now - timedelta(minutes=5)).isoformat())
    assert (stale.status_code, stale.json()["reason"]) == (409, "long_ago")
    assert campus.ask(student, gate="south").json()["code"] == "wrong_gate"
    assert len(campus.refusals()) == 6


def test_consent_is_to_exactly_this_and_goes_with_the_other(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared, add_person: Callable[[str], UUID]
) -> None:
    student, _ = enrolled
    nobody = add_person("2026004")
    assert campus.agree_to_gate_photos(nobody).json()["code"] == "consent_missing"
    address, headers = "/api/v1/me/gate-photo-consent", campus.as_person(student)
    assert campus.client.put(address, json={"version": "0"}, headers=headers).json()["code"] == "consent_version"
    assert campus.client.get(address, headers=headers).json()["given"]
    assert campus.offer_and_send(student, prepared.second).status_code == 204
    assert campus.client.delete("/api/v1/me/face-consent", headers=headers).json() == {"photos_erased": 2}
    assert not campus.client.get(address, headers=headers).json()["given"]
    with campus.services.database.read() as session:
        assert set(session.scalars(select(TemplateRecord.sealed))) == {None}


def test_a_photo_from_a_gate_goes_with_the_first_one(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared
) -> None:
    """No reviewer has seen it: it stands only beside one that a reviewer has."""
    student, _ = enrolled
    assert campus.offer_and_send(student, prepared.second).status_code == 204
    with campus.services.database.read() as session:
        first = session.scalars(select(PhotoRecord.id).where(PhotoRecord.slot == "first")).one()
    campus.client.delete(f"/api/v1/photos/{first}", headers=campus.as_person(student))
    assert campus.active() == []


def test_a_campus_that_takes_none_and_a_model_it_does_not_run(
    campus: Campus, enrolled: tuple[UUID, list[bytes]]
) -> None:
    student, _ = enrolled
    assert campus.ask(student, model_id="another-1").json()["not_wanted"] == "another_model"
    campus.client.app.state.enrollment = replace(campus.services, gate_photo_version=None)
    assert campus.ask(student).json() == {"offer": None, "not_wanted": "off", "ask_again_s": 3600}
    assert campus.agree_to_gate_photos(student).json()["code"] == "gate_photos_off"


def test_a_picture_is_kept_only_where_the_campus_keeps_pictures(
    campus: Campus, enrolled: tuple[UUID, list[bytes]], prepared: Prepared
) -> None:
    student, pictures = enrolled
    keeping = replace(campus.services, keep_pictures=True)
    campus.client.app.state.enrollment = campus.services = keeping
    offer = campus.open_offer(student)
    assert offer.with_picture
    binding = Binding(gate=GATE, offer_id=offer.offer_id, person_id=student, model_id=prepared.second.model_id)
    content = ProbeContent(template=prepared.second.to_bytes(), picture=pictures[1])
    probe = SealedProbe(sealed=seal_probe(content, offer.public_key, binding), quality=GOOD_VIEW)
    assert campus.send(offer.offer_id, probe).status_code == 204
    address = f"/api/v1/photos/{campus.second(student)['id']}/picture"
    assert campus.client.get(address, headers=campus.as_person(student)).status_code == 200
