"""What every payment channel must hold, against a provider that signs, is slow, loses answers and repeats itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from accounts.ledger.invariants import check_ledger
from accounts.payment_channels.channel import ChannelState, NewOrder, NotificationRefusedError, RefundState
from accounts.payments import charge_refunds, charges, merchant_codes
from accounts.payments.charges import SCAN_PATIENCE, ChargeRequest
from accounts.payments.corrections import Refund, reversal_id
from accounts.payments.merchant_codes import ScannedPayment
from accounts.payments.wallet import Terminal
from accounts.topup import notifications, orders, reconciliation, refunds, unsettled
from accounts.topup.orders import LIFETIME, TopUpRequest
from accounts.topup.refunds import TopUpRefundRequest
from accounts.topup.tables import TopUpOrder
from accounts.topup.verification import check_reasons
from database import new_id
from tests.accounts.payments.abchina.peer import AbchinaPeer
from tests.accounts.payments.alipay.peer import AlipayPeer
from tests.accounts.payments.channel_peers import ChannelPeer, LoopbackPeer, Message
from tests.accounts.payments.conftest import Holder, Shop, running_shop
from tests.accounts.payments.wechat.peer import WechatPeer

pytestmark = pytest.mark.parametrize(
    ("peer", "database"),
    [
        ("loopback", "postgresql"),
        ("loopback-once-scanned", "sqlite"),
        ("wechat-certificates", "sqlite"),
        ("alipay-certificates", "postgresql"),
        ("abchina", "sqlite"),
    ],
    indirect=True,
)
"""Every channel; which of them meets which database says nothing more. Both ways to be verified have own tests."""


class Till:
    """A campus with one channel to one provider, and what the tests do with it."""

    def __init__(self, shop: Shop, peer: ChannelPeer) -> None:
        self.shop, self.peer, self.name = shop, peer, peer.channel.name
        self.money = replace(shop.money, channels={self.name: peer.channel})
        self.terminal = Terminal(new_id(), shop.merchant_id, "north")
        self.holder: Holder = shop.holder()

    @property
    def now(self) -> Any:
        return self.shop.now

    def forward(self, **by: float) -> None:
        self.shop.campus.clock.forward(**by)
        self.peer.keep_time()

    @property
    def balance(self) -> int:
        return self.shop.balance(self.holder.id)

    @property
    def taken(self) -> int:
        """What the merchant is owed."""
        return self.shop.balance(self.shop.merchant_id)

    def order(self, amount: int = 5_000) -> UUID:
        wanted = TopUpRequest(new_id(), self.holder.id, self.name, amount)
        _, pay = orders.create(self.money, wanted, self.now)
        assert pay, "the payer's app is told how to pay"
        return wanted.id

    def state(self, order_id: UUID) -> str:
        return orders.query(self.money, order_id, self.holder.id, self.now).state

    def told(self, message: Message) -> tuple[str, str]:
        return notifications.handle(self.money, self.name, *message, self.now)

    def charge(self, code: str, amount: int = 1_500, **given: Any) -> UUID:
        wanted = ChargeRequest(given.get("id", new_id()), amount, code, self.name)
        return charges.charge(self.money, self.terminal, wanted, self.now).id

    def scan(self, amount: int = 1_500) -> UUID:
        """A payment that the merchant's code was scanned for."""
        wanted = ScannedPayment(new_id(), self.shop.merchant_id, self.name, amount)
        made = merchant_codes.open_charge(self.money, wanted, "192.0.2.1", self.now)
        _, merchant = merchant_codes.query(self.money, self.shop.merchant_id, made.id, self.now)
        assert merchant_codes.ask_how_to_pay(self.money, made, merchant, self.now)
        return made.id

    def charge_state(self, charge_id: UUID) -> str:
        return charges.get(self.money, self.terminal, charge_id).state

    def paid_order(self, amount: int = 5_000) -> UUID:
        order_id = self.order(amount)
        self.peer.pay(order_id)
        assert self.state(order_id) == "credited"
        return order_id

    def give_back(self, order_id: UUID, amount: int) -> UUID:
        wanted = TopUpRefundRequest(new_id(), order_id, amount)
        assert refunds.refund(self.money, wanted, by="system", now=self.now).state == "pending"
        return wanted.id

    def refund_states(self, order_id: UUID) -> list[str]:
        with self.shop.database.read() as session:
            return [one.state for one in refunds.find_of_orders(session, [order_id])]

    def jobs(self) -> list[int]:
        return [
            job(self.money, self.now)
            for job in (
                orders.resolve_pending,
                charges.resolve_pending,
                refunds.resolve_refunds,
                charge_refunds.resolve_refunds,
            )
        ]

    def differences(self) -> list[Any]:
        day = self.now.astimezone(self.money.accounts.zone).date()
        found = reconciliation.reconcile(self.money, self.name, day, self.now)
        assert bool(found.differences) or found.ours == found.theirs
        return list(found.differences)

    def unsettled(self) -> str | None:
        with self.shop.database.read() as session:
            return unsettled.find(session, self.now)


@pytest.fixture
def peer(request: pytest.FixtureRequest, clock: Any, tmp_path: Path) -> ChannelPeer:
    kind, _, mode = request.param.partition("-")
    if kind == "loopback":
        return LoopbackPeer(clock, ZoneInfo("Asia/Shanghai"), once_scanned=bool(mode))
    made: WechatPeer | AlipayPeer | AbchinaPeer = request.getfixturevalue(f"{kind}_peer")
    made.begin(clock, mode, tmp_path)
    return made


@pytest.fixture
def till(peer: ChannelPeer, make_campus: Callable[..., Any]) -> Iterator[Till]:
    with running_shop(make_campus) as shop:
        yield Till(shop, peer)
        with shop.database.read() as session:
            assert check_ledger(session) == []
            assert check_reasons(session) == []


def test_an_order_is_credited_once_however_often_and_in_whatever_order_it_is_told(till: Till) -> None:
    order_id = till.order()
    assert till.state(order_id) == "pending"
    till.peer.pay(order_id)
    first, again = till.peer.notification(order_id), till.peer.notification(order_id)
    for message in (again, first, first, again):
        assert till.told(message) == till.peer.channel.acknowledgement
        assert till.balance == 5_000
    assert till.state(order_id) == "credited"
    assert till.differences() == []


def test_a_notification_that_was_not_done_is_done_by_its_repeat(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = till.order()
    till.peer.pay(order_id)
    message = till.peer.notification(order_id)
    with monkeypatch.context() as broken:
        broken.setattr(orders, "settle", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            till.told(message)
    till.told(message)
    assert till.balance == 5_000


def test_whatever_is_wrong_with_a_notification_it_is_refused_alike(till: Till) -> None:
    order_id = till.order()
    till.peer.pay(order_id)
    headers, body = till.peer.notification(order_id)
    wrong: list[Message] = [(headers, b""), (headers, b"\xff{"), (headers, body + b" ")]
    wrong += [(headers, bytes([*body[:at], body[at] ^ 1, *body[at + 1 :]])) for at in range(0, len(body), 37)]
    wrong += [({one: value for one, value in headers.items() if one != name}, body) for name in headers]
    wrong += [(headers | {name: "garbage"}, body) for name in headers]
    for message in wrong:
        with pytest.raises(NotificationRefusedError):
            till.told(message)
    till.forward(hours=25)
    with pytest.raises(NotificationRefusedError):
        till.told((headers, body))
    assert till.balance == 0
    assert till.state(order_id) == "credited", "asking finds it"


def test_news_that_nobody_asked_for_are_acknowledged(till: Till) -> None:
    assert till.told(till.peer.other_notification()) == till.peer.channel.acknowledgement


def test_an_order_that_nobody_pays_is_closed_and_cannot_be_paid_then(till: Till) -> None:
    order_id = till.order()
    till.forward(seconds=LIFETIME.total_seconds())
    assert till.jobs()[0] == 1
    till.peer.pay(order_id)
    assert till.state(order_id) == "closed"
    assert (till.balance, till.differences()) == (0, [])


def test_an_order_goes_by_a_number_of_32_characters_and_opens_once(till: Till) -> None:
    order_id = till.order()
    with till.shop.database.read() as session:
        order = session.get_one(TopUpOrder, order_id)
    assert orders.ask_how_to_pay(till.money, order, till.now) == orders.ask_how_to_pay(till.money, order, till.now)
    assert till.peer.channel.query(new_id()).state is ChannelState.UNKNOWN
    other = NewOrder(order_id, 6_000, "top-up", till.now + LIFETIME)
    with pytest.raises(Exception, match=r".+"):
        till.peer.channel.create(other, till.now)


def test_a_code_pays_is_refused_or_asks_its_payer(till: Till) -> None:
    assert till.charge_state(till.charge(till.peer.paid_code)) == "paid"
    assert till.charge_state(till.charge(till.peer.poor_code)) == "refused"
    slow = till.charge(till.peer.slow_code)
    assert till.charge_state(slow) == "pending"
    till.peer.pay(slow)
    assert till.jobs()[1] == 1
    assert (till.charge_state(slow), till.taken, till.differences()) == ("paid", 3_000, [])


def test_a_payer_who_takes_too_long_pays_nothing(till: Till) -> None:
    slow = till.charge(till.peer.slow_code)
    till.forward(seconds=61)
    assert till.jobs()[1] == 1
    till.peer.pay(slow)
    assert (till.charge_state(slow), till.taken, till.differences()) == ("refused", 0, [])


def test_who_scans_the_merchants_code_pays_the_merchant_once_and_until_its_time_is_over(till: Till) -> None:
    paid, late = till.scan(), till.scan(900)
    till.peer.pay(paid)
    message = till.peer.notification(paid)
    for _ in range(2):
        assert till.told(message) == till.peer.channel.acknowledgement
    assert (till.charge_state(paid), till.charge_state(late), till.taken) == ("paid", "pending", 1_500)
    till.forward(seconds=SCAN_PATIENCE.total_seconds())
    assert till.jobs()[1] == 1
    till.peer.pay(late)
    assert (till.charge_state(late), till.taken, till.balance, till.differences()) == ("refused", 1_500, 0, [])


def test_who_pays_in_the_moment_of_the_reversal_has_it_back_and_the_bill_agrees(till: Till) -> None:
    slow = till.charge(till.peer.slow_code)
    till.forward(seconds=61)
    reverse = till.peer.channel.reverse
    query = till.peer.channel.query(slow)
    assert query.state is ChannelState.PENDING
    till.peer.pay(slow)
    assert reverse(slow).state is ChannelState.CLOSED
    assert till.jobs()[1] == 1
    assert (till.charge_state(slow), till.taken, till.differences()) == ("refused", 0, [])


def test_a_charge_that_was_refused_here_and_paid_there_is_given_back(till: Till) -> None:
    charge_id = till.charge(till.peer.slow_code)
    refused = replace(till.peer.channel.query(charge_id), state=ChannelState.CLOSED, reason=None)
    charges.settle(till.money, refused, till.now)
    till.peer.pay(charge_id)
    till.differences()
    assert (till.charge_state(charge_id), till.taken) == ("paid", 1_500)
    assert charges.get(till.money, till.terminal, charge_id).reason == "not paid", "what the terminal goes on saying"
    till.jobs()
    till.peer.finish_refund(reversal_id(charge_id), RefundState.PAID)
    till.jobs()
    assert (till.taken, till.differences()) == (0, [])


@pytest.mark.parametrize("told", [True, False], ids=["notified", "asked"])
def test_a_refund_is_on_its_way_until_the_channel_says_that_it_arrived(till: Till, told: bool) -> None:
    if told and not till.peer.tells_refunds:
        pytest.skip(f"{till.name} notifies no refunds")
    order_id, charge_id = till.paid_order(), till.charge(till.peer.paid_code)
    mine = till.give_back(order_id, 2_000)
    theirs = Refund(new_id(), charge_id, 500)
    assert charge_refunds.refund(till.money, till.terminal, theirs, till.now).state == "pending"
    assert till.jobs()[2:] == [0, 0]
    assert (till.balance, till.taken, till.differences()) == (5_000, 1_500, [])
    for one in (mine, theirs.id):
        till.peer.finish_refund(one, RefundState.PAID)
        for _ in range(2 if told else 0):
            till.told(till.peer.refund_notification(one))
    till.jobs()
    assert (till.balance, till.taken, till.refund_states(order_id)) == (3_000, 1_000, ["paid"])
    assert till.differences() == []


def test_a_refund_that_cannot_arrive_is_open_with_an_alarm_until_it_is_settled(till: Till) -> None:
    if not till.peer.has_abnormal_refunds:
        pytest.skip(f"{till.name} has no such state of a refund")
    order_id = till.paid_order()
    refund_id = till.give_back(order_id, 2_000)
    assert till.unsettled() is None
    till.peer.finish_refund(refund_id, RefundState.ABNORMAL)
    till.told(till.peer.refund_notification(refund_id))
    assert (till.refund_states(order_id), till.unsettled()) == (["abnormal"], "refund_abnormal")
    assert till.jobs()[2] == 0
    assert till.refund_states(order_id) == ["abnormal"]
    till.peer.finish_refund(refund_id, RefundState.PAID)
    assert till.jobs()[2] == 1
    assert (till.refund_states(order_id), till.unsettled(), till.balance) == (["paid"], None, 3_000)


def test_a_refund_that_the_channel_ends_is_free_again(till: Till) -> None:
    order_id = till.paid_order()
    refund_id = till.give_back(order_id, 2_000)
    till.peer.finish_refund(refund_id, RefundState.REFUSED)
    assert till.jobs()[2] == 1
    assert (till.refund_states(order_id), till.balance, till.differences()) == (["refused"], 5_000, [])
    till.give_back(order_id, 5_000)


def test_whatever_answer_is_lost_nothing_is_held_for_ever(till: Till) -> None:
    paid = till.paid_order()
    order_id = till.order(700)
    till.peer.pay(order_id)
    till.peer.lose_answers(1)
    charge_id = till.charge(till.peer.paid_code)
    assert till.charge_state(charge_id) == "pending"
    till.peer.lose_answers(1)
    wanted = TopUpRefundRequest(new_id(), paid, 2_000)
    with pytest.raises(Exception, match=r"did not answer"):
        refunds.refund(till.money, wanted, by="system", now=till.now)
    till.peer.lose_answers(3)
    assert till.jobs() == [0, 0, 0, 0], "the channel is away"
    till.forward(days=2)
    assert till.unsettled() == "channel_silent"
    till.forward(days=-2)
    till.jobs()
    till.peer.finish_refund(wanted.id, RefundState.PAID)
    till.jobs()
    assert (till.balance, till.taken, till.refund_states(paid)) == (3_700, 1_500, ["paid"])
    assert (till.differences(), till.unsettled()) == ([], None)
