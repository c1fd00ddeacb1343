"""The demonstration from start to end: prepare, start every process, play the day, and go on until stopped."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

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
    populate,
    write_intake,
    write_keys,
)
from campusgate.demo.cast import Cast
from campusgate.demo.observer import Observer
from campusgate.demo.photographs import fetch_photographs
from campusgate.demo.processes import Children
from campusgate.demo.readers import hand_in, make_portraits
from campusgate.demo.report import Report
from campusgate.demo.scenes import Walker, walk_up
from campusgate.demo.script import SCENES, play
from campusgate.demo.staff import Staff
from campusgate.demo.stage import Stage
from campusgate.photo_checks import load_checker
from campusgate.settings import Settings
from enrollment.photo import decode
from gate_controller.messages import GateTopics, NonceStore, Signer, read_private_key, read_trusted_keys
from models.engine import FaceEngine

Say = Callable[[str], None]

_PAUSE_S = 6.0


@contextmanager
def staged(settings: Settings, say: Say, *, with_queue: bool = False) -> Iterator[tuple[Stage, Report]]:
    """Prepare the campus and start its processes; everything is stopped at the end of the block.

    `with_queue` lets photos wait for a reviewer, for somebody who looks at the pages.
    """
    say("fetching models and photographs")
    photographs = fetch_photographs(settings.cache_dir / "photographs" / "demo", mirror=settings.model_mirror)
    engine, checker = load_checker(settings)
    campus = Campus.fresh(settings)
    write_keys(campus)
    users = write_users(campus)
    say("enrolling people from one photograph each")
    report = Report(photos=count_photos(populate(campus, engine, checker, write_intake(campus, engine, photographs))))
    walkers = {name: _walker(engine, path) for name, path in photographs.items()}
    portraits = make_portraits(engine, campus.readers, photographs) if with_queue else {}
    del engine, checker
    with ExitStack() as stack:
        children = stack.enter_context(Children(campus.folder / "logs", {}))
        say("starting broker, server, gate controller and edge")
        stage = _start(campus, Cast(campus, children, users), walkers, stack)
        if portraits:
            say("handing in photos for the reviewer")
            hand_in(campus.server_url, campus.readers, portraits)
        yield stage, report


def play_day(stage: Stage, report: Report, say: Say) -> None:
    """Play every scene and write what happened into `report`."""
    for number, scene in enumerate(SCENES, start=1):
        stage.cast.check()
        say(f"[{number}/{len(SCENES)}] {(scene.__doc__ or scene.__name__).strip().splitlines()[0]}")
        report.outcomes.append(play(stage, scene))
    report.events = list(stage.observer.events)


def go_on(stage: Stage) -> None:
    """Let people walk up, one after the other, until somebody presses Ctrl-C."""
    for name in itertools.cycle(("wang-again", "stranger", "wang-at-the-gate", "li")):
        time.sleep(_PAUSE_S)
        stage.cast.check()
        stage.camera.play(walk_up(stage.walkers[name]))


def _start(campus: Campus, cast: Cast, walkers: dict[str, Walker], stack: ExitStack) -> Stage:
    camera = stack.enter_context(FilmCamera())
    cast.start_server()
    cast.start_broker()
    cast.start_controller()
    cast.wait_for_server()
    cast.start_edge(camera.url)

    address = BrokerAddress(port=campus.mqtt_port, username="demo", password=campus.mqtt_passwords["demo"])
    bus = Connection(address, "demonstration")
    topics = GateTopics(SITE, GATE)
    observer = Observer(bus, topics, read_trusted_keys(campus.trusted_file("staff")))
    bus.start()
    stack.callback(bus.stop)
    bus.wait_connected(10)
    cast.wait_for_edge(observer)
    nonces = NonceStore(campus.folder / "thief" / "nonces.db")
    stack.callback(nonces.close)
    staff = Staff(campus.server_url, STAFF_NUMBER, campus.staff_password)
    stack.callback(staff.close)
    return Stage(
        campus=campus,
        cast=cast,
        camera=camera,
        observer=observer,
        bus=bus,
        topics=topics,
        edge_signer=Signer(read_private_key(campus.key_file("edge")), EDGE_SENDER, nonces),
        staff=staff,
        walkers=walkers,
    )


def _walker(engine: FaceEngine, path: Path) -> Walker:
    photograph = decode(path).image
    box = engine.detect(photograph)[0].box
    return Walker(photograph, (box.left, box.top, box.width, box.height))
