"""The campus of the demonstration: fresh secrets, invented people, one gate, and the environment of each process."""

import base64
import json
import os
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from campusgate.demo import dormitory
from campusgate.demo.dormitory import Dormitory
from campusgate.demo.personas import Personas
from campusgate.settings import Settings
from messages import (
    SERVER_SENDER,
    controller_sender,
    edge_sender,
    make_private_key,
    public_key_text,
    shower_sender,
)

SITE = "demo"
GATE = "north"
ZONE = "campus"
EDGE_SENDER = edge_sender(GATE)
CONTROLLER_SENDER = controller_sender(GATE)
GROUP = "residents"
CARD = {"wang": "04A1B2C3D4E580", "li": "04F00DCAFE1180", "zhao": "04BEEF00C0FFEE"}
STAFF_NUMBER = "F0001"
METER_CYCLE = timedelta(seconds=5)
"""How often the room's meter is read: what it says shall show while somebody watches."""
_ACTOR = "demonstration"


@dataclass(frozen=True, slots=True)
class Somebody:
    """An invented person: number, name, and the photograph handed in, if any."""

    number: str
    name: str
    photograph: str | None = None
    grey: bool = False


PEOPLE = {
    "wang": Somebody("S2026001", "Wang Xiaoming", "wang"),
    "li": Somebody("S2026002", "Li Hua"),
    "zhao": Somebody("S2026003", "Zhao Lei", "stranger", grey=True),
}
"""Wang gives a photograph. Li does not want to, and has a card. Zhao hands in a grey one, which is not
accepted. All three have a card."""
DORMITORY = ("wang", "zhao")
"""Who lives in the room; the first one pays."""


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def free_port() -> int:
    """Return a TCP port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Campus:
    """Where everything of this demonstration is, and the secrets made for it."""

    folder: Path
    settings: Settings
    template_keys: dict[str, str] = field(
        default_factory=lambda: {name: _key() for name in ("server", "edge", "controller")}, repr=False
    )
    """Server and gate devices keep templates under keys of their own."""
    token_secret: str = field(default_factory=_key, repr=False)
    credential_key: str = field(default_factory=_key, repr=False)
    staff_password: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    mqtt_port: int = field(default_factory=free_port)
    server_port: int = field(default_factory=free_port)
    mqtt_passwords: dict[str, str] = field(default_factory=dict, repr=False)
    device_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    people: dict[str, UUID] = field(default_factory=dict)
    furnished: Dormitory | None = None
    personas: Personas = field(default_factory=Personas.of_the_demonstration, repr=False)
    is_night: bool = True
    """Whether it is night by the hours that the server reads at its next start: then no room goes dark for money."""

    @classmethod
    def fresh(cls, settings: Settings) -> "Campus":
        """Begin with an empty folder below the data directory."""
        folder = settings.data_dir / "demo"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return cls(folder, settings)

    @property
    def server_url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def database_url(self) -> str:
        """The server's database."""
        return f"sqlite:///{self.folder / 'server' / 'campusgate.db'}"

    def key_file(self, name: str) -> Path:
        """Return the private key file of `name`."""
        return self.folder / "keys" / f"{name}.pem"

    def trusted_file(self, name: str) -> Path:
        """Return the file of public keys that `name` trusts."""
        return self.folder / "keys" / f"{name}-trusts.json"

    @property
    def reader_key_file(self) -> Path:
        """Return the file with the key that controller and reader share."""
        return self.folder / "keys" / "reader.key"

    @property
    def dormitory(self) -> Dormitory:
        """What `populate` set up."""
        if self.furnished is None:
            raise LookupError("the dormitory is not set up")
        return self.furnished

    @property
    def staff_number(self) -> str:
        """The number of the one who watches the gates."""
        return STAFF_NUMBER

    def names(self) -> dict[str, str]:
        """Return the people's names by id."""
        return {str(person_id): PEOPLE[key].name for key, person_id in self.people.items()}

    def environment(self, process: str) -> dict[str, str]:
        """Return the settings of `process`: only what it needs to know."""
        values = {
            "DEMONSTRATION": "1",
            "SITE": SITE,
            "DATA_DIR": str(self.folder / process),
            "CACHE_DIR": str(self.settings.cache_dir),
            "SERVER_URL": self.server_url,
            "MQTT__PORT": str(self.mqtt_port),
            "MQTT__USERNAME": process,
            "MQTT__PASSWORD": self.mqtt_passwords.get(process, ""),
        }
        if process == "server":
            values |= {
                "MQTT__ORDERS_USERNAME": "server-orders",
                "MQTT__ORDERS_PASSWORD": self.mqtt_passwords.get("server-orders", ""),
                "SERVER_PORT": str(self.server_port),
                "DATABASE_URL": self.database_url,
                "SIGNING_KEY_FILE": str(self.key_file("staff")),
                "TRUSTED_KEYS_FILE": str(self.trusted_file("staff")),
                "TEMPLATE_KEY": self.template_keys[process],
                "TOKEN_SECRET": self.token_secret,
                "CREDENTIAL_KEY": self.credential_key,
                "METERS__CYCLE": f"PT{METER_CYCLE.seconds}S",
                **self._quiet_hours(),
            }
        elif process == "meters":
            values |= {"DEVICE_TOKEN": self.dormitory.reader_token}
        elif process == "shower":
            values |= {
                "SIGNING_KEY_FILE": str(self.key_file(process)),
                "TRUSTED_KEYS_FILE": str(self.trusted_file(process)),
                "CREDENTIAL_KEY": self.credential_key,
            }
        elif process in self.template_keys:
            values |= {
                "GATE": GATE,
                "DEVICE_TOKEN": self.device_tokens.get(process, ""),
                "SIGNING_KEY_FILE": str(self.key_file(process)),
                "TRUSTED_KEYS_FILE": str(self.trusted_file(process)),
                "TEMPLATE_KEY": self.template_keys[process],
                "CREDENTIAL_KEY": self.credential_key,
            }
        return {f"CAMPUSGATE_{name}": value for name, value in values.items()}

    def _quiet_hours(self) -> dict[str, str]:
        hours_around = dormitory.night_around if self.is_night else dormitory.day_around
        begins, ends = hours_around(datetime.now(UTC), self.settings.time_zone)
        return {"SUPPLY__QUIET_BEGINS": f"{begins:%H:%M}", "SUPPLY__QUIET_ENDS": f"{ends:%H:%M}"}


def write_keys(campus: Campus) -> None:
    """Make a key pair for each process that signs, and tell each whom it may believe."""
    (campus.folder / "keys").mkdir()
    signers = ("edge", "controller", "staff", "shower")
    keys = {name: public_key_text(make_private_key(campus.key_file(name))) for name in signers}
    trusts = {
        "controller": {EDGE_SENDER: {"key": keys["edge"], "actions": ["open", "deny"]}, "staff": keys["staff"]},
        "edge": {CONTROLLER_SENDER: keys["controller"]},
        "staff": {
            CONTROLLER_SENDER: keys["controller"],
            shower_sender(campus.dormitory.shower_device): keys["shower"],
        },
        "shower": {SERVER_SENDER: keys["staff"]},
    }
    campus.reader_key_file.touch(mode=0o600)
    campus.reader_key_file.write_text(secrets.token_hex(16), encoding="ascii")
    for name, trusted in trusts.items():
        campus.trusted_file(name).write_text(json.dumps(trusted), encoding="utf-8")
