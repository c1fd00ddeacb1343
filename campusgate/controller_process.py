"""The controller as a process: settings and the door's file in, hardware and parts put together, ended in order."""

import threading
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from access.replica import Replica, ReplicaLockedError
from access.sync import DirectorySync
from bus import CertificateError, Outbox, OutboxError
from campusgate.connections import broker_address
from campusgate.settings import Settings
from database.sealing import Sealer
from gate_controller.door import DoorSettings
from gate_controller.inputs import Input, InputError, Inputs
from gate_controller.inputs.gpio import GpioInput
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.messages import (
    GateTopics,
    KeyFileError,
    NonceStore,
    NonceStoreError,
    read_private_key,
    read_trusted_keys,
)
from gate_controller.readers import ReaderError
from gate_controller.readers.lines import LineReader
from gate_controller.relays import Relay, RelayError
from gate_controller.relays.gpio import GpioRelay
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.service import GateController, Hardware, Storage


class DoorFileError(Exception):
    """The door's file cannot be used; the message says which line or field."""


EXPECTED_ERRORS = (
    CertificateError,
    DoorFileError,
    DoorMemoryError,
    InputError,
    KeyFileError,
    NonceStoreError,
    OutboxError,
    ReaderError,
    RelayError,
    ReplicaLockedError,
)
"""What a person can mend; their messages say how."""

Pin = int | str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RelayPart(_Part):
    """The relay that releases the lock."""

    driver: Literal["gpio", "simulated"] = "gpio"
    pin: Pin = 17
    active_high: bool = True


class InputsPart(_Part):
    """Pins of the wires; a wire that is not there is not named. With a simulated relay they are simulated too."""

    contact: Pin | None = None
    exit_button: Pin | None = None
    fire: Pin | None = None
    tamper: Pin | None = None


class ReaderPart(_Part):
    """Where readers that speak lines connect (`gate_controller.readers.lines`); without a port there is none."""

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)


class DoorFile(_Part):
    """One door as its installer built it."""

    relay: RelayPart = RelayPart()
    inputs: InputsPart = InputsPart()
    reader: ReaderPart = ReaderPart()
    answer_wait_ms: int = Field(default=150, ge=0, le=1000)
    """How long the edge may think about a card."""
    door: DoorSettings | None = None


def read_door_file(path: Path) -> DoorFile:
    """Read a door's TOML file.

    Raises:
        DoorFileError: unreadable, no TOML, or a field is wrong.
    """
    try:
        return TypeAdapter(DoorFile).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DoorFileError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DoorFileError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DoorFileError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def run_controller(
    settings: Settings, file: DoorFile, stop: threading.Event, ready: Callable[[int | None], None]
) -> None:
    """Keep the door until `stop` is set; `ready` is called with the reader's port once it is watched.

    Raises:
        SettingsError: a setting is missing.
        EXPECTED_ERRORS: a key, a file, a pin or a port cannot be used.
    """
    gate = settings.require("gate")
    folder = settings.data_dir / "controller" / gate
    key = read_private_key(settings.require("signing_key_file"))
    trusted = read_trusted_keys(settings.require("trusted_keys_file"))
    credential_key = settings.require_key("credential_key")
    sealer = Sealer(settings.require_key("template_key"))
    token = settings.require("device_token")
    with ExitStack() as stack:
        replica = Replica(folder / "replica.db", sealer, gate=gate, view="cards")
        stack.callback(replica.close)
        wake = threading.Event()
        hardware, reader = _hardware(file)
        controller = GateController(
            GateTopics(settings.site, gate),
            broker_address(settings),
            hardware,
            Storage(NonceStore(folder / "nonces.db"), Outbox(folder / "outbox.db"), DoorMemory(folder / "memory.db")),
            signing_key=key,
            trusted=trusted,
            credential_key=credential_key,
            settings=file.door or DoorSettings(has_contact=file.inputs.contact is not None),
            directory=replica,
            on_hint=lambda _revision: wake.set(),
            answer_wait_s=file.answer_wait_ms / 1000,
        )
        # A hint may have been missed while there was no connection.
        controller.bus.on_connect(wake.set)
        controller.start()
        stack.callback(controller.stop)
        sync = DirectorySync(settings.server_url, gate, token, replica, interval=settings.sync_interval)
        stack.callback(sync.close)
        syncing = threading.Thread(target=sync.run, args=(stop, wake), name="directory", daemon=True)
        syncing.start()
        ready(reader.port if reader is not None else None)
        stop.wait()
        wake.set()
        syncing.join()


def _hardware(file: DoorFile) -> tuple[Hardware, LineReader | None]:
    if file.relay.driver == "simulated":
        return _simulated(file)

    def wire(pin: Pin | None, *, active_when_open: bool) -> Input | None:
        return None if pin is None else GpioInput(pin, active_when_open=active_when_open)

    relay: Relay = GpioRelay(file.relay.pin, active_high=file.relay.active_high)
    inputs = Inputs(
        contact=wire(file.inputs.contact, active_when_open=True),
        exit_button=wire(file.inputs.exit_button, active_when_open=False),
        fire=wire(file.inputs.fire, active_when_open=True),
        tamper=wire(file.inputs.tamper, active_when_open=True),
    )
    reader = LineReader(file.reader.host, file.reader.port) if file.reader.port is not None else None
    return Hardware(relay, inputs, reader), reader


def _simulated(file: DoorFile) -> tuple[Hardware, LineReader | None]:
    """A door on the bench: its wires are moved through the reader's port (`fire on`, `contact off`)."""
    wires = {name: SimulatedInput() for name in ("contact", "exit", "fire", "tamper")}
    if file.inputs.contact is None:
        del wires["contact"]

    def mover(wire: SimulatedInput) -> Callable[[str], str]:
        def move(word: str) -> str:
            if word not in {"on", "off"}:
                return "error say on or off"
            wire.set(word == "on")
            return "done"

        return move

    inputs = Inputs(wires.get("contact"), wires["exit"], wires["fire"], wires["tamper"])
    reader = None
    if file.reader.port is not None:
        verbs = {name: mover(wire) for name, wire in wires.items()}
        reader = LineReader(file.reader.host, file.reader.port, verbs=verbs)
    return Hardware(SimulatedRelay(), inputs, reader), reader
