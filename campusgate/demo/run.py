"""The demonstration from start to end: prepare, start every process, play the day, and go on until stopped."""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bus import BrokerAddress, Connection
from campusgate.demo.broker_users import write_users
from campusgate.demo.camera import FilmCamera
from campusgate.demo.campus import (
    EDGE_SENDER,
    GATE,
    SITE,
    STAFF_NUMBER,
    Campus,
    count_photos,
    free_port,
    populate,
    write_intake,
    write_keys,
)
from campusgate.demo.observer import Observer
from campusgate.demo.photographs import fetch_photographs
from campusgate.demo.processes import Children
from campusgate.demo.report import Report
from campusgate.demo.scenes import Walker, walk_up
from campusgate.demo.script import SCENES, Stage, play
from campusgate.demo.staff import Staff
from campusgate.settings import Settings
from enrollment.photo import decode
from gate_controller.messages import GateTopics, NonceStore, Presence, Signer, read_private_key, read_trusted_keys
from models.engine import FaceEngine
from models.store import ModelStore

Say = Callable[[str], None]

_PAUSE_S = 6.0


@contextmanager
def staged(settings: Settings, say: Say) -> Iterator[tuple[Stage, Report, Children]]:
    """Prepare the campus and start its processes; everything is stopped at the end of the block."""
    say("fetching models and photographs")
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    photographs = fetch_photographs(settings.cache_dir / "photographs" / "demo", mirror=settings.model_mirror)
    engine = FaceEngine(store, threads=settings.engine_threads)
    campus = Campus.fresh(settings)
    write_keys(campus)
    users = write_users(campus)
    say("enrolling people from one photograph each")
    imported = populate(campus, engine, write_intake(campus, engine, photographs))
    report = Report(photos=count_photos(imported))
    walkers = {name: _walker(engine, path) for name, path in photographs.items()}
    del engine
    with ExitStack() as stack:
        children = stack.enter_context(Children(campus.folder / "logs", {}))
        say("starting broker, server, gate controller and edge")
        stage = _start(campus, users, walkers, children, stack)
        yield stage, report, children


def play_day(stage: Stage, report: Report, children: Children, say: Say) -> None:
    """Play every scene and write what happened into `report`."""
    for scene in SCENES:
        children.check()
        say((scene.__doc__ or scene.__name__).strip().splitlines()[0])
        report.outcomes.append(play(stage, scene))
    report.events = list(stage.observer.events)


def go_on(stage: Stage, children: Children) -> None:
    """Let people walk up, one after the other, until somebody presses Ctrl-C."""
    for name in itertools.cycle(("wang-again", "stranger", "wang-at-the-gate", "li")):
        time.sleep(_PAUSE_S)
        children.check()
        stage.camera.play(walk_up(stage.walkers[name]))


def _start(
    campus: Campus,
    users: Path,
    walkers: dict[str, Walker],
    children: Children,
    stack: ExitStack,
) -> Stage:
    camera = stack.enter_context(FilmCamera())
    reader_port = free_port()
    children.start("broker", "broker", "--users", str(users), extra=campus.environment("broker"))
    children.start("server", "serve", extra=campus.environment("server"))
    children.wait_until(lambda: _listens(campus.mqtt_port), "the broker listens")
    children.start(
        "controller",
        "controller",
        "--relay",
        "simulated",
        "--reader-port",
        str(reader_port),
        extra=campus.environment("controller"),
    )
    children.wait_until(lambda: _answers(campus.server_url), "the server answers")
    # The people on the film are photographs, and no living faces; liveness has scenes of its own.
    children.start("edge", "edge", camera.url, "--no-liveness", extra=campus.environment("edge"))

    address = BrokerAddress(port=campus.mqtt_port, username="demo", password=campus.mqtt_passwords["demo"])
    bus = Connection(address, "demonstration")
    topics = GateTopics(SITE, GATE)
    observer = Observer(bus, topics, read_trusted_keys(campus.trusted_file("staff")))
    bus.start()
    stack.callback(bus.stop)
    bus.wait_connected(10)
    children.wait_until(lambda: _is_ready(observer), "gate controller and edge are ready")
    nonces = NonceStore(campus.folder / "thief" / "nonces.db")
    stack.callback(nonces.close)
    staff = Staff(campus.server_url, STAFF_NUMBER, campus.staff_password)
    stack.callback(staff.close)
    return Stage(
        campus=campus,
        camera=camera,
        observer=observer,
        bus=bus,
        topics=topics,
        edge_signer=Signer(read_private_key(campus.key_file("edge")), EDGE_SENDER, nonces),
        staff=staff,
        walkers=walkers,
        reader_port=reader_port,
    )


def _is_ready(observer: Observer) -> bool:
    both = all(observer.presence.get(source) is Presence.ONLINE for source in ("controller", "edge"))
    figures = observer.figures.get("edge", {})
    sees = figures.get("camera") == "running" and bool(figures.get("people"))
    return both and observer.door is not None and sees


def _walker(engine: FaceEngine, path: Path) -> Walker:
    photograph = decode(path).image
    box = engine.detect(photograph)[0].box
    return Walker(photograph, (box.left, box.top, box.width, box.height))


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/openapi.json", timeout=2).is_success
    except httpx.HTTPError:
        return False
