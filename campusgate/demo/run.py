"""The demonstration until the evening: prepare, start every process, play the day."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bus import BrokerAddress, Connection, random_client_id
from campusgate.demo.broker_users import write_users
from campusgate.demo.camera import FilmCamera
from campusgate.demo.campus import (
    EDGE_SENDER,
    GATE,
    SITE,
    THIS_MACHINE,
    Campus,
    write_keys,
)
from campusgate.demo.cast import Cast
from campusgate.demo.dormitory import NIGHT_WH, make_meter
from campusgate.demo.films import Films
from campusgate.demo.installations import Installations
from campusgate.demo.narration import Narrator
from campusgate.demo.observer import Observer
from campusgate.demo.osdp_peer import SoftwareReader
from campusgate.demo.personas import hand_in, make_portraits
from campusgate.demo.photographs import fetch_photographs
from campusgate.demo.population import count_photos, populate, write_intake
from campusgate.demo.processes import Children
from campusgate.demo.providers.trial import TrialProviders
from campusgate.demo.report import Report
from campusgate.demo.resident import Resident
from campusgate.demo.scenes import Walker
from campusgate.demo.script import SCENES, play
from campusgate.demo.staff import Staff
from campusgate.demo.stage import Stage
from campusgate.settings import Settings
from campusgate.wiring.photo_checker import load_checker
from enrollment.photo import decode
from errors import OperatorError
from gate_controller.readers.osdp import read_key
from messages import GateTopics, NonceStore, Signer, read_private_key, read_trusted_keys
from models.engine import FaceEngine
from models.liveness import DEFAULT
from models.store import ModelStore


class StageInUseError(OperatorError):
    """Another demonstration runs in this data directory, and two would take each other's files away."""


@contextmanager
def open_stage(
    settings: Settings, narrator: Narrator, *, with_queue: bool = False, host: str = THIS_MACHINE
) -> Iterator[tuple[Stage, Report]]:
    """Prepare the campus and start its processes; everything is stopped at the end of the block.

    `with_queue` lets photos wait for a reviewer, for somebody who looks at the pages, which are served at `host`.

    Raises:
        StageInUseError: another demonstration runs.
        HostUnusableError: `host` is no address of this machine.
        ModelError, PhotographsMissingError: something to work with is missing.
        ChildError, PhotosRefusedError: a process did not start, or not as it should.
    """
    with ExitStack() as stack:
        stack.enter_context(_lock_data_dir(settings.data_dir))
        yield _prepare(settings, narrator, stack, with_queue=with_queue, host=host)


def _prepare(
    settings: Settings, narrator: Narrator, stack: ExitStack, *, with_queue: bool, host: str
) -> tuple[Stage, Report]:
    narrator.show("fetching models and photographs")
    photographs = fetch_photographs(settings.cache_dir / "photographs" / "demo", mirror=settings.model_mirror)
    engine, checker = load_checker(settings)
    # The edge would not start without it, long after people have been enrolled.
    ModelStore(settings.cache_dir, settings.model_mirror).path(DEFAULT.name)
    campus = Campus.fresh(settings, host=host)
    installations = stack.enter_context(
        Installations(settings.time_zone, make_meter(settings.time_zone, datetime.now(UTC)))
    )
    narrator.show("enrolling people from one photograph each")
    intake = write_intake(campus, engine, photographs)
    report = Report(photos=count_photos(populate(campus, engine, checker, intake, installations.meter_url)))
    write_keys(campus)
    users = write_users(campus)
    films = Films({name: _walker(engine, path) for name, path in photographs.items()})
    portraits = make_portraits(engine, campus.personas, photographs) if with_queue else {}
    del engine, checker
    children = stack.enter_context(Children(campus.folder / "logs", {}))
    narrator.show("starting broker, server, gate controllers, edge, shower and reader of meters")
    reader = stack.enter_context(SoftwareReader(read_key(campus.reader_key_file)))
    providers = stack.enter_context(TrialProviders(campus.folder / "providers", campus.server_url))
    cast = Cast(campus, children, users, reader, installations, providers=providers)
    stage = _start(campus, cast, films, narrator, stack)
    if portraits:
        narrator.show("handing in photos for the reviewer")
        hand_in(campus.server_url, campus.personas, portraits)
    return stage, report


@contextmanager
def _lock_data_dir(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageInUseError(
                f"a demonstration runs already in {folder}: stop it, or give this one a CAMPUSGATE_DATA_DIR of its own"
            ) from error
        yield


def play_day(stage: Stage, report: Report) -> None:
    """Play every scene and write what happened into `report`."""
    for number, scene in enumerate(SCENES, start=1):
        stage.cast.check()
        story = (scene.__doc__ or scene.__name__).strip().splitlines()[0]
        stage.narrator.show(f"{number} of {len(SCENES)}: {story}")
        outcome = play(stage, scene)
        stage.narrator.report(outcome, story)
        report.outcomes.append(outcome)
    report.events = sorted(stage.observer.events, key=lambda event: event.at)


def _start(campus: Campus, cast: Cast, films: Films, narrator: Narrator, stack: ExitStack) -> Stage:
    camera = stack.enter_context(FilmCamera())
    cast.start_server()
    cast.start_broker()
    cast.start_controller()
    cast.start_exit()
    cast.start_shower()
    cast.wait_for_server()
    cast.start_meters()
    cast.start_edge(camera.url)

    address = BrokerAddress(port=campus.mqtt_port, username="demo", password=campus.mqtt_passwords["demo"])
    bus = Connection(address, random_client_id("demonstration"))
    topics = GateTopics(SITE, GATE)
    observer = Observer(bus, topics, read_trusted_keys(campus.trusted_file("staff")))
    bus.start()
    stack.callback(bus.stop)
    bus.wait_connected(10)
    cast.wait_for_edge(observer)
    nonces = NonceStore(campus.folder / "thief" / "nonces.db")
    stack.callback(nonces.close)
    personas = campus.personas
    guard, cashier = (Staff(campus.server_url, one.number, one.password) for one in (personas.guard, personas.cashier))
    stack.callback(guard.close)
    stack.callback(cashier.close)
    persona = personas.resident
    resident = Resident(campus.server_url, persona.number, persona.password, persona.digits)
    stack.callback(resident.close)
    cast.wait_for_shower()
    cast.wait_for_exit()
    # It is night in the dormitory: what goes on until `night_is_not_cut_off` begins here.
    cast.installations.use_electricity(NIGHT_WH)
    return Stage(
        campus=campus,
        cast=cast,
        camera=camera,
        observer=observer,
        bus=bus,
        topics=topics,
        edge_signer=Signer(read_private_key(campus.key_file("edge")), EDGE_SENDER, nonces),
        staff=guard,
        card_centre=cashier,
        resident=resident,
        installations=cast.installations,
        providers=cast.providers,
        films=films,
        narrator=narrator,
    )


def _walker(engine: FaceEngine, path: Path) -> Walker:
    photograph = decode(path).image
    box = engine.detect(photograph)[0].box
    return Walker(photograph, (box.left, box.top, box.width, box.height))
