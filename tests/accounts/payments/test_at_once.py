"""What was decided a moment ago at one server counts in the next request at another: two servers over one database.

Asked over HTTP, for that is where something could be believed from memory. Each request that must be refused was
answered a moment before by the same server.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from httpx import Response
from sqlalchemy.orm import Session

from accounts import cards, devices, people
from accounts.api.router import router
from accounts.ledger import AccountState, LedgerWriter, set_state
from accounts.tables import Device
from accounts.vocabulary import DeviceRole, Role
from database import Database, new_id
from tests.accounts.held_writer import hold_up
from tests.accounts.payments.conftest import Holder, Shop
from tests.apps import LentApps
from tests.waiting import until

PIN = "482913"


@pytest.fixture
def there(shop: Shop, lent_apps: LentApps) -> Iterator[Shop]:
    """The same shop at another server: with an app, a writer and connections of its own."""
    with ExitStack() as stack:
        database = Database(shop.database.url, credential_key=shop.database.credential_key)
        stack.callback(database.close)
        services = replace(shop.campus.services, database=database)
        writer = stack.enter_context(LedgerWriter(database, clock=services.clock))
        app = stack.enter_context(lent_apps.lend(router))
        app.state.accounts = services
        app.state.money = money = replace(shop.money, accounts=services, writer=writer)
        client = stack.enter_context(lent_apps.ask(app))
        campus = replace(shop.campus, services=services, client=client)
        yield replace(shop, campus=campus, money=money)


def outcome(answer: Response) -> str:
    return "paid" if answer.status_code == 201 else f"{answer.status_code} {answer.json()['code']}"


def put(shop: Shop, path: str, body: dict[str, Any], role: Role = Role.ADMIN) -> None:
    answer = shop.client.put(f"/api/v1{path}", json=body, headers=shop.campus.as_role(role))
    assert answer.status_code in (200, 204), answer.text


def post(shop: Shop, path: str, body: dict[str, Any] | None, role: Role) -> Response:
    answer: Response = shop.client.post(f"/api/v1{path}", json=body, headers=shop.campus.as_role(role))
    assert answer.status_code in (200, 201, 204), answer.text
    return answer


def device_of(session: Session, token: dict[str, str]) -> Device:
    device = devices.authenticate(session, token["Authorization"].removeprefix("Bearer "))
    assert device is not None
    return device


def device_id(shop: Shop, token: dict[str, str]) -> str:
    with shop.database.read() as session:
        return str(device_of(session, token).id)


def suspend_person(here: Shop, holder: Holder) -> None:
    put(here, f"/people/{holder.id}/state", {"state": "suspended"})


def close_service(here: Shop, _holder: Holder) -> None:
    put(here, "/services/canteen/campuses", {"campuses": ["south"]})


def suspend_card(here: Shop, holder: Holder) -> None:
    post(here, f"/cards/{holder.card_id}/suspend", {"reason": "found at the gate"}, Role.CASHIER)


def report_loss(here: Shop, holder: Holder) -> None:
    post(here, f"/people/{holder.id}/loss", None, Role.CASHIER)


def return_card(here: Shop, holder: Holder) -> None:
    post(here, f"/cards/{holder.card_id}/return", {"reason": "left"}, Role.CASHIER)


def hand_over_card(here: Shop, before: Holder, after: Holder) -> None:
    for holder in (before, after):
        return_card(here, holder)
    post(here, f"/people/{after.id}/cards", {"uid": before.uid}, Role.CASHIER)


def give_key(here: Shop, holder: Holder) -> None:
    with here.database.begin() as session:
        cards.get(session, holder.card_id).key_number = 3


def suspend_merchant(here: Shop, _holder: Holder) -> None:
    with here.database.begin() as session:
        set_state(session, here.merchant_id, AccountState.SUSPENDED)


def end_validity(here: Shop, holder: Holder) -> None:
    with here.database.begin() as session:
        people.get(session, holder.id).valid_until = here.now


def lower_limits(here: Shop, holder: Holder) -> None:
    body = {"card": {"uid": holder.uid}, "consumption_password": PIN, "meal": 0, "day": 0}
    assert here.client.put("/api/v1/terminal/limits", json=body, headers=here.terminal).status_code == 200


def take_merchant_away(here: Shop, _holder: Holder) -> None:
    with here.database.begin() as session:
        device_of(session, here.terminal).merchant_id = None


def move_terminal(here: Shop, _holder: Holder) -> None:
    with here.database.begin() as session:
        device_of(session, here.terminal).campus = "south"


def turn_terminal_into_a_desk(here: Shop, _holder: Holder) -> None:
    with here.database.begin() as session:
        device_of(session, here.terminal).role = DeviceRole.DESK


def revoke_terminal(here: Shop, _holder: Holder) -> None:
    address = f"/api/v1/devices/{device_id(here, here.terminal)}"
    assert here.client.delete(address, headers=here.campus.as_role(Role.ADMIN)).status_code == 204


def rotate_token(here: Shop, _holder: Holder) -> None:
    post(here, f"/devices/{device_id(here, here.terminal)}/token", None, Role.ADMIN)


CHANGES = {
    revoke_terminal: "401 not_a_device",
    rotate_token: "401 not_a_device",
    turn_terminal_into_a_desk: "403 device_role_required",
    take_merchant_away: "409 no_merchant",
    move_terminal: "403 service_not_on_campus",
    close_service: "403 service_not_on_campus",
    suspend_merchant: "403 wallet_not_usable",
    suspend_person: "403 account_not_usable",
    end_validity: "403 account_not_usable",
    suspend_card: "403 card_not_usable",
    report_loss: "403 card_not_usable",
    return_card: "404 unknown_card",
    give_key: "403 card_key_required",
    lower_limits: "403 consumption_password_required",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_payment_is_refused_right_after_it_may_not_be_taken_any_more(shop: Shop, there: Shop, change: Any) -> None:
    holder = shop.holder(5_000)
    for server in (there, shop, there):
        assert outcome(server.pay(holder, 100)) == "paid"
    change(shop, holder)
    assert [outcome(server.pay(holder, 100)) for server in (there, shop)] == [CHANGES[change]] * 2
    assert shop.balance(holder.id) == 4_700


def test_the_state_of_a_wallet_counts_at_once(shop: Shop, there: Shop) -> None:
    holder = shop.holder(5_000)
    assert outcome(there.pay(holder, 100)) == "paid"
    for state, told in ((AccountState.SUSPENDED, "403 wallet_not_usable"), (AccountState.ACTIVE, "paid")):
        with shop.database.begin() as session:
            set_state(session, holder.id, state)
        assert [outcome(server.pay(holder, 100)) for server in (there, shop)] == [told] * 2


def test_a_new_password_counts_at_once(shop: Shop, there: Shop) -> None:
    holder, body = shop.holder(50_000), {"current": PIN, "new": "975318"}
    assert outcome(there.pay(holder, 4_000, consumption_password=PIN)) == "paid"
    changed = {"card": {"uid": holder.uid}, **body}
    put_it = shop.client.put("/api/v1/terminal/consumption-password", json=changed, headers=shop.terminal)
    assert put_it.status_code == 204
    assert outcome(there.pay(holder, 4_000, consumption_password=PIN)) == "403 password_wrong"
    assert outcome(there.pay(holder, 4_000, consumption_password="975318")) == "paid"


def test_what_may_be_again_may_be_at_once(shop: Shop, there: Shop) -> None:
    holder = shop.holder(5_000)
    close_service(shop, holder)
    suspend_card(shop, holder)
    assert outcome(there.pay(holder, 100)) == "403 service_not_on_campus"
    put(shop, "/services/canteen/campuses", {"campuses": ["north"]})
    assert outcome(there.pay(holder, 100)) == "403 card_not_usable"
    post(shop, f"/cards/{holder.card_id}/release", {"reason": "it was theirs"}, Role.CASHIER)
    assert outcome(there.pay(holder, 100)) == "paid"


def test_a_card_that_changed_hands_pays_from_its_new_holder(shop: Shop, there: Shop) -> None:
    before, after = shop.holder(5_000), shop.holder(5_000)
    assert there.pay(before, 100).json()["person_id"] == str(before.id)
    hand_over_card(shop, before, after)
    assert there.pay(before, 100).json()["person_id"] == str(after.id)


@pytest.mark.parametrize("proof", [{}, {"consumption_password": PIN}], ids=["card", "card_and_password"])
def test_a_payment_sent_again_names_who_paid_though_the_card_changed_hands(
    shop: Shop, there: Shop, proof: dict[str, str]
) -> None:
    before, after = shop.holder(5_000), shop.holder(5_000)
    with shop.database.begin() as session:
        people.get(session, after.id).name = "李华"
    body = {"id": str(new_id()), **proof}
    first = there.pay(before, 100, **body).json()
    hand_over_card(shop, before, after)
    assert [server.pay(before, 100, **body).json() for server in (there, shop)] == [first] * 2


def test_nothing_that_is_sent_after_a_token_was_revoked_is_taken(shop: Shop, there: Shop) -> None:
    """Many payments are under way, gathered into groups, at the moment of the revocation."""
    holders, revoked, stop = [shop.holder(50_000) for _ in range(4)], Event(), Event()

    def keep_paying(number: int) -> list[tuple[bool, str]]:
        server, told = (shop, there)[number % 2], []
        while not stop.is_set():
            is_after = revoked.is_set()
            told.append((is_after, outcome(server.pay(holders[number], 1))))
        return told

    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(keep_paying, number) for number in range(4)]
        for holder in holders:
            while shop.balance(holder.id) > 49_995:
                assert not any(one.done() for one in running)
        revoke_terminal(shop, holders[0])
        revoked.set()
        refused = [outcome(server.pay(holders[0], 1)) for server in (there, shop) for _ in range(5)]
        stop.set()
    assert set(refused) == {"401 not_a_device"}
    told = [one for client in running for one in client.result()]
    assert {what for is_after, what in told if is_after} <= {"401 not_a_device"}
    paid = sum(what == "paid" for _, what in told)
    assert sum(50_000 - shop.balance(holder.id) for holder in holders) == paid > 20


def test_payments_of_one_group_count_in_each_other_and_answer_for_themselves(shop: Shop) -> None:
    eager, poor, twice, suspended = (shop.holder(fen) for fen in (50_000, 2_500, 5_000, 5_000))
    suspend_person(shop, suspended)
    same = {"id": str(new_id())}
    unknown = replace(twice, uid="04FFFFFFFFFFFF")
    asked = [(eager, 2_000), (poor, 1_500), (twice, 1_000), (suspended, 1), (unknown, 1)]
    with ThreadPoolExecutor(2 * len(asked)) as clients:
        go_on = hold_up(shop.money.writer)
        sent = [
            (holder, clients.submit(shop.pay, holder, amount, **(same if holder is twice else {})))
            for holder, amount in 2 * asked
        ]
        until(lambda: shop.money.writer._submissions.qsize() == len(sent))
        go_on.set()
    told = {holder.uid: sorted(outcome(one.result()) for each, one in sent if each is holder) for holder, _ in asked}
    assert told == {
        eager.uid: ["403 consumption_password_required", "paid"],
        poor.uid: ["409 insufficient_funds", "paid"],
        twice.uid: ["paid", "paid"],
        suspended.uid: ["403 account_not_usable"] * 2,
        unknown.uid: ["404 unknown_card"] * 2,
    }
    assert [shop.balance(holder.id) for holder in (eager, poor, twice)] == [48_000, 1_000, 4_000]


def test_a_hold_is_refused_right_after_its_meter_was_revoked(shop: Shop, there: Shop) -> None:
    holder = shop.holder(5_000)
    meter = shop.campus.as_device(DeviceRole.METER, campus="north", merchant_id=shop.merchant_id)

    def hold(server: Shop) -> Response:
        body = {"id": str(new_id()), "amount": 100, "card": {"uid": holder.uid}, "seconds": 1800}
        answer: Response = server.client.post("/api/v1/holds", json=body, headers=meter)
        return answer

    held = hold(there)
    assert held.status_code == 201
    assert (
        shop.client.delete(
            f"/api/v1/devices/{device_id(shop, meter)}", headers=shop.campus.as_role(Role.ADMIN)
        ).status_code
        == 204
    )
    assert outcome(hold(there)) == "401 not_a_device"
    taken = there.client.post(f"/api/v1/holds/{held.json()['id']}/post", json={"amount": 1}, headers=meter)
    assert outcome(taken) == "401 not_a_device"


def test_a_time_that_has_come_counts_at_once(shop: Shop, there: Shop) -> None:
    holder = shop.holder(5_000)
    with shop.database.begin() as session:
        people.get(session, holder.id).valid_until = shop.now + timedelta(minutes=1)
    assert outcome(there.pay(holder, 100)) == "paid"
    shop.campus.clock.forward(minutes=1)
    assert outcome(there.pay(holder, 100)) == "403 account_not_usable"
