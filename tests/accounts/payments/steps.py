"""What tests of payments do again and again: read refusals, report a loss, order top-ups, hear a channel's peer."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from httpx import Response

from accounts import people
from accounts.cards import loss
from accounts.payment_channels.channel import NewOrder, Notification
from accounts.vocabulary import Role
from database import new_id


def code(answer: Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    found: str = answer.json()["code"]
    return found


def report_loss(shop: Any, holder: Any) -> None:
    with shop.database.begin() as session:
        person = people.get(session, holder.id, lock=True)
        loss.report(session, person, through="app", by="system", now=shop.now)


def cashier(shop: Any) -> dict[str, str]:
    found: dict[str, str] = shop.campus.as_role(Role.CASHIER)
    return found


def order(shop: Any, holder: Any, amount: int = 5_000, **body: Any) -> Response:
    body = {"id": str(new_id()), "channel": "wechat", "amount": amount} | body
    answer: Response = shop.client.post("/api/v1/me/top-ups", json=body, headers=shop.campus.as_person(holder.id))
    return answer


def ordered(shop: Any, holder: Any, amount: int = 5_000) -> UUID:
    return UUID(order(shop, holder, amount).json()["id"])


def notify(shop: Any, order_id: UUID, **headers: str) -> Response:
    signed, body = shop.providers["wechat"].notification(order_id)
    return deliver(shop, signed | headers, body)


def deliver(shop: Any, headers: dict[str, str], body: bytes) -> Response:
    answer: Response = shop.client.post("/api/v1/channels/wechat/notifications", content=body, headers=headers)
    return answer


def state(shop: Any, holder: Any, order_id: UUID) -> str:
    me = shop.campus.as_person(holder.id)
    found: str = shop.client.get(f"/api/v1/me/top-ups/{order_id}", headers=me).json()["state"]
    return found


def credited(shop: Any, holder: Any, amount: int) -> UUID:
    order_id = ordered(shop, holder, amount)
    shop.providers["wechat"].pay(order_id)
    notify(shop, order_id)
    return order_id


def reconciled(shop: Any, day: date | None = None) -> Any:
    day = day or shop.now.astimezone(shop.money.accounts.zone).date()
    answer = shop.client.get(f"/api/v1/channels/wechat/days/{day}", headers=cashier(shop))
    assert answer.status_code == 200
    return answer.json()


def paid_at_peer(peer: Any, description: str) -> NewOrder:
    """An order of 12.10 yuan that a channel's peer has opened and says is paid."""
    wanted = NewOrder(new_id(), 1_210, description, peer.clock() + timedelta(minutes=30))
    peer.channel.create(wanted, peer.clock())
    peer.pay(wanted.id)
    return wanted


def believed(peer: Any, body: bytes) -> Notification | None:
    """What a channel believes of a notification, None for nothing."""
    try:
        found: Notification = peer.channel.read_notification({}, body, peer.clock())
    except Exception:  # noqa: BLE001 - the port lets a channel refuse in any way
        return None
    return found
