"""Loss, release and reissue by app, counter and kiosk; the guide's rules by name."""

import pytest

from accounts import cards
from accounts.cards.loss import FEE_ACCOUNT
from accounts.ledger import chart
from accounts.ledger.transfer import AccountKind
from accounts.people import changes
from accounts.people.notices import AccountNotice
from accounts.tables import PersonRole
from accounts.vocabulary import DeviceRole, Role
from database import new_id
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


CASHIER = new_id()
UID, NEW_UID = "04A1B2C3D4E580", "04FFFFFFFFFF80"


@pytest.fixture
def holder(campus):
    person = campus.person()
    campus.passwords(person.id, query="135790")
    campus.money(person.id, 1500)
    campus.card(person, UID)
    campus.virtual_card(person)
    return person


@pytest.fixture
def me(campus, holder):
    return campus.as_person(holder.id)


@pytest.fixture
def kiosk(campus):
    return campus.as_device(DeviceRole.KIOSK)


def states(campus, me):
    return {card["kind"]: card["state"] for card in campus.client.get("/api/v1/me/cards", headers=me).json()}


def reissue(campus, person, key="reissue-1", uid=NEW_UID):
    return campus.client.post(
        f"/api/v1/people/{person.id}/reissue",
        json={"uid": uid},
        headers=campus.as_person(CASHIER, Role.CASHIER) | {"Idempotency-Key": key},
    )


def report_by_app(campus, holder, kiosk):
    return campus.client.post("/api/v1/me/loss", headers=campus.as_person(holder.id))


def report_at_the_counter(campus, holder, kiosk):
    return campus.client.post(f"/api/v1/people/{holder.id}/loss", headers=campus.as_role(Role.CASHIER))


def report_at_a_kiosk(campus, holder, kiosk):
    body = {"number": holder.number, "query_password": "135790"}
    return campus.client.post("/api/v1/kiosk/loss", json=body, headers=kiosk)


@pytest.mark.parametrize("report", [report_by_app, report_at_the_counter, report_at_a_kiosk])
def test_a_report_suspends_physical_and_virtual_card_together(campus, holder, me, kiosk, report):
    answer = report(campus, holder, kiosk)
    assert answer.status_code == 201, answer.text
    assert answer.json()["fee"] == 1000
    assert states(campus, me) == {"physical": "lost", "virtual": "suspended"}
    assert report(campus, holder, kiosk).json()["code"] == "loss_already_reported"
    desk = campus.as_device(DeviceRole.DESK)
    shown = campus.client.post("/api/v1/identify", json={"uid": UID}, headers=desk).json()
    assert (shown["card_state"], shown["standing"]) == ("lost", "good")


def test_the_gates_hear_of_a_loss_in_the_same_transaction(campus, holder, me):
    with campus.database.read() as session:
        before = changes.latest(session)
    campus.client.post("/api/v1/me/loss", headers=me)
    with campus.database.read() as session:
        assert {change.person_id for change in changes.since(session, before)} == {holder.id}


def test_a_found_card_works_again_with_the_query_password(campus, me):
    campus.client.post("/api/v1/me/loss", headers=me)
    wrong = campus.client.post("/api/v1/me/loss/release", json={"query_password": "000000"}, headers=me)
    assert (wrong.json()["code"], wrong.json()["tries_left"]) == ("password_wrong", 4)
    right = campus.client.post("/api/v1/me/loss/release", json={"query_password": "135790"}, headers=me)
    assert right.status_code == 204
    assert states(campus, me) == {"physical": "active", "virtual": "active"}
    again = campus.client.post("/api/v1/me/loss/release", json={"query_password": "135790"}, headers=me)
    assert again.json()["code"] == "no_loss_reported"


def test_a_card_is_reissued_only_24_hours_after_the_report(campus, holder, me):
    assert reissue(campus, holder).json()["code"] == "no_loss_reported"
    reported = campus.client.post("/api/v1/me/loss", headers=me).json()
    campus.clock.forward(hours=23, minutes=59, seconds=59)
    early = reissue(campus, holder)
    assert (early.status_code, early.json()["code"]) == (409, "reissue_too_early")
    assert early.json()["possible_at"] == reported["reissue_possible_at"].replace("Z", "+00:00")
    assert campus.balance(holder.id) == 1500
    campus.clock.forward(seconds=1)
    assert reissue(campus, holder).status_code == 201


def test_a_reissue_costs_ten_yuan_and_enables_the_virtual_card(campus, holder, me):
    campus.client.post("/api/v1/me/loss", headers=me)
    campus.clock.forward(hours=24)
    card = reissue(campus, holder).json()
    assert card["state"] == "active"
    with campus.database.read() as session:
        assert str(cards.by_uid(session, NEW_UID).id) == card["id"]
    assert campus.balance(holder.id) == 500
    assert campus.balance(chart.named_account(AccountKind.FEE, FEE_ACCOUNT)) == 1000
    me = campus.as_person(holder.id)
    assert states(campus, me) == {"physical": "active", "virtual": "active"}
    desk = campus.as_device(DeviceRole.DESK)
    assert campus.client.post("/api/v1/identify", json={"uid": NEW_UID}, headers=desk).status_code == 200
    assert campus.client.post("/api/v1/identify", json={"uid": UID}, headers=desk).json()["code"] == "unknown_card"


def test_without_ten_yuan_nothing_happens_and_the_reason_is_clear(campus, me):
    poor = campus.person()
    campus.card(poor, "0A0B0C0D")
    campus.money(poor.id, 999)
    headers = campus.as_person(poor.id)
    campus.client.post("/api/v1/me/loss", headers=headers)
    campus.clock.forward(hours=24)
    refused = reissue(campus, poor)
    assert refused.status_code == 409
    assert {
        "code": "reissue_fee_refused",
        "reason": "insufficient_funds",
        "fee": 1000,
    }.items() <= refused.json().items()
    assert campus.balance(poor.id) == 999
    headers = campus.as_person(poor.id)
    assert states(campus, headers) == {"physical": "lost"}
    campus.money(poor.id, 1)
    assert reissue(campus, poor).status_code == 201
    assert campus.balance(poor.id) == 0


def test_an_unusable_new_card_takes_no_fee(campus, holder, me):
    other = campus.person()
    campus.card(other, NEW_UID)
    campus.client.post("/api/v1/me/loss", headers=me)
    campus.clock.forward(hours=24)
    assert reissue(campus, holder).json()["code"] == "card_uid_taken"
    assert campus.balance(holder.id) == 1500


def test_a_lost_answer_is_asked_for_again_with_the_same_key(campus, holder, me):
    campus.client.post("/api/v1/me/loss", headers=me)
    campus.clock.forward(hours=24)
    first, again = reissue(campus, holder), reissue(campus, holder)
    assert (again.status_code, again.json()) == (201, first.json())
    assert campus.balance(holder.id) == 500
    other = reissue(campus, holder, uid="04EEEEEEEEEE80")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    without = campus.client.post(
        f"/api/v1/people/{holder.id}/reissue", json={"uid": NEW_UID}, headers=campus.as_role(Role.CASHIER)
    )
    assert without.json()["code"] == "invalid_request"


def test_a_refused_reissue_may_be_repeated_with_the_same_key(campus, holder, me):
    campus.client.post("/api/v1/me/loss", headers=me)
    assert reissue(campus, holder).status_code == 409
    campus.clock.forward(hours=24)
    assert reissue(campus, holder).status_code == 201


def test_a_card_suspended_for_another_reason_stays_so_when_found_or_reissued(campus, holder):
    cashier = campus.as_role(Role.CASHIER)
    listed = campus.client.get(f"/api/v1/people/{holder.id}/cards", headers=cashier).json()
    for card in listed:
        assert campus.client.post(f"/api/v1/cards/{card['id']}/suspend", json={}, headers=cashier).status_code == 200
    campus.client.post(f"/api/v1/people/{holder.id}/loss", headers=cashier)
    blocked = campus.client.post(f"/api/v1/cards/{listed[0]['id']}/release", json={}, headers=cashier)
    assert blocked.json()["code"] == "loss_open"
    campus.client.post(f"/api/v1/people/{holder.id}/loss/release", headers=cashier)
    me = campus.as_person(holder.id)
    assert states(campus, me) == {"physical": "suspended", "virtual": "suspended"}


def test_returning_a_lost_card_is_no_way_around_the_wait_and_the_fee(campus, holder, me):
    cashier = campus.as_role(Role.CASHIER)
    reported = campus.client.post("/api/v1/me/loss", headers=me).json()
    returned = campus.client.post(f"/api/v1/cards/{reported['card_id']}/return", json={}, headers=cashier)
    assert (returned.status_code, returned.json()["code"]) == (409, "card_state_conflict")
    issued = campus.client.post(f"/api/v1/people/{holder.id}/cards", json={"uid": NEW_UID}, headers=cashier)
    assert issued.json()["code"] == "card_already_issued"


def test_a_virtual_card_cannot_be_claimed_while_a_loss_is_open(campus, holder, me):
    campus.client.post("/api/v1/me/loss", headers=me)
    with pytest.raises(Exception, match="reported lost"):
        campus.virtual_card(holder, channel="alipay")


def test_who_has_no_physical_card_has_none_to_report(campus):
    refused = campus.client.post("/api/v1/me/loss", headers=campus.as_person(campus.person().id))
    assert refused.json()["code"] == "no_card_to_report"


def test_a_kiosk_shows_the_holder_and_reissues(campus, holder, kiosk):
    body = {"number": holder.number, "query_password": "135790"}
    shown = campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk).json()
    assert (shown["name"], shown["balance"], shown["loss"]) == (holder.name, 1500, None)
    campus.client.post("/api/v1/kiosk/loss", json=body, headers=kiosk)
    campus.clock.forward(hours=24)
    assert campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk).json()["loss"] is not None
    issued = campus.client.post(
        "/api/v1/kiosk/reissue", json=body | {"uid": NEW_UID}, headers=kiosk | {"Idempotency-Key": "kiosk-7-0001"}
    )
    assert (issued.status_code, issued.json()["state"]) == (201, "active")
    assert campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk).json()["balance"] == 500


def test_a_kiosk_takes_no_wrong_and_no_first_password_and_no_other_device(campus, holder, kiosk):
    body = {"number": holder.number, "query_password": "000000"}
    assert campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk).json()["code"] == "holder_refused"
    nobody = body | {"number": "404"}
    assert campus.client.post("/api/v1/kiosk/holder", json=nobody, headers=kiosk).json()["code"] == "holder_refused"
    campus.passwords(holder.id, query="135790", must_change=True)
    first = campus.client.post("/api/v1/kiosk/holder", json=body | {"query_password": "135790"}, headers=kiosk)
    assert (first.json()["code"], first.json()["purpose"]) == ("password_change_required", "query")
    terminal = campus.as_device(DeviceRole.TERMINAL)
    assert campus.client.post("/api/v1/kiosk/holder", json=body, headers=terminal).json()["code"] == (
        "device_role_required"
    )


def test_a_remembered_answer_is_for_whoever_may_still_act(campus, holder, me):
    campus.client.post("/api/v1/me/loss", headers=me)
    campus.clock.forward(hours=24)
    assert reissue(campus, holder).status_code == 201
    with campus.database.begin() as session:
        session.add(PersonRole(person_id=holder.id, role=Role.REVIEWER))
    again = reissue(campus, holder)
    assert (again.status_code, again.json()["code"]) == (403, "admin_required")


def test_whoever_gets_a_card_from_a_kiosk_is_told(make_campus):
    told = []
    campus = make_campus(notify=lambda _session, person_id, what, **_now: told.append((person_id, what)))
    person = campus.person()
    campus.passwords(person.id, query="135790")
    campus.money(person.id, 1500)
    campus.card(person, UID)
    kiosk = campus.as_device(DeviceRole.KIOSK) | {"Idempotency-Key": "kiosk-7-0002"}
    body = {"number": person.number, "query_password": "135790"}
    assert campus.client.post("/api/v1/kiosk/loss", json=body, headers=kiosk).status_code == 201
    campus.clock.forward(hours=24)
    for _ in range(2):
        answer = campus.client.post("/api/v1/kiosk/reissue", json=body | {"uid": NEW_UID}, headers=kiosk)
        assert answer.status_code == 201
    assert told == [(person.id, AccountNotice.CARD_ISSUED)]
