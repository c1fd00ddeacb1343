"""What edge and controller of a gate have alike: who they are, their keys, and the threads that follow the server."""

import ssl
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.passages import PassageSync
from access.replica import DirectorySync
from bus import kept_client_id
from campusgate.processes.private_files import keep_private
from campusgate.settings import Settings
from campusgate.settings.required import require_all
from campusgate.wiring.sealer import make_sealer
from campusgate.wiring.server_link import make_server_trust
from database import Sealer
from messages import GateTopics, TrustedKeyFile, read_private_key

_JOIN_S = 2.0
"""A request to a server that hangs is not waited for any longer: its thread ends with the process."""


@dataclass(frozen=True, slots=True)
class GateDevice:
    """A device of a gate, as its settings name it."""

    role: Literal["edge", "controller"]
    gate: str
    topics: GateTopics
    folder: Path
    """Where it keeps its files."""
    token: str = field(repr=False)
    signing_key: Ed25519PrivateKey = field(repr=False)
    trusted_keys: TrustedKeyFile
    sealer: Sealer = field(repr=False)
    server_trust: ssl.SSLContext | bool
    """What httpx verifies the server with."""

    def client_id(self) -> str:
        """Return the id at the broker, which stays the same over a restart."""
        return kept_client_id(f"{self.role}-{self.topics.site}-{self.gate}", self.folder / "client-id")


def read_gate_device(settings: Settings, role: Literal["edge", "controller"]) -> GateDevice:
    """Return the device that the settings name; its files are for their owner alone from now on.

    Raises:
        OperatorError: a setting is missing, or a key cannot be used.
    """
    require_all(settings, role)
    gate = settings.require("gate")
    keep_private(settings.data_dir)
    return GateDevice(
        role=role,
        gate=gate,
        topics=GateTopics(settings.site, gate),
        folder=settings.data_dir / role / gate,
        token=settings.require("device_token"),
        signing_key=read_private_key(settings.require("signing_key_file")),
        trusted_keys=TrustedKeyFile(settings.require("trusted_keys_file")),
        sealer=make_sealer(settings),
        server_trust=make_server_trust(settings),
    )


def start_following(
    name: str, sync: DirectorySync | PassageSync, stop: threading.Event, wake: threading.Event, stack: ExitStack
) -> None:
    """Start a thread that asks the server until `stop` is set and sleeps on `wake`; the stack ends both."""
    thread = threading.Thread(target=sync.run, args=(stop, wake), name=name, daemon=True)

    def end() -> None:
        stop.set()
        wake.set()
        thread.join(_JOIN_S)

    stack.callback(sync.close)
    thread.start()
    stack.callback(end)
