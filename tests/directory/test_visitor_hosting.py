"""Passes that people of the campus give by themselves: who may, for which gates, how long, what gates make of it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from access.credentials import code_digest
from access.policy import GateKind, GatePolicy, Mode, Rule
from accounts import people
from accounts.people import Particulars
from accounts.tables import AuditEntry
from accounts.vocabulary import PersonKind, PersonState
from database import Database, Sealer
from directory import gates, visitor_hosting, visitor_passes
from directory.list_tables import GateEntry
from directory.publisher import Publisher
from directory.services import DirectoryServices
from directory.tables import VisitorPass
from directory.visitor_hosting import (
    GateNotHostedError,
    HostedPeriodError,
    HostingNotAllowedError,
    Invitation,
    TooManyPassesError,
)
from tests.databases import CREDENTIAL_KEY, ON_BOTH, ON_SQLITE
from tests.directory.conftest import MODEL, Campus, Clock
from web.problems import NotFoundError

pytestmark = ON_SQLITE


HOUR = timedelta(hours=1)
OWN_PASSES = "/api/v1/directory/me/visitor-passes"


class Faculty:
    """Four gates, published: the campus's own, a laboratory, one that takes faces only, and one for others."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.services = DirectoryServices(database, Sealer(bytes(32)), CREDENTIAL_KEY)
        self.publisher = Publisher(database, self.services.sealer, model_id=MODEL, clock=clock)
        mine, others = (Rule(group="teachers"),), (Rule(group="others"),)
        with database.begin() as session:
            for policy in (
                GatePolicy(gate="north", kind=GateKind.CAMPUS, rules=mine),
                GatePolicy(gate="lab", kind=GateKind.LABORATORY, rules=mine),
                GatePolicy(gate="faces", kind=GateKind.CAMPUS, rules=mine, mode=Mode.FACE, face_free_gate="north"),
                GatePolicy(gate="south", kind=GateKind.CAMPUS, rules=others),
            ):
                gates.add(session, policy, title=policy.gate.title(), by="test", now=clock())
        self.host = self.person("T1", PersonKind.STAFF)

    def person(self, number: str, kind: PersonKind) -> UUID:
        particulars = Particulars(
            number=number, name=number, kind=kind, groups=frozenset({"teachers"}), valid_from=self.clock()
        )
        with self.database.begin() as session:
            made = people.create(session, particulars, by="test", now=self.clock()).id
        self.publisher.publish()
        return made

    def wish(self, *named: str, begins: timedelta = timedelta(0), lasts: timedelta = HOUR) -> Invitation:
        begin = self.clock() + begins
        return Invitation(uuid4(), "张三", "Meeting", named or ("north",), begin, begin + lasts)

    def invite(self, wanted: Invitation, host: UUID | None = None) -> UUID:
        with self.database.begin() as session:
            made = visitor_hosting.invite(
                session, self.services, wanted, host_id=host or self.host, by="host", now=self.clock()
            ).id
        self.publisher.publish()
        return made

    def code(self, pass_id: UUID) -> str | None:
        with self.database.read() as session:
            return visitor_hosting.get_of_host(session, self.services, pass_id, self.host, self.clock()).code

    def end(self, pass_id: UUID, host: UUID) -> None:
        with self.database.begin() as session:
            visitor_hosting.end(session, pass_id, host, by="host", now=self.clock())

    def is_at(self, gate: str, pass_id: UUID) -> bool:
        with self.database.read() as session:
            visitor = session.get_one(VisitorPass, pass_id).person_id
            entry = session.get(GateEntry, (gate, visitor))
            return entry is not None and not entry.is_removed


@pytest.fixture
def faculty(database: Database) -> Faculty:
    return Faculty(database, Clock())


def test_a_host_is_offered_the_gates_that_they_may_pass_and_that_take_codes(faculty: Faculty) -> None:
    with faculty.database.read() as session:
        offered = visitor_hosting.find_gates(session, faculty.services, faculty.host, faculty.clock())
    assert [gate.name for gate in offered] == ["north"]
    for gate in ("lab", "faces", "south", "nowhere"):
        with pytest.raises(GateNotHostedError):
            faculty.invite(faculty.wish("north", gate))


@ON_BOTH
def test_the_visitor_is_known_at_the_gate_by_the_code_that_only_the_host_can_see_again(faculty: Faculty) -> None:
    wanted = faculty.wish()
    made = faculty.invite(wanted)
    assert faculty.invite(wanted) == made, "the same form sent again"
    assert faculty.is_at("north", made)
    assert not faculty.is_at("south", made)
    with faculty.database.read() as session:
        row = session.get_one(VisitorPass, made)
        code = faculty.code(made)
        assert row.code_digest == code_digest(CREDENTIAL_KEY, code or "")
        assert (code or "").encode() not in (row.sealed_code or b"")
        actions = session.scalars(select(AuditEntry.action).filter_by(subject=f"pass:{made}")).all()
        assert actions == ["pass.issue", "pass.host"]
        listed = visitor_hosting.find_of_host(session, faculty.services, faculty.host, faculty.clock())
        assert [(one.visitor, one.state(faculty.clock())) for one in listed] == [("张三", "valid")]
    other = faculty.person("T2", PersonKind.STAFF)
    with pytest.raises(NotFoundError), faculty.database.read() as session:
        visitor_hosting.get_of_host(session, faculty.services, made, other, faculty.clock())
    with pytest.raises(NotFoundError):
        faculty.end(made, other)
    with pytest.raises(NotFoundError):
        faculty.invite(wanted, other)


def test_a_pass_that_is_revoked_or_over_leaves_the_gates_and_shows_no_code(faculty: Faculty) -> None:
    revoked, over = faculty.invite(faculty.wish()), faculty.invite(faculty.wish())
    faculty.end(revoked, faculty.host)
    faculty.publisher.publish()
    assert not faculty.is_at("north", revoked)
    assert faculty.code(revoked) is None
    faculty.clock.forward(hours=2)
    assert faculty.code(over) is None


def test_a_pass_is_worth_as_much_as_its_hosts_account(faculty: Faculty) -> None:
    made = faculty.invite(faculty.wish())
    for state in (PersonState.SUSPENDED, PersonState.ACTIVE):
        with faculty.database.begin() as session:
            host = people.get(session, faculty.host, lock=True)
            people.set_state(session, host, state, by="test", now=faculty.clock())
        faculty.publisher.publish()
        assert faculty.is_at("north", made) is (state is PersonState.ACTIVE)


@pytest.mark.parametrize(
    ("begins", "lasts", "problem"),
    [
        (timedelta(0), timedelta(hours=25), HostedPeriodError),
        (timedelta(days=15), HOUR, HostedPeriodError),
        (timedelta(0), timedelta(0), visitor_passes.PassPeriodError),
        (-2 * HOUR, HOUR, visitor_passes.PassPeriodError),
    ],
)
def test_a_host_decides_about_hours_only(
    faculty: Faculty, begins: timedelta, lasts: timedelta, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        faculty.invite(faculty.wish(begins=begins, lasts=lasts))


def test_not_everybody_invites_and_nobody_without_end(faculty: Faculty) -> None:
    student = faculty.person("S1", PersonKind.STUDENT)
    with pytest.raises(HostingNotAllowedError):
        faculty.invite(faculty.wish(), student)
    made = [faculty.invite(faculty.wish()) for _ in range(faculty.services.hosting.most_open)]
    with pytest.raises(TooManyPassesError):
        faculty.invite(faculty.wish())
    faculty.end(made[0], faculty.host)
    faculty.invite(faculty.wish())


@ON_BOTH
def test_an_app_gives_shows_and_ends_the_passes_of_its_user_and_of_nobody_else(campus: Campus) -> None:
    campus.gate("north", "teachers")
    host = campus.person("teachers", kind=PersonKind.STAFF)
    campus.publisher.publish()
    mine, others = campus.as_role(person_id=host), campus.as_role(person_id=campus.person("teachers"))
    now = campus.clock.now
    body = {
        "visitor": "张三",
        "gates": ["north"],
        "valid_from": now.isoformat(),
        "valid_until": (now + HOUR).isoformat(),
    }

    def ask(method: str, path: str, headers: dict[str, str], **more: object) -> tuple[int, dict]:
        answer = campus.client.request(method, path, headers=headers, **more)
        return answer.status_code, answer.json()

    _, may = ask("GET", "/api/v1/directory/me/hosting", mine)
    assert (may["allowed"], [gate["name"] for gate in may["gates"]], may["open_passes"]) == (True, ["north"], 0)
    assert ask("GET", "/api/v1/directory/me/hosting", others)[1]["allowed"] is False
    one = f"{OWN_PASSES}/{uuid4()}"
    status, given = ask("PUT", one, mine, json=body)
    assert (status, given["state"], given["visitor"]) == (200, "valid", "张三")
    assert ask("PUT", one, mine, json=body)[1] == given, "the same id is the same pass"
    assert ask("GET", one, mine)[1] == given
    refused = [
        ask("GET", one, others),
        ask("POST", f"{one}/end", others),
        ask("PUT", f"{OWN_PASSES}/{uuid4()}", others, json=body),
        ask("PUT", f"{OWN_PASSES}/{uuid4()}", mine, json=body | {"gates": ["south"]}),
        ask("PUT", f"{OWN_PASSES}/{uuid4()}", mine, json=body | {"visitor": " "}),
    ]
    assert [answer["code"] for _, answer in refused] == [
        "not_found", "not_found", "hosting_not_allowed", "gate_not_hosted", "invalid_request",
    ]  # fmt: skip
    campus.publisher.publish()
    replica = campus.replica("north")
    campus.sync(replica).run_once()
    assert replica.by_credential("code", campus.code_digest(given["code"])) is not None
    campus.clock.forward(seconds=1)
    ask("PUT", f"{OWN_PASSES}/{uuid4()}", mine, json=body)
    first = ask("GET", f"{OWN_PASSES}?limit=1", mine)[1]
    second = ask("GET", f"{OWN_PASSES}?limit=1&cursor={first['next']}", mine)[1]
    assert [len(first["items"]), second["items"], second["next"]] == [1, [given], None]
    ended = ask("POST", f"{one}/end", mine)[1]
    assert (ended["state"], ended["code"]) == ("ended", None)
