"""On a gate's computer: the files of its controller, its edge and its screen, from what the server gave for a code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dotenv import dotenv_values

from access.gate_setup import BrokerUser, DeviceAccess, GateAccess, SetupCode
from campusgate.setup.environment import fill_example, make_key
from campusgate.setup.files import OF_ACCOUNT, READ_BY_ACCOUNT, SetupError, Writer
from campusgate.setup.gate_link import find_authority, require_confidential, use_code
from campusgate.setup.places import Places
from campusgate.setup.server import AUTHORITY, add_account, install_units
from messages import Action, controller_sender, edge_sender, public_key_text
from messages.signed_codes import STAFF_SENDER

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_EDGE_ACTIONS: Final = [Action.OPEN.value, Action.DENY.value]


@dataclass(frozen=True, slots=True)
class GatePlan:
    """What was asked for on the gate's computer."""

    server_url: str
    code: SetupCode
    camera: str | None
    """None: the gate looks at no faces, and has no edge."""
    relay_pin: int | None
    """None: a simulated relay, for a bench without a door."""
    has_display: bool


@dataclass(frozen=True, slots=True)
class GateMade:
    """What was set up."""

    gate: str
    url: str
    units: tuple[str, ...]
    written: tuple[Path, ...]
    warning: str | None
    """What is left to mend; all files are written."""


def set_up_gate(plan: GatePlan, places: Places) -> GateMade:
    """Use the code and write everything that the gate's processes need.

    Raises:
        SetupError: the server refuses, or a file cannot be written.
    """
    url, writer = require_confidential(plan.server_url), Writer(places, [])
    add_account(writer)
    writer.make_folder("/etc/campusgate", READ_BY_ACCOUNT, 0o750)
    keys = {role: Ed25519PrivateKey.generate() for role in ("controller", "edge")}
    access = use_code(url, plan.code, public_key_text(keys["controller"]), has_edge=plan.camera is not None)
    if access.authority is not None:
        writer.write(AUTHORITY, access.authority, READ_BY_ACCOUNT, 0o644)
    authority, warning = _find_authority(url, places, access)
    files = _GateFiles(writer, url, authority, access)
    files.write_door(plan.relay_pin)
    files.write_device("controller", access.controller, keys["controller"])
    trusted: dict[str, object] = {STAFF_SENDER: access.staff_key}
    units = [f"campusgate-controller@{access.gate}"]
    if access.edge is not None and plan.camera is not None:
        looks = {"CAMPUSGATE_CAMERA": plan.camera, "CAMPUSGATE_EMBEDDER": access.embedder}
        files.write_device("edge", access.edge, keys["edge"], looks)
        believed = {controller_sender(access.gate): public_key_text(keys["controller"]), STAFF_SENDER: access.staff_key}
        files.write_trusted("edge", believed)
        trusted[edge_sender(access.gate)] = {"key": public_key_text(keys["edge"]), "actions": _EDGE_ACTIONS}
        units.append(f"campusgate-edge@{access.gate}")
    files.write_trusted("controller", trusted)
    if plan.has_display:
        files.write_display(access.display)
        units.append(f"campusgate-display@{access.gate}")
    install_units(writer, [f"{unit.partition('@')[0]}@.service" for unit in units])
    return GateMade(access.gate, url, tuple(units), tuple(writer.written), warning)


def _find_authority(url: str, places: Places, access: GateAccess) -> tuple[Path | None, str | None]:
    """Return by what the server's certificate is believed, and what is wrong with it: the code is spent by now."""
    given = places.at(AUTHORITY) if access.authority is not None else None
    try:
        return find_authority(url, given), None
    except SetupError as error:
        return given, str(error)


@dataclass(frozen=True, slots=True)
class _GateFiles:
    """Writes the files of one gate."""

    writer: Writer
    url: str
    authority: Path | None
    access: GateAccess

    def write_device(
        self, role: str, device: DeviceAccess, key: Ed25519PrivateKey, more: Mapping[str, str] = _NOTHING
    ) -> None:
        """Write the settings and the signing key of the controller or the edge."""
        places, gate = self.writer.places, self.access.gate
        for folder in ("/var/lib/campusgate", f"/var/lib/campusgate/{role}-{gate}", "/var/cache/campusgate"):
            self.writer.make_folder(folder, OF_ACCOUNT, 0o700)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.writer.write(f"/etc/campusgate/{role}-{gate}.pem", pem, OF_ACCOUNT, 0o600)
        environment = f"/etc/campusgate/{role}-{gate}.env"
        values = {
            **self._broker(device),
            "CAMPUSGATE_DATA_DIR": str(places.at(f"/var/lib/campusgate/{role}-{gate}")),
            "CAMPUSGATE_GATE": gate,
            "CAMPUSGATE_SERVER_URL": self.url,
            "CAMPUSGATE_SERVER_CA_FILE": str(self.authority or ""),
            "CAMPUSGATE_DEVICE_TOKEN": device.token,
            "CAMPUSGATE_TEMPLATE_KEY": _kept_key(places.at(environment)) or make_key(),
            "CAMPUSGATE_CREDENTIAL_KEY": self.access.credential_key,
            "CAMPUSGATE_SIGNING_KEY_FILE": str(file),
            "CAMPUSGATE_TRUSTED_KEYS_FILE": str(places.at(f"/etc/campusgate/{role}-{gate}-trusts.json")),
            **more,
        }
        self._write_environment(environment, role, values)

    def write_trusted(self, role: str, entries: Mapping[str, object]) -> None:
        """Write whom the controller or the edge believes."""
        text = json.dumps(entries, indent=2, sort_keys=True) + "\n"
        self.writer.write(f"/etc/campusgate/{role}-{self.access.gate}-trusts.json", text, READ_BY_ACCOUNT, 0o640)

    def write_display(self, user: BrokerUser) -> None:
        """Write the settings of the screen."""
        self._write_environment(f"/etc/campusgate/display-{self.access.gate}.env", "display", self._broker(user))

    def write_door(self, relay_pin: int | None) -> None:
        """Write the wiring, where none is described yet: what an installer wrote stays."""
        path = f"/etc/campusgate/door-{self.access.gate}.toml"
        if not self.writer.places.at(path).exists():
            relay = 'driver = "simulated"' if relay_pin is None else f'driver = "gpio"\npin = {relay_pin}'
            head = "# Wires, readers and times of this door: docs/gate-controller.md."
            self.writer.write(path, f"{head}\n[relay]\n{relay}\n", READ_BY_ACCOUNT, 0o640)

    def _broker(self, user: BrokerUser) -> dict[str, str]:
        ca = self.writer.places.at(AUTHORITY) if self.access.authority is not None else ""
        return {
            "CAMPUSGATE_SITE": self.access.site,
            "CAMPUSGATE_MQTT__HOST": self.access.broker_host,
            "CAMPUSGATE_MQTT__PORT": str(self.access.broker_port),
            "CAMPUSGATE_MQTT__USERNAME": user.username,
            "CAMPUSGATE_MQTT__PASSWORD": user.password,
            "CAMPUSGATE_MQTT__CA_FILE": str(ca),
        }

    def _write_environment(self, path: str, example: str, values: Mapping[str, str]) -> None:
        text = self.writer.places.read_shipped(f"{example}.env.example")
        self.writer.write(path, fill_example(text, values), READ_BY_ACCOUNT, 0o640)


def _kept_key(environment: Path) -> str | None:
    """Return the key of a set-up before: what the device keeps on its disk opens with no other."""
    return dotenv_values(environment, interpolate=False).get("CAMPUSGATE_TEMPLATE_KEY") or None
