"""Who may say and hear what: each process only what its work needs. The broker holds it (`campusgate messages acl`)."""

from dataclasses import dataclass
from enum import StrEnum

from messages.topics import GateTopics, Topic, every_gate


class Role(StrEnum):
    """A kind of process at the broker."""

    CONTROLLER = "controller"
    EDGE = "edge"
    SERVER = "server"
    """Hears the gates, and tells them what is new."""
    ORDERS = "orders"
    """The server's second connection, which gives the orders of its staff."""
    STAFF = "staff"
    """A workstation that commands gates from the command line."""
    DISPLAY = "display"
    """A screen at the gate: it hears, and says nothing."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


SAYS = {
    Role.CONTROLLER: (Topic.ACK, Topic.STATE, Topic.AVAILABILITY, Topic.EVENTS, Topic.TAPS, Topic.HEALTH),
    Role.EDGE: (Topic.COMMAND, Topic.EDGE_AVAILABILITY, Topic.EVENTS, Topic.HEALTH, Topic.FEEDBACK),
    Role.SERVER: (Topic.DIRECTORY, Topic.RECEIPTS, Topic.PRESENCE),
    Role.ORDERS: (Topic.COMMAND,),
    Role.STAFF: (Topic.COMMAND,),
    Role.DISPLAY: (),
}
HEARS = {
    Role.CONTROLLER: (
        Topic.COMMAND,
        Topic.AVAILABILITY,
        Topic.EDGE_AVAILABILITY,
        Topic.DIRECTORY,
        Topic.RECEIPTS,
        Topic.PRESENCE,
    ),
    Role.EDGE: (
        Topic.ACK,
        Topic.STATE,
        Topic.AVAILABILITY,
        Topic.EDGE_AVAILABILITY,
        Topic.TAPS,
        Topic.EVENTS,
        Topic.DIRECTORY,
        Topic.RECEIPTS,
        Topic.PRESENCE,
    ),
    Role.SERVER: (
        Topic.STATE,
        Topic.AVAILABILITY,
        Topic.EDGE_AVAILABILITY,
        Topic.EVENTS,
        Topic.HEALTH,
    ),
    Role.ORDERS: (Topic.ACK,),
    Role.STAFF: (Topic.ACK, Topic.STATE, Topic.AVAILABILITY),
    Role.DISPLAY: (Topic.STATE, Topic.FEEDBACK),
}


def rights(role: Role, site: str, gate: str | None = None) -> Rights:
    """Return the rights of a process of `role` at `gate`; None: at every gate of the site."""

    def whole(topic: Topic) -> str:
        return every_gate(site, topic) if gate is None else GateTopics(site, gate).of(topic)

    return Rights(tuple(map(whole, SAYS[role])), tuple(map(whole, HEARS[role])))


def mosquitto_acl(site: str, gates: list[str]) -> str:
    """Return Mosquitto's access list: the server's two users, `staff`, each gate's controller, edge and display."""
    users = [
        ("server", rights(Role.SERVER, site)),
        ("server-orders", rights(Role.ORDERS, site)),
        ("staff", rights(Role.STAFF, site)),
    ]
    for gate in gates:
        users += [(f"{role}-{gate}", rights(role, site, gate)) for role in (Role.CONTROLLER, Role.EDGE, Role.DISPLAY)]
    blocks = []
    for name, granted in users:
        lines = [f"user {name}"]
        lines += [f"topic write {topic}" for topic in granted.publish]
        lines += [f"topic read {topic}" for topic in granted.subscribe]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"
