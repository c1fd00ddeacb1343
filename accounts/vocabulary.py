"""The words of an account that are stored and sent: kinds, states, roles, purposes."""

from enum import StrEnum


class PersonKind(StrEnum):
    """What ties a person to the campus."""

    STUDENT = "student"
    STAFF = "staff"
    VISITOR = "visitor"


class PersonState(StrEnum):
    """Whether the account may be used. A closed account stays for its history."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Role(StrEnum):
    """What a signed-in person may do. Everyone is a holder."""

    HOLDER = "holder"
    REVIEWER = "reviewer"
    FACILITIES = "facilities"
    CASHIER = "cashier"
    ADMIN = "admin"


class DeviceRole(StrEnum):
    """What a device is, and so what its token may do."""

    TERMINAL = "terminal"
    EDGE = "edge"
    CONTROLLER = "controller"
    METER = "meter"
    KIOSK = "kiosk"
    DESK = "desk"
    RADIUS = "radius"
    DISPENSER = "dispenser"


class CardKind(StrEnum):
    """A piece of plastic, or a card on a phone."""

    PHYSICAL = "physical"
    VIRTUAL = "virtual"


class CardState(StrEnum):
    """Where a card is in its life; `replaced` and `returned` are the ends of it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOST = "lost"
    REPLACED = "replaced"
    RETURNED = "returned"


class Channel(StrEnum):
    """Where a virtual card lives."""

    WECOM = "wecom"
    ALIPAY = "alipay"
    WECHAT = "wechat"
    WEB = "web"
    """This server's own pages: whoever is signed in there needs no app to say who they are."""


class PasswordPurpose(StrEnum):
    """What a password opens: the portal, the card's data (查询密码), spending above a limit (消费密码)."""

    PORTAL = "portal"
    QUERY = "query"
    CONSUMPTION = "consumption"
