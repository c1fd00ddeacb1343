"""Who may say and hear what at the demonstration's broker: each process only what its work needs."""

import json
import secrets
from pathlib import Path

from campusgate.demo.campus import GATE, SITE, Campus
from gate_controller.messages import Channel, GateTopics, every_gate

_EDGE_SAYS = (Channel.COMMAND, Channel.EVENTS, Channel.HEALTH, Channel.EDGE_AVAILABILITY)
_CONTROLLER_SAYS = (
    Channel.ACK,
    Channel.STATE,
    Channel.AVAILABILITY,
    Channel.EVENTS,
    Channel.TAPS,
    Channel.HEALTH,
)

_SERVER_SAYS = (Channel.DIRECTORY, Channel.COMMAND)


def write_users(campus: Campus) -> Path:
    """Make a password for each process, and write the broker's file of users."""
    topics = GateTopics(SITE, GATE)
    own = f"{topics.command.rsplit('/', 1)[0]}/#"
    rights = {
        "server": (
            [every_gate(SITE, channel) for channel in _SERVER_SAYS],
            [every_gate(SITE, channel) for channel in Channel],
        ),
        "controller": ([topics.of(channel) for channel in _CONTROLLER_SAYS], [own]),
        "edge": ([topics.of(channel) for channel in _EDGE_SAYS], [own]),
        # The witness hears everything; it may send commands, as a thief with a stolen password would.
        "demo": ([topics.command], [own]),
    }
    users = {}
    for name, (publish, subscribe) in rights.items():
        campus.mqtt_passwords[name] = secrets.token_urlsafe(18)
        users[name] = {"password": campus.mqtt_passwords[name], "publish": publish, "subscribe": subscribe}
    path = campus.folder / "broker-users.json"
    path.write_text(json.dumps({"users": users}), encoding="utf-8")
    path.chmod(0o600)
    return path
