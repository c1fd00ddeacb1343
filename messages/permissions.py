"""Who may say and hear what: each process only what its work needs. The broker holds it (`campusgate messages acl`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from messages.shower_topics import ShowerTopic, ShowerTopics, every_shower
from messages.topics import GateTopics, Topic, every_gate


class Role(StrEnum):
    """A kind of process at the broker."""

    CONTROLLER = "controller"
    EDGE = "edge"
    SERVER = "server"
    """Hears the gates and the showers, and tells them what is new."""
    ORDERS = "orders"
    """The server's second connection, which gives the orders of its staff."""
    STAFF = "staff"
    """A workstation that commands gates from the command line."""
    DISPLAY = "display"
    """A screen at the gate: it hears, and says nothing."""
    SHOWER = "shower"
    """The controller of one shower: it hears the answers to itself alone."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


SAYS = {
    Role.CONTROLLER: (Topic.ACK, Topic.STATE, Topic.AVAILABILITY, Topic.EVENTS, Topic.TAPS, Topic.HEALTH),
    Role.EDGE: (Topic.COMMAND, Topic.EDGE_AVAILABILITY, Topic.EVENTS, Topic.HEALTH, Topic.FEEDBACK),
    Role.SERVER: (Topic.DIRECTORY, Topic.RECEIPTS, Topic.PRESENCE, Topic.ZONE_HEARTBEAT, Topic.USED_CODES),
    Role.ORDERS: (Topic.COMMAND,),
    Role.STAFF: (Topic.COMMAND,),
    Role.DISPLAY: (),
    Role.SHOWER: (),
}
HEARS = {
    Role.CONTROLLER: (
        Topic.COMMAND,
        Topic.AVAILABILITY,
        Topic.EDGE_AVAILABILITY,
        Topic.DIRECTORY,
        Topic.RECEIPTS,
        Topic.PRESENCE,
        Topic.ZONE_HEARTBEAT,
        Topic.USED_CODES,
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
        Topic.ZONE_HEARTBEAT,
    ),
    Role.SERVER: (
        Topic.STATE,
        Topic.AVAILABILITY,
        Topic.EDGE_AVAILABILITY,
        Topic.EVENTS,
        Topic.HEALTH,
        Topic.FEEDBACK,
    ),
    Role.ORDERS: (Topic.ACK,),
    Role.STAFF: (Topic.ACK, Topic.STATE, Topic.AVAILABILITY),
    Role.DISPLAY: (Topic.STATE, Topic.AVAILABILITY, Topic.EDGE_AVAILABILITY, Topic.FEEDBACK, Topic.EVENTS),
    Role.SHOWER: (),
}
SHOWER_SAYS = {
    Role.SHOWER: (ShowerTopic.REPORTS, ShowerTopic.HEARTBEATS, ShowerTopic.AVAILABILITY),
    Role.SERVER: (ShowerTopic.ANSWERS, ShowerTopic.HEARTBEAT_ANSWERS),
}
SHOWER_HEARS = {
    Role.SHOWER: (ShowerTopic.ANSWERS, ShowerTopic.HEARTBEAT_ANSWERS),
    Role.SERVER: (ShowerTopic.REPORTS, ShowerTopic.HEARTBEATS, ShowerTopic.AVAILABILITY),
}
"""Apart from the gates': `availability` is a topic of both, and as text the same."""


def rights(role: Role, site: str, gate: str | None = None) -> Rights:
    """Return the rights of a process of `role` at `gate`; None: at every gate and shower of the site."""

    def at_gate(topic: Topic) -> str:
        return every_gate(site, topic) if gate is None else GateTopics(site, gate).of(topic)

    def at_showers(topics: Mapping[Role, Sequence[ShowerTopic]]) -> list[str]:
        return [every_shower(site, topic) for topic in topics.get(role, ())] if gate is None else []

    return Rights(
        (*map(at_gate, SAYS[role]), *at_showers(SHOWER_SAYS)), (*map(at_gate, HEARS[role]), *at_showers(SHOWER_HEARS))
    )


def shower_rights(site: str, device: UUID) -> Rights:
    """Return the rights of the controller of one shower."""
    topics = ShowerTopics(site, device)
    return Rights(tuple(map(topics.of, SHOWER_SAYS[Role.SHOWER])), tuple(map(topics.of, SHOWER_HEARS[Role.SHOWER])))


def mosquitto_acl(
    site: str, gates: Sequence[str], showers: Sequence[UUID] = (), further_servers: Sequence[str] = ()
) -> str:
    """Return Mosquitto's access list: each server's two users, `staff`, each gate's three, each shower's one.

    The first server's users are `server` and `server-orders`, those of a further one `server-NAME` and
    `server-NAME-orders`: a user has one connection at a time.
    """
    users = []
    for name in ("server", *(f"server-{further}" for further in further_servers)):
        users += [(name, rights(Role.SERVER, site)), (f"{name}-orders", rights(Role.ORDERS, site))]
    users.append(("staff", rights(Role.STAFF, site)))
    for gate in gates:
        users += [(f"{role}-{gate}", rights(role, site, gate)) for role in (Role.CONTROLLER, Role.EDGE, Role.DISPLAY)]
    users += [(f"{Role.SHOWER}-{device}", shower_rights(site, device)) for device in showers]
    blocks = []
    for name, granted in users:
        lines = [f"user {name}"]
        lines += [f"topic write {topic}" for topic in granted.publish]
        lines += [f"topic read {topic}" for topic in granted.subscribe]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"
