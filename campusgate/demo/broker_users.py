"""Who may say and hear what at the demonstration's broker: each process only what its work needs."""

import json
import secrets
from pathlib import Path

from campusgate.demo.campus import EXIT_GATE, GATE, SITE, Campus
from messages import GateTopics
from messages.permissions import Rights, Role, rights, shower_rights


def write_users(campus: Campus) -> Path:
    """Make a password for each process, and write the broker's file of users."""
    topics = GateTopics(SITE, GATE)
    everything = f"{topics.command.rsplit('/', 1)[0]}/#"
    granted = {
        "server": rights(Role.SERVER, SITE),
        "server-orders": rights(Role.ORDERS, SITE),
        "controller": rights(Role.CONTROLLER, SITE, GATE),
        "exit_controller": rights(Role.CONTROLLER, SITE, EXIT_GATE),
        "edge": rights(Role.EDGE, SITE, GATE),
        "shower": shower_rights(SITE, campus.dormitory.shower_device),
        # The witness hears everything; it may send commands, as a thief with a stolen password would.
        "demo": Rights((topics.command,), (everything,)),
    }
    users = {}
    for name, one in granted.items():
        campus.mqtt_passwords[name] = secrets.token_urlsafe(18)
        users[name] = {
            "password": campus.mqtt_passwords[name],
            "publish": list(one.publish),
            "subscribe": list(one.subscribe),
        }
    path = campus.folder / "broker-users.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"users": users}), encoding="utf-8")
    return path
