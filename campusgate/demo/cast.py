"""The processes of the demonstration: each can be started, killed as by a power cut, and started again."""

import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import httpx

from campusgate.demo.campus import Campus, free_port
from campusgate.demo.installations import Installations
from campusgate.demo.observer import Observer
from campusgate.demo.osdp_peer import SPEED, SoftwareReader
from campusgate.demo.processes import Children
from campusgate.demo.providers.trial import TrialProviders
from campusgate.demo.simulated_shower import PULSES_PER_M3
from campusgate.demo.simulated_water_lines import COUNTER_ADDRESS, VALVE_ADDRESS
from messages import ProcessStatus

_DOOR = """\
# A simulated door with a contact; impatient, so that the day is short. The port for its wires is beside its reader.
[relay]
driver = "simulated"

[inputs]
contact = 1

[door]
grant_s = 3.0
held_after_s = 3.0
"""

_READER = """
[reader]
driver = "osdp"
device = "{device}"
speed = {speed}
key_file = "{key_file}"
"""

_SHOWER = """\
device = "{device}"
poll_s = 0.1

[valve]
url = "{valve}"
address = "{valve_address}"
model = "cjt188"

[[meters]]
utility = "hot_water"
url = "{counter}"
protocol = "modbus"
address = "{counter_address}"
model = "u32-0000-input"
pulses_per_m3 = {pulses_per_m3}

[reader]
driver = "lines"
port = {reader_port}
"""

_EDGE_POLICY = """\
# The people on the film are photographs laid before a wall, and the network, which judges the texture of a living skin,
# says so of some of them. It is asked, and its score stands beside each event; what shows that somebody holds up a
# picture decides.
[recognition.liveness]
least_score = 0.0
"""


class Cast:
    """Broker, server, both gates' controllers, edge, shower controller and reader of meters of one campus."""

    def __init__(
        self,
        campus: Campus,
        children: Children,
        users: Path,
        reader: SoftwareReader,
        installations: Installations,
        *,
        providers: TrialProviders,
    ) -> None:
        """Take the campus, whose settings each process gets, the broker's users, the gate's reader, what is around."""
        self._campus = campus
        self._children = children
        self._users = users
        self.reader = reader
        """The gate's own reader, on a line that can be cut."""
        self.installations = installations
        self.providers = providers
        self.reader_port = free_port()
        self._door = campus.folder / "door.toml"
        with_reader = _READER.format(device=reader.path, speed=SPEED, key_file=campus.reader_key_file)
        self._door.write_text(_DOOR + with_reader, encoding="utf-8")
        self.exit_reader_port = free_port()
        self._exit_door = campus.folder / "exit-door.toml"
        self._exit_door.write_text(_DOOR, encoding="utf-8")
        self.shower_reader_port = free_port()
        self._shower = campus.folder / "shower.toml"
        self._shower.write_text(self._describe_shower(installations), encoding="utf-8")
        self._edge_policy = campus.folder / "gate.toml"
        self._edge_policy.write_text(_EDGE_POLICY, encoding="utf-8")
        self._client = httpx.Client(base_url=campus.server_url, timeout=2)

    def start_broker(self) -> None:
        """Start the broker and return when it listens."""
        self._start("broker", "broker", "--users", str(self._users))
        self._children.wait_until(self._broker_listens, "the broker listens")

    def start_server(self) -> None:
        """Start the server; `wait_for_server` returns when it answers."""
        library = {
            "CAMPUSGATE_LIBRARY_FINES__HOST": "127.0.0.1",
            "CAMPUSGATE_LIBRARY_FINES__PORT": str(self.installations.library.port),
        }
        self._start("server", module="campusgate.demo.server", extra=library | self.providers.settings())

    def wait_for_server(self) -> None:
        """Return when the server answers."""
        self._children.wait_until(self._server_answers, "the server answers")

    def start_controller(self) -> None:
        """Start the gate controller."""
        self._start("controller", "controller", "--door", str(self._door), "--reader-port", str(self.reader_port))

    def start_exit(self) -> None:
        """Start the controller of the gate that people leave by."""
        door, port = str(self._exit_door), str(self.exit_reader_port)
        self._start("exit_controller", "controller", "--door", door, "--reader-port", port)

    def wait_for_exit(self) -> None:
        """Return when the exit's reader takes cards."""
        self._children.wait_until(lambda: _listens(self.exit_reader_port), "the exit takes cards")

    def start_edge(self, camera_url: str) -> None:
        """Start the edge, with a policy for the film."""
        self._start("edge", "edge", "--policy", str(self._edge_policy), extra={"CAMPUSGATE_CAMERA": camera_url})

    def wait_for_edge(self, observer: Observer) -> None:
        """Return when controller and edge are there, the edge sees, and it knows people."""
        self._children.wait_until(lambda: _is_ready(observer), "gate controller and edge are ready")

    def start_meters(self) -> None:
        """Start the process that reads the dormitory's meter."""
        self._start("meters", "meters")

    def start_shower(self) -> None:
        """Start the controller of the dormitory's shower; `wait_for_shower` returns when it takes cards."""
        self._start("shower", "shower", str(self._shower))

    def wait_for_shower(self) -> None:
        """Return when the shower's reader takes cards."""
        self._children.wait_until(lambda: _listens(self.shower_reader_port), "the shower takes cards")

    def kill(self, name: str) -> None:
        """End a process as a power cut does."""
        self._children.stop(name, kill=True)

    def suspend(self, name: str) -> None:
        """Let a process stand still, as one does whose disk or memory fails: its connections stay open."""
        self._children.send_signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a process that hangs go on."""
        self._children.send_signal(name, signal.SIGCONT)

    def check(self) -> None:
        """Raise ChildError when a process has ended by itself."""
        self._children.check()

    def _start(
        self, name: str, *arguments: str, module: str = "campusgate", extra: Mapping[str, str] | None = None
    ) -> None:
        environment = {**self._campus.environment(name), **(extra or {})}
        self._children.start(name, *arguments, module=module, extra=environment)

    def _describe_shower(self, installations: Installations) -> str:
        return _SHOWER.format(
            device=self._campus.dormitory.shower_device,
            valve=installations.valve_url,
            valve_address=VALVE_ADDRESS,
            counter=installations.counter_url,
            counter_address=COUNTER_ADDRESS,
            pulses_per_m3=PULSES_PER_M3,
            reader_port=self.shower_reader_port,
        )

    def _broker_listens(self) -> bool:
        return _listens(self._campus.mqtt_port)

    def _server_answers(self) -> bool:
        try:
            return self._client.get("/health").is_success
        except httpx.HTTPError:
            return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_ready(observer: Observer) -> bool:
    both = all(observer.status.get(source) is ProcessStatus.ONLINE for source in ("controller", "edge"))
    figures = observer.figures.get("edge", {})
    sees = figures.get("camera") == "running" and bool(figures.get("people"))
    return both and observer.door is not None and sees
