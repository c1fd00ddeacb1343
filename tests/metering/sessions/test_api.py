"""Showers over HTTP: a controller, its place, the holder, and the staff who look and decide."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import select

from accounts import devices
from accounts.payments import offline
from accounts.payments.tables import OfflinePayment
from accounts.tables import AuditEntry
from accounts.vocabulary import DeviceRole, Role
from database import new_id
from messages.metering import DeviceHeartbeat, SessionReport
from metering.api.router import router
from metering.services import MeteringServices
from tests.apps import LentApps
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.sessions.bath import Bath, Student, hot
from tests.sign_ins import sign_in

pytestmark = ON_SQLITE


JSON = {"Content-Type": "application/json"}


class Site:
    """The bath with its routes."""

    def __init__(self, bath: Bath, client: TestClient) -> None:
        self.bath, self.client = bath, client
        with bath.database.begin() as session:
            self.meter, token = devices.add(
                session, name="shower 9", role=DeviceRole.METER, campus="north", merchant_id=bath.merchant,
                by="system", now=bath.clock.now,
            )  # fmt: skip
            self.meter_id = self.meter.id
        self.token = {"Authorization": f"Bearer {token}"}
        self.facilities, self.cashier, self.admin = (
            sign_in(bath.money.accounts, new_id(), (role,), now=bath.clock.now)
            for role in (Role.FACILITIES, Role.CASHIER, Role.ADMIN)
        )

    def as_(self, student: Student, *roles: Role) -> dict[str, str]:
        return sign_in(self.bath.money.accounts, student.id, roles, now=self.bath.clock.now)

    def send(self, report: SessionReport, token: dict[str, str] | None = None) -> Response:
        return self.client.post(
            "/api/v1/meter-sessions/reports", content=report.encode(), headers=JSON | (token or self.token)
        )

    def get(self, path: str, who: dict[str, str], **query: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", headers=who, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, who: dict[str, str], method: str = "POST", **body: Any) -> Response:
        return self.client.request(method, f"/api/v1{path}", headers=who, json=body or None)

    def shower(self, student: Student, litres: float, number: int = 1) -> str:
        """A whole session; returns its id."""
        bath = self.bath
        bath.ask(student, number)
        return str(bath.tell(number, 1, "ended", hot(litres)).session)

    def actions(self) -> list[str]:
        with self.bath.database.read() as session:
            return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.serial)))


@pytest.fixture
def site(bath: Bath, lent_apps: LentApps) -> Iterator[Site]:
    with lent_apps.lend(router) as app:
        app.state.accounts, app.state.money = bath.money.accounts, bath.money
        app.state.metering = MeteringServices(money=bath.money)
        with lent_apps.ask(app) as client:
            yield Site(bath, client)


@ON_BOTH
def test_a_controller_reports_for_itself_once_placed(site: Site) -> None:
    bath, student = site.bath, site.bath.student(1_000)
    own = {"device": site.meter_id, "card": student.shown}
    asked = site.send(bath.report(1, 0, "authorise", **own))
    assert (asked.status_code, asked.json()["refusal"]) == (200, "not_at_this_place")
    assert site.send(bath.report(1, 0, "authorise", card=student.shown)).json()["code"] == "report_of_another_device"
    placed = site.post(f"/water-places/{bath.place}/controllers/{site.meter_id}", site.facilities, "PUT")
    assert str(site.meter_id) in [one["device_id"] for one in placed.json()["controllers"]]
    for _ in range(2):
        asked = site.send(bath.report(2, 0, "authorise", **own))
        assert (asked.json()["state"], asked.json()["limit"]["fen"]) == ("authorised", 200)
    record = bath.report(2, 1, "ended", hot(40), device=site.meter_id)
    beat = DeviceHeartbeat(
        device=site.meter_id, boot_id=bath.boot, at=bath.clock.now, valve="closed", faults=("display",),
        unsettled=record,
    )  # fmt: skip
    beaten = site.client.post(
        "/api/v1/meter-sessions/heartbeats", content=beat.encode(), headers=JSON | site.token
    ).json()
    assert (beaten["answer"]["state"], beaten["answer"]["cost"], beaten["update_s"]) == ("settled", 100, 10)
    place = next(one for one in site.get("/water-places", site.facilities) if one["id"] == str(bath.place))
    controller = next(one for one in place["controllers"] if one["device_id"] == str(site.meter_id))
    assert (controller["valve"], controller["faults"]) == ("closed", ["display"])


def test_only_a_meter_of_the_campus_reports(site: Site) -> None:
    with site.bath.database.begin() as session:
        _, token = devices.add(session, name="desk", role=DeviceRole.DESK, by="system", now=site.bath.clock.now)
    desk = {"Authorization": f"Bearer {token}"}
    report = site.bath.report(1, 1, "ended", hot(1))
    assert site.send(report, desk).json()["code"] == "device_role_required"
    assert site.send(report, {"Authorization": "Bearer nothing"}).json()["code"] == "not_a_device"
    broken = site.client.post("/api/v1/meter-sessions/reports", json={"step": "ended"}, headers=site.token)
    assert broken.status_code == 422


@ON_BOTH
def test_staff_administer_places_prices_and_subsidies(site: Site) -> None:
    bath = site.bath
    prices = {"prices": [{"utility": "hot_water", "fen_per_m3": 2_800}, {"utility": "cold_water", "fen_per_m3": 400}]}
    body = {"name": "east-3", "title": "East 3", "prices": prices, "settings": {"most_fen": 500, "pause_s": 60}}
    made = site.post("/water-places", site.admin, **body)
    assert (made.status_code, made.json()["settings"]["most_fen"]) == (201, 500)
    assert site.post("/water-places", site.admin, **body).json()["code"] == "water_place_taken"
    assert site.post("/water-places", site.facilities, **body).json()["code"] == "role_required"
    place = made.json()["id"]
    now = bath.clock.now
    assert (
        site.post(f"/water-places/{place}/prices", site.admin, **prices, valid_from=now.isoformat()).json()["code"]
        == "price_in_the_past"
    )
    later = (now + timedelta(days=1)).isoformat()
    assert len(site.post(f"/water-places/{place}/prices", site.admin, **prices, valid_from=later).json()["prices"]) == 2
    changed = site.post(f"/water-places/{place}", site.facilities, "PUT", title="East", settings={"idle_s": 30})
    assert (changed.json()["title"], changed.json()["settings"]["idle_s"]) == ("East", 30)
    subsidy = {"fund": "hot-water", "fen": 3_796, "kind": "student", "begins_on": "2026-09-01"}
    assert site.post("/water-subsidies", site.admin, **subsidy).status_code == 201
    assert site.get("/water-subsidies", site.facilities)[0]["fen"] == 3_796
    (running,) = site.get("/water-subsidies", site.facilities)
    end = f"/water-subsidies/{running['id']}/end"
    assert site.post(end, site.facilities, ends_on="2026-12-01").status_code == 403
    assert site.post(end, site.admin, ends_on="2026-11-01").json()["code"] == "water_subsidy_over"
    for _ in range(2):
        assert site.post(end, site.admin, ends_on="2026-12-01").json()["ends_on"] == "2026-12-01"
    assert site.post(end, site.admin, ends_on="2027-02-01").json()["code"] == "water_subsidy_over"
    assert site.actions().count("water_subsidy.end") == 1
    odd = {"prices": [{"utility": "electricity", "fen_per_m3": 1}], "valid_from": later}
    assert site.post(f"/water-places/{place}/prices", site.admin, **odd).status_code == 422
    assert {"water_place.add", "water_place.change", "water_price.add", "water_subsidy.add"} <= set(site.actions())


@ON_BOTH
def test_a_holder_sees_what_they_used_and_by_which_readings(site: Site) -> None:
    bath, student = site.bath, site.bath.student(1_000)
    session_id = site.shower(student, 40)
    bath.forward(1)
    bath.ask(student, 2)
    bath.tell(2, 1, "updated", hot(10))
    usage = site.get("/me/usage", site.as_(student))["water"]
    assert (usage["running"]["cost"], usage["running"]["state"]) == (25, "running")
    assert usage["days"] == [
        {"day": "2026-11-23", "sessions": 2, "hot_ml": 50_000, "cold_ml": 0, "cost": 125, "subsidy": 0}
    ]
    own = site.get("/me/water-sessions", site.as_(student), limit=1)
    assert len(own["items"]) == 1
    assert site.get("/me/water-sessions", site.as_(student), cursor=own["next"])["items"][0]["id"] == session_id
    shown = site.get(f"/me/water-sessions/{session_id}", site.as_(student))
    assert shown["readings"][-1]["counts"][0]["now"] == 10_000 + 450 * 40
    assert (shown["prices"][0]["fen_per_m3"], shown["session"]["billed"]) == (2_500, 100)
    assert "card" not in str(shown)
    other = bath.student(0)
    assert site.client.get(f"/api/v1/me/water-sessions/{session_id}", headers=site.as_(other)).status_code == 404


@ON_BOTH
def test_a_disputed_charge_is_given_back_by_corrections_once(site: Site) -> None:
    bath, student = site.bath, site.bath.student(1_000)
    session_id = site.shower(student, 200)
    assert bath.worth(student) == 500, "of the hold and beyond it"
    disputed = site.post(f"/me/water-sessions/{session_id}/dispute", site.as_(student), text="The valve stuck.")
    assert (disputed.status_code, disputed.json()["state"]) == (201, "open")
    again = site.post(f"/me/water-sessions/{session_id}/dispute", site.as_(student), text="Still.")
    assert again.json()["code"] == "session_disputed"
    dispute = disputed.json()["id"]
    assert site.get("/water-disputes", site.cashier, state="open")["items"][0]["id"] == dispute
    assert site.get(f"/water-disputes/{dispute}", site.cashier)["readings"][-1]["step"] == "ended"
    decide = f"/water-disputes/{dispute}/decision"
    mine = site.as_(student, Role.CASHIER)
    assert site.post(decide, mine, refund=1, answer="-").json()["code"] == "own_account"
    assert site.post(decide, site.cashier, refund=501, answer="-").json()["code"] == "refund_above_charge"
    assert bath.worth(student) == 500
    for _ in range(2):
        decided = site.post(decide, site.cashier, refund=400, answer="The valve was at fault.")
        assert (decided.json()["state"], bath.worth(student)) == ("accepted", 900)
    assert site.post(decide, site.cashier, refund=0, answer="-").json()["code"] == "water_dispute_decided"
    assert {"water_disputes.read", "water_dispute.read", "water_dispute.decide"} <= set(site.actions())
    bath.tell(1, 1, "ended", hot(200))
    assert bath.worth(student) == 900, "a repeat does not charge it again"


@ON_BOTH
def test_what_was_charged_and_not_paid_is_let_go_in_a_dispute(site: Site) -> None:
    bath, student = site.bath, site.bath.student(250)
    session_id = site.shower(student, 200)
    dispute = site.post(f"/me/water-sessions/{session_id}/dispute", site.as_(student), text="No.").json()["id"]
    site.post(f"/water-disputes/{dispute}/decision", site.cashier, refund=500, answer="Sorry.")
    assert bath.worth(student) == 250
    bath.give(student, 1_000)
    assert offline.collect_unpaid(bath.money, student.id, bath.clock.now) == 0
    with bath.database.read() as session:
        assert session.scalars(select(OfflinePayment.state)).all() == ["declined"]


def test_a_session_that_waits_is_decided_once_and_by_somebody_else(site: Site) -> None:
    bath, student = site.bath, site.bath.student(1_000)
    for number in (1, 2):
        bath.ask(student, number)
        bath.tell(number, 1, "updated", hot(20))
        bath.tell(number, 2, "ended", hot(10))
    waiting = site.get("/water-sessions", site.facilities, state="in_review", person_id=str(student.id))["items"]
    assert [one["doubts"] for one in waiting] == [["counter_went_back"]] * 2
    first, second = (one["id"] for one in waiting)
    assert len(site.get(f"/water-sessions/{first}", site.facilities)["readings"]) == 3
    mine = site.as_(student, Role.FACILITIES)
    assert site.post(f"/water-sessions/{first}/decision", mine, fen=0).json()["code"] == "own_account"
    for _ in range(2):
        billed = site.post(f"/water-sessions/{first}/decision", site.facilities, fen=50).json()
        assert (billed["state"], billed["billed"], bath.worth(student)) == ("settled", 50, 950)
    assert site.post(f"/water-sessions/{first}/decision", site.facilities, fen=60).json()["code"] == "session_decided"
    assert site.post(f"/water-sessions/{second}/decision", site.facilities, fen=0).json()["billed"] == 0
    bath.tell(1, 3, "ended", hot(30))
    assert bath.worth(student) == 950, "what a person decided stays"
    assert {"water_sessions.read", "water_session.read", "water_session.decide"} <= set(site.actions())


def test_a_session_of_nobody_can_only_be_let_go(site: Site) -> None:
    session_id = site.bath.tell(1, 1, "ended", hot(10)).session
    assert isinstance(session_id, UUID)
    decide = f"/water-sessions/{session_id}/decision"
    assert site.post(decide, site.facilities, fen=25).json()["code"] == "session_of_nobody"
    assert site.post(decide, site.facilities, fen=0).json()["state"] == "settled"
