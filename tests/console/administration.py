"""A campus that the pages of the administration are tried on."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

from access.policy import GatePolicy, Rule
from access.schedules import Schedule, Window
from accounts import cards, people
from accounts.tables import Person
from accounts.vocabulary import PersonKind, Role
from directory import gates
from directory.publisher import Publisher
from tests.console.axe import violations
from tests.console.page_server import PASSWORD, SEALER, Pages, hire

DAYTIME = Schedule(name="day", windows=(Window(start=time(6), end=time(23)),))


def staff(console: Pages) -> None:
    """An administrator, A1, who is no reviewer, and a reviewer, R1."""
    for number, name, role in (("A1", "Guan Li", Role.ADMIN), ("R1", "Rui Ping", Role.REVIEWER)):
        who = hire(console.database, console.app.state.console.accounts, number, name, role)
        console.names[who] = name


def resident(console: Pages, number: str, *groups: str, name: str = "王小明", department: str = "化学") -> UUID:
    """Somebody with a card, in some groups."""
    now = datetime.now(UTC) - timedelta(days=1)
    with console.database.begin() as session:
        person = people.create(
            session,
            people.Particulars(
                number=number, name=name, kind=PersonKind.STUDENT, department=department, groups=frozenset(groups),
                valid_from=now,
            ),
            by="test",
            now=now,
        )  # fmt: skip
        cards.issue(session, person, f"04{uuid4().hex[:12].upper()}", key_number=None, by="test", now=now)
        return person.id


def rule(console: Pages, gate: str = "north") -> None:
    """Residents may pass by day."""
    now = datetime.now(UTC)
    policy = GatePolicy(
        gate=gate, inner_zone="hall", rules=(Rule(group="residents", schedule="day"),), schedules=(DAYTIME,)
    )
    with console.database.begin() as session:
        gates.change(session, gates.get(session, gate, for_change=True), policy, by="test", now=now)
    publish(console)


def publish(console: Pages) -> None:
    """Let the gates be told."""
    Publisher(console.database, SEALER, model_id=None, notify=lambda *_said: None).publish()


def policy_of(console: Pages, gate: str = "north") -> GatePolicy:
    with console.database.read() as session:
        return gates.policy_of(gates.get(session, gate))


def groups_of(console: Pages, person_id: UUID) -> frozenset[str]:
    with console.database.read() as session:
        return session.get_one(Person, person_id).groups


WINDOWS = (
    {"viewport": {"width": 360, "height": 780}, "color_scheme": "light"},
    {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
)


def check_pages(open_window: Callable, console: Pages, number: str, addresses: list[str]) -> None:
    """On a phone by day and a desk by night: nothing that axe finds, and no sideways scrolling."""
    found = []
    for options in WINDOWS:
        window = open_window(**options)
        form = {"number": number, "password": PASSWORD}
        window.context.request.post(
            f"{console.url}/console/sign-in", form=form, headers={"Origin": console.url}, max_redirects=0
        )
        for address in addresses:
            window.goto(console.url + address)
            found += [f"{address}: {one}" for one in violations(window)]
            if window.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{address}: scrolls sideways at {options['viewport']['width']} px")
    assert not found, "\n".join(found)
