"""Who may say and hear what: each process only what its work needs. The broker holds it (`campusgate messages acl`)."""

from dataclasses import dataclass
from enum import StrEnum

from messages.topics import Channel, GateTopics, every_gate


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
    Role.CONTROLLER: (Channel.ACK, Channel.STATE, Channel.AVAILABILITY, Channel.EVENTS, Channel.TAPS, Channel.HEALTH),
    Role.EDGE: (Channel.COMMAND, Channel.EDGE_AVAILABILITY, Channel.EVENTS, Channel.HEALTH, Channel.FEEDBACK),
    Role.SERVER: (Channel.DIRECTORY, Channel.RECEIPTS, Channel.PRESENCE),
    Role.ORDERS: (Channel.COMMAND,),
    Role.STAFF: (Channel.COMMAND,),
    Role.DISPLAY: (),
}
HEARS = {
    Role.CONTROLLER: (
        Channel.COMMAND,
        Channel.AVAILABILITY,
        Channel.EDGE_AVAILABILITY,
        Channel.DIRECTORY,
        Channel.RECEIPTS,
        Channel.PRESENCE,
    ),
    Role.EDGE: (
        Channel.ACK,
        Channel.STATE,
        Channel.AVAILABILITY,
        Channel.EDGE_AVAILABILITY,
        Channel.TAPS,
        Channel.EVENTS,
        Channel.DIRECTORY,
        Channel.RECEIPTS,
        Channel.PRESENCE,
    ),
    Role.SERVER: (
        Channel.STATE,
        Channel.AVAILABILITY,
        Channel.EDGE_AVAILABILITY,
        Channel.EVENTS,
        Channel.HEALTH,
    ),
    Role.ORDERS: (Channel.ACK,),
    Role.STAFF: (Channel.ACK, Channel.STATE, Channel.AVAILABILITY),
    Role.DISPLAY: (Channel.STATE, Channel.FEEDBACK),
}


def rights(role: Role, site: str, gate: str | None = None) -> Rights:
    """Return the rights of a process of `role` at `gate`; None: at every gate of the site."""

    def topic(channel: Channel) -> str:
        return every_gate(site, channel) if gate is None else GateTopics(site, gate).of(channel)

    return Rights(tuple(map(topic, SAYS[role])), tuple(map(topic, HEARS[role])))


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
