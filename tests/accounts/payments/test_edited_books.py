"""Somebody writes into the database past the program: each derived number that was changed is named."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from accounts.ledger import seal_chain
from accounts.ledger.invariants import check_ledger
from accounts.ledger.replay import Difference
from accounts.ledger.tables import Seal
from accounts.ledger.totals import COUNTERS_KEPT, LedgerDiffersError, close_day, close_days_before
from accounts.topup.cash import Cash, pay_in
from accounts.topup.subsidies import Grant
from accounts.topup.subsidies import pay as pay_subsidy
from accounts.topup.verification import check_reasons
from accounts.vocabulary import DeviceRole, Role
from database import Database, new_id

TRIGGERS = {
    "sqlite": "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT DISTINCT format('ALTER TABLE %I DISABLE TRIGGER USER', c.relname) FROM pg_trigger t "
    "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal",
}


class Life:
    """A wallet with everything in it: cash, a subsidy, payments, a refund, an open hold, a top-up, a closed day."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.database: Database = shop.database
        self.holder = shop.holder()
        self.other = shop.holder()
        pay_in(shop.money, Cash(new_id(), "counter:x", self.holder.id, 9_000), by="system", now=shop.now)
        pay_subsidy(shop.money, new_id(), "meals", [Grant(self.other.id, 700)], by="system", now=shop.now)
        self.payment = shop.pay(self.holder, 1_200).json()["id"]
        shop.post(f"/payments/{self.payment}/refunds", id=str(new_id()), amount=200)
        meter = shop.campus.as_device(DeviceRole.TERMINAL, campus="north", merchant_id=shop.merchant_id)
        body = {"id": str(new_id()), "amount": 500, "seconds": 3_600, "card": {"uid": self.holder.uid}}
        assert shop.client.post("/api/v1/holds", json=body, headers=meter).status_code == 201
        self.top_up()
        self.close_yesterday()

    def top_up(self) -> None:
        person = self.shop.campus.as_person(self.other.id)
        order = {"id": str(new_id()), "channel": "wechat", "amount": 3_000}
        assert self.shop.client.post("/api/v1/me/top-ups", json=order, headers=person).status_code == 201
        self.shop.providers["wechat"].pay(order["id"])
        self.shop.client.get(f"/api/v1/me/top-ups/{order['id']}", headers=person)

    def close_yesterday(self) -> None:
        now = self.shop.now
        close_day(self.database, now.date(), now + timedelta(minutes=1), now + timedelta(minutes=2))

    def differences(self, session: Session) -> list[Difference]:
        since = self.shop.now - COUNTERS_KEPT
        return [*check_ledger(session, counted_since=since), *check_reasons(session)]

    def lift_triggers(self) -> None:
        with self.database.engine.begin() as connection:
            for (lift,) in connection.execute(text(TRIGGERS[connection.dialect.name])).all():
                connection.exec_driver_sql(lift)

    def edit(self, statement: str) -> None:
        self.lift_triggers()
        with self.database.engine.begin() as connection:
            self.edit_in(connection, statement)

    def edit_in(self, connection: Connection, statement: str) -> None:
        assert connection.exec_driver_sql(statement.format(self.id_of(self.holder.id))).rowcount > 0

    def id_of(self, one: Any) -> str:
        return one.hex if self.database.is_sqlite else str(one)


EDITS = {
    "a balance": ("UPDATE ledger_accounts SET balance = 909000 WHERE id = '{}'", "balance", 7_999 + 1, 909_000),
    "a held amount": ("UPDATE ledger_accounts SET held = 0 WHERE id = '{}'", "held amount", 500, 0),
    "a hold's amount": ("UPDATE ledger_open_holds SET amount = 1", "open hold", None, None),
    "a hold's account": ("UPDATE ledger_open_holds SET credit = debit", "open hold", None, None),
    "a hold's end": ("UPDATE ledger_open_holds SET expires_at = '2099-01-01 00:00:00+00:00'", "open hold", None, None),
    "a hold that is gone": ("DELETE FROM ledger_open_holds", "open hold", None, None),
    "a correction": ("UPDATE ledger_corrected SET amount = 0", "corrected amount", 200, 0),
    "a correction that is gone": ("DELETE FROM ledger_corrected", "corrected amount", 200, None),
    "a counter": ("UPDATE ledger_counters SET spent = 0", "counter", 1_500, 0),
    "a counter that is gone": ("DELETE FROM ledger_counters", "counter", 1_500, None),
    "a total of a closed day": ("UPDATE ledger_day_totals SET credits = credits + 1", "credits", None, None),
    "a total that is gone": ("DELETE FROM ledger_day_totals", "line of totals", None, None),
    "the lines of a closed day": ("UPDATE ledger_days SET transfers = 1", "transfers", None, 1),
    "an account's kind": ("UPDATE ledger_accounts SET kind = 'fee' WHERE kind = 'cash'", "kind and name", None, None),
    "an account that is gone": ("DELETE FROM ledger_accounts WHERE kind = 'merchant'", "account", None, None),
    "an order's amount": ("UPDATE top_up_orders SET amount = 9000000", "top-up order in the journal", None, None),
    "an order's state": ("UPDATE top_up_orders SET state = 'pending'", "top-up order in the journal", None, None),
    "what was given back of an order": ("UPDATE top_up_orders SET refunding = 5", "amount given back", 0, 5),
    "an order that is gone": ("DELETE FROM top_up_orders", "top_up that nobody ordered", None, None),
    "a wallet's state": (
        "UPDATE ledger_accounts SET state = 'closed' WHERE id = '{}'",
        "state of the wallet",
        "active",
        "closed",
    ),
    "a person's state": (
        "UPDATE people SET state = 'suspended' WHERE id = '{}'",
        "state of the wallet",
        "suspended",
        "active",
    ),
    "a stated balance": ("UPDATE ledger_transfers SET debit_balance = 1 WHERE action = 'hold'", "balance of", 8_000, 1),
    "an amount in the journal": (
        "UPDATE ledger_transfers SET amount = 900000 WHERE purpose = 'cash_in'",
        "",
        None,
        None,
    ),
    "a transfer that is gone": ("DELETE FROM ledger_transfers WHERE purpose = 'subsidy'", "", None, None),
}


def test_an_edited_number_is_named_with_what_is_right(edited_shop: Any, subtests: pytest.Subtests) -> None:
    life = Life(edited_shop)
    life.lift_triggers()
    for edit, (statement, what, expected, found) in EDITS.items():
        # Whatever is edited is taken back with the session's end.
        with subtests.test(edit), life.database.read() as session:
            assert life.differences(session) == []
            life.edit_in(session.connection(), statement)
            session.expire_all()
            differences = life.differences(session)
            named = [one for one in differences if what in one.what and (expected is None or one.expected == expected)]
            assert [one for one in named if found is None or one.found == found], "\n".join(map(str, differences))
            if "'{}'" in statement:
                assert str(life.holder.id) in {one.id for one in differences}


def test_a_day_end_refuses_where_a_balance_was_changed(edited_shop: Any) -> None:
    life = Life(edited_shop)
    life.edit("UPDATE ledger_accounts SET balance = 909000 WHERE id = '{}'")
    tomorrow = life.shop.now + timedelta(days=1)
    with pytest.raises(LedgerDiffersError, match=str(life.holder.id)):
        close_day(life.database, tomorrow.date(), tomorrow, tomorrow)
    with pytest.raises(LedgerDiffersError):
        close_days_before(life.database, tomorrow.date() + timedelta(days=2), life.shop.campus.services.zone, tomorrow)
    life.shop.campus.clock.now += timedelta(days=3)
    admin = life.shop.campus.as_role(Role.ADMIN)
    answer = life.shop.client.post(f"/api/v1/days/{tomorrow.date()}/close", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "day_end_refused")


def test_nothing_is_paid_out_of_a_balance_that_somebody_made(edited_shop: Any) -> None:
    life = Life(edited_shop)
    life.edit("UPDATE ledger_accounts SET balance = 909000 WHERE id = '{}'")
    cashier = life.shop.campus.as_person(life.shop.campus.person().id, Role.CASHIER)
    body = {"id": str(new_id()), "person_id": str(life.holder.id), "amount": 100}
    answer = life.shop.client.post("/api/v1/cash-payouts", json=body, headers=cashier)
    assert (answer.status_code, answer.json()["code"]) == (409, "balance_differs")
    assert life.shop.balance(life.holder.id) == 909_000, "and nothing was written"


def test_a_seal_that_was_exchanged_keeps_the_day_open(edited_shop: Any) -> None:
    life = Life(edited_shop)
    life.edit("UPDATE ledger_transfers SET details = '{{}}' WHERE serial = 1")
    with life.database.read() as session:
        assert not seal_chain.verify(session).whole
        assert session.query(Seal).count() > 0
    tomorrow = life.shop.now + timedelta(days=1)
    with pytest.raises(LedgerDiffersError, match="seal"):
        close_day(life.database, tomorrow.date(), tomorrow, tomorrow)
