"""Which pages a person may open, by area, and which one is theirs."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from accounts.vocabulary import Role
from console.dependencies import CASHIERS, REVIEWERS, STAFF


@dataclass(frozen=True, slots=True)
class Destination:
    """A page in the navigation: the key of its words, its route, and who besides the area's people may not open it."""

    words: str
    route: str
    roles: frozenset[Role] | None = None
    """Who may open it; None for everybody who may open the area."""
    icon: str | None = None
    """Its sign (`templates/icons.html`) in the bar at the foot of a phone, where an area has one: five at most."""
    beside: str | None = None
    """The name of a folder beside the page's address whose pages belong to it too."""


@dataclass(frozen=True, slots=True)
class Area:
    """Pages that belong together: one link in the header, and a tab for each page."""

    words: str
    pages: tuple[Destination, ...]
    roles: frozenset[Role] | None = None
    """Who may open it; None for everybody who is signed in."""

    @property
    def has_bar(self) -> bool:
        """Whether a phone shows some of its pages in a bar at its foot, and the others on the area's first page."""
        return any(page.icon for page in self.pages)


ADMINS = frozenset({Role.ADMIN})

AREAS = (
    Area(
        "nav.board",
        (
            Destination("nav.board", "gate_board", beside="zones"),
            Destination("wall.title", "wall_page"),
            Destination("plan.title", "plans_page"),
            Destination("charts.title", "charts_page"),
        ),
        STAFF,
    ),
    Area(
        "nav.records",
        (
            Destination("records.events", "event_records_page"),
            Destination("records.alarms", "alarm_records_page"),
            Destination("records.orders", "order_records_page"),
            Destination("records.late_returns", "late_returns_page"),
            Destination("records.shift", "shift_page"),
        ),
        STAFF,
    ),
    Area(
        "nav.metering",
        (
            Destination("metering.overview", "metering_page"),
            Destination("metering.rooms", "metering_rooms_page"),
            Destination("metering.prices", "metering_prices_page"),
            Destination("metering.day", "metering_day_page"),
            Destination("metering.network", "metering_network_page"),
        ),
        STAFF,
    ),
    Area(
        "nav.money_desk",
        (
            Destination("money.counter", "money_counter_page"),
            Destination("money.own_day", "money_own_day_page"),
            Destination("money.requests", "money_requests_page"),
            Destination("money.subsidies", "money_subsidies_page", frozenset({Role.ADMIN})),
            Destination("money.merchants", "money_merchants_page", beside="codes"),
            Destination("money.days", "money_days_page"),
            Destination("money.channels", "money_channels_page"),
            Destination("money.offline", "money_offline_page"),
            Destination("money.disputes", "money_disputes_page"),
        ),
        CASHIERS,
    ),
    Area(
        "nav.reviews",
        (
            Destination("nav.reviews", "reviews_page"),
            Destination("review_records.decisions", "review_decisions_page"),
            Destination("review_records.week", "review_week_page"),
            Destination("review_records.missing", "review_missing_page"),
            Destination("review_records.references", "review_references_page", ADMINS),
        ),
        REVIEWERS,
    ),
    Area(
        "nav.office",
        (
            Destination("office.people", "office_people_page"),
            Destination("office.cards", "office_cards_page"),
            Destination("office.imports", "office_imports_page", ADMINS),
            Destination("office.audit", "office_audit_page", ADMINS),
        ),
        CASHIERS,
    ),
    Area(
        "nav.administration",
        (
            Destination("administration.gates", "administration_gates_page"),
            Destination("administration.zones", "administration_zones_page"),
            Destination("administration.schedules", "administration_schedules_page"),
            Destination("administration.passes", "administration_passes_page"),
            Destination("administration.groups", "administration_groups_page", ADMINS),
            Destination("administration.devices", "administration_devices_page", ADMINS),
            Destination("administration.models", "administration_models_page", ADMINS),
            Destination("administration.roles", "administration_roles_page", ADMINS),
            Destination("administration.settings", "administration_settings_page", ADMINS),
            Destination("administration.state.title", "administration_state_page"),
        ),
        STAFF,
    ),
    Area(
        "nav.mine",
        (
            Destination("nav.home", "me_page", icon="home"),
            Destination("nav.virtual_card", "virtual_card_page", icon="code"),
            Destination("nav.cards", "cards_page", icon="card"),
            Destination("nav.money", "money_page", icon="money"),
            Destination("nav.usage", "usage_page", icon="plug"),
            Destination("nav.own_network", "own_network_page"),
            Destination("nav.photo", "photo_page"),
            Destination("nav.inbox", "inbox_page"),
            Destination("nav.own_gates", "own_gates_page"),
            Destination("nav.own_passages", "passages_page"),
            Destination("nav.face_data", "face_data_page"),
            Destination("nav.visitors", "visitors_page"),
            Destination("nav.security", "security_page"),
        ),
    ),
)
"""In the order of the header; the first that a person may open is where they land."""


def areas_for(roles: Collection[Role]) -> list[Area]:
    """Return the areas that people with these roles may open, each with the pages that they may open."""

    def is_open(one: Area | Destination) -> bool:
        return one.roles is None or bool(one.roles & set(roles))

    opened = [replace(area, pages=tuple(filter(is_open, area.pages))) for area in AREAS if is_open(area)]
    return [area for area in opened if area.pages]


def find_current(areas: Sequence[Area], path: str, path_to: Callable[[str], str]) -> tuple[Area, Destination] | None:
    """Return the area and page that an address belongs to: the page whose own address is its longest beginning."""
    matching = [
        (len(start), area, page)
        for area in areas
        for page in area.pages
        for start in _beginnings(page, path_to(page.route))
        if path == start or path.startswith(f"{start}/")
    ]
    return max(matching, key=lambda one: one[0])[1:] if matching else None


def _beginnings(page: Destination, address: str) -> list[str]:
    folder = address.rpartition("/")[0]
    return [address] if page.beside is None else [address, f"{folder}/{page.beside}"]
