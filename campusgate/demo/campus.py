"""The campus of the demonstration: fresh secrets, invented people, two gates, and the environment of each process."""

import base64
import ipaddress
import json
import os
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from campusgate.demo import computer_room, dormitory
from campusgate.demo.dormitory import Dormitory
from campusgate.demo.personas import Personas
from campusgate.settings import Settings
from errors import OperatorError
from messages import (
    SERVER_SENDER,
    controller_sender,
    edge_sender,
    make_private_key,
    public_key_text,
    shower_sender,
)

SITE = "demo"
GATE, GATE_TITLE = "north", "北门"
EXIT_GATE, EXIT_GATE_TITLE = "south", "南门"
ZONE = "campus"
EDGE_SENDER = edge_sender(GATE)
CONTROLLER_SENDER = controller_sender(GATE)
GROUP, STAFF_GROUP = "住宿生", "教职工"
"""Who may pass the gates."""
CARD = {
    "wang": "04A1B2C3D4E580",
    "li": "04F00DCAFE1180",
    "zhao": "04BEEF00C0FFEE",
    "zhou": "04C0DE5EED2280",
    "he": "04D1CE0B0E3380",
    "xu": "04ACE0F5A04480",
    "guo": "04FACADE015580",
}
GATE_OF = {"edge": GATE, "controller": GATE, "exit_controller": EXIT_GATE}
"""The gate of each process at one."""
METER_CYCLE = timedelta(seconds=5)
"""How often the room's meter is read: what it says shall show while somebody watches."""
THIS_MACHINE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Somebody:
    """An invented person: number, name, the name as English readers write it, and the photograph handed in, if any."""

    number: str
    name: str
    pinyin: str
    photograph: str | None = None
    grey: bool = False
    is_listed: bool = True
    """Whether the registry's list, and the consent handed over with it, has them."""


PEOPLE = {
    "wang": Somebody("S2026001", "王小明", "Wang Xiaoming", "wang"),
    "li": Somebody("S2026002", "李华", "Li Hua"),
    "zhao": Somebody("S2026003", "赵磊", "Zhao Lei", "stranger", grey=True),
    "zhou": Somebody("S2026006", "周婷", "Zhou Ting", is_listed=False),
    "he": Somebody("S2026007", "何佳", "He Jia"),
    "xu": Somebody("S2026008", "许文博", "Xu Wenbo"),
    "guo": Somebody("S2026009", "郭雪", "Guo Xue"),
}
"""Wang gives a photograph. Li does not want to, and has a card. Zhao hands in a grey one, which is not
accepted. Zhou is new, and was not asked yet. All of them have a card."""
DORMITORY = ("wang", "zhao")
"""Who lives in the room; the first one pays."""
PAID_BEFORE = "he"
"""Who was at the counter yesterday."""


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


class HostUnusableError(OperatorError):
    """The pages cannot be served at the address that was asked for; the message says why."""


def free_port(host: str = THIS_MACHINE) -> int:
    """Return a TCP port at an address of this machine that nobody uses now."""
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def require_own_address(host: str) -> str:
    """Return `host` when it is one IPv4 address of this machine.

    Raises:
        HostUnusableError: it is none, or stands for all of them.
    """
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError as error:
        raise HostUnusableError(f"{host} is no IPv4 address: give the one that the phone can reach") from error
    if address.is_unspecified:
        raise HostUnusableError("0.0.0.0 is every address of this machine: give the one that the phone can reach")
    try:
        free_port(host)
    except OSError as error:
        raise HostUnusableError(f"{host} is no address of this machine: `ip -brief address` lists them") from error
    return host


@dataclass(slots=True)
class Campus:
    """Where everything of this demonstration is, and the secrets made for it."""

    folder: Path
    settings: Settings
    template_keys: dict[str, str] = field(
        default_factory=lambda: {name: _key() for name in ("server", *GATE_OF)}, repr=False
    )
    """Server and gate devices keep templates under keys of their own."""
    token_secret: str = field(default_factory=_key, repr=False)
    credential_key: str = field(default_factory=_key, repr=False)
    mqtt_port: int = field(default_factory=free_port)
    host: str = THIS_MACHINE
    """Where the server listens."""
    server_port: int = field(default=0)
    mqtt_passwords: dict[str, str] = field(default_factory=dict, repr=False)
    device_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    people: dict[str, UUID] = field(default_factory=dict)
    furnished: Dormitory | None = None
    personas: Personas = field(default_factory=Personas.of_the_demonstration, repr=False)
    kiosk_token: str = field(default="", repr=False)
    radius_token: str = field(default="", repr=False)
    till_token: str = field(default="", repr=False)
    is_night: bool = True
    """Whether it is night by the hours that the server reads at its next start: then no room goes dark for money."""

    def __post_init__(self) -> None:
        """Choose the server's port."""
        self.server_port = self.server_port or free_port(self.host)

    @classmethod
    def fresh(cls, settings: Settings, *, host: str = THIS_MACHINE) -> "Campus":
        """Begin with an empty folder below the data directory; the pages are served at `host`.

        Raises:
            HostUnusableError: see `require_own_address`.
        """
        require_own_address(host)
        folder = settings.data_dir / "demo"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return cls(folder, settings, host=host)

    @property
    def server_url(self) -> str:
        """Where the server answers."""
        return f"http://{self.host}:{self.server_port}"

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
                "SERVER_HOST": self.host,
                "SERVER_PORT": str(self.server_port),
                "DATABASE_URL": self.database_url,
                "SIGNING_KEY_FILE": str(self.key_file("staff")),
                "TRUSTED_KEYS_FILE": str(self.trusted_file("staff")),
                "TEMPLATE_KEY": self.template_keys[process],
                "TOKEN_SECRET": self.token_secret,
                "CREDENTIAL_KEY": self.credential_key,
                "ALARM_PICTURES__GATES": json.dumps([GATE]),
                "ALARM_PICTURES__KINDS": json.dumps(["forced", "tamper", "spoof", "held"]),
                "METERS__CYCLE": f"PT{METER_CYCLE.seconds}S",
                "NETWORK__COMPUTER_ROOM__FEN_PER_HOUR": str(computer_room.FEN_PER_HOUR),
                "NETWORK__COMPUTER_ROOM__INTERIM": "PT1M",
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
        elif process in GATE_OF:
            values |= {
                "GATE": GATE_OF[process],
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
    signers = ("edge", "controller", "exit_controller", "staff", "shower")
    keys = {name: public_key_text(make_private_key(campus.key_file(name))) for name in signers}
    trusts = {
        "controller": {EDGE_SENDER: {"key": keys["edge"], "actions": ["open", "deny"]}, "staff": keys["staff"]},
        "exit_controller": {"staff": keys["staff"]},
        "edge": {CONTROLLER_SENDER: keys["controller"], "staff": keys["staff"]},
        "staff": {
            controller_sender(EXIT_GATE): keys["exit_controller"],
            CONTROLLER_SENDER: keys["controller"],
            shower_sender(campus.dormitory.shower_device): keys["shower"],
        },
        "shower": {SERVER_SENDER: keys["staff"]},
    }
    campus.reader_key_file.touch(mode=0o600)
    campus.reader_key_file.write_text(secrets.token_hex(16), encoding="ascii")
    for name, trusted in trusts.items():
        campus.trusted_file(name).write_text(json.dumps(trusted), encoding="utf-8")
