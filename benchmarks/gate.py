"""The gate: from the frame that settles the vote to the energised relay, and from a card tap to it.

    python -m benchmarks.gate [--passages N] [--taps N] [--people N] [--json]

Broker, controller and edge are three processes on this machine. The camera plays a photographed person walking up,
again and again, at 20 frames a second; engine, tracker, vote, search, decision, signature, MQTT, verification and the
controller's disk writes are the real ones. The relay and the card reader are simulated. Times are those of the
machine's monotonic clock, which all processes share.
"""

import argparse
import itertools
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import structlog
import uuid_utils.compat
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.brokers import running_broker
from benchmarks.faces import load_engine
from benchmarks.gate_directory import GATE, People, fill
from benchmarks.gate_door import SITE, DoorPlan, DoorProcess
from benchmarks.report import Report, budget, present, progress
from bus import BrokerAddress, Connection
from bus.outbox import Outbox
from campusgate.demo.photographs import fetch_photographs
from campusgate.demo.scenes import FRAMES_PER_SECOND, Walk, Walker, corridor, walk_up
from campusgate.settings import Settings
from edge.assembly import assemble
from edge.camera import SyntheticCamera
from edge.dependencies import Gate, Vision
from edge.engines import Engines
from edge.health import availability
from edge.ongoing_passages import PassagePolicy
from edge.policy import EdgePolicy
from edge.recognition import RecognitionPolicy
from edge.service import EdgeService
from edge.tracker import TrackPolicy
from enrollment.photo import decode
from messages import Event, EventKind, GateTopics, NonceStore, ProcessStatus, Signer, TrustedKey, controller_sender
from messages import edge_sender as edge_sender_of
from models.engine import FaceEngine

Image = npt.NDArray[np.uint8]

_WALK = Walk(from_width=110, to_width=150, approach_s=0.2, wait_s=0.4, leave_s=0.1)
_PAUSE_FRAMES = 12
_ABSENCE_S = 0.4
_PATIENCE_S = 0.2
_WARM_UP = 5
_WALKER = UUID(int=1)


def photographs() -> dict[str, Image]:
    """Return the demonstration's photographs."""
    settings = Settings()
    paths = fetch_photographs(settings.cache_dir / "photographs", mirror=settings.model_mirror)
    return {name: decode(path).image for name, path in paths.items()}


def film(engine: FaceEngine, photograph: Image) -> Iterator[Image]:
    """Yield the same passage for ever, each time with its own noise: a frozen camera would be noticed."""
    box = engine.detect(photograph)[0].box
    walker = Walker(photograph, (box.left, box.top, box.width, box.height))
    takes = [
        [*walk_up(walker, _WALK, seed=seed), *(corridor(100 * seed + n) for n in range(_PAUSE_FRAMES))]
        for seed in range(1, 9)
    ]
    return itertools.cycle(itertools.chain.from_iterable(takes))


class Reel:
    """Pictures without end, of a film that can be changed while it plays."""

    def __init__(self, pictures: Iterator[Image]) -> None:
        self._pictures = pictures

    def __iter__(self) -> Iterator[Image]:
        while True:
            yield next(self._pictures)

    def change(self, pictures: Iterator[Image]) -> None:
        """Go on with another film."""
        self._pictures = pictures


class Grants:
    """Latencies of the edge's grants, as they reach its outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def take(self) -> list[Event]:
        """Return the openings for a face so far, and forget them."""
        entries = self._outbox.pending(1000)
        self._outbox.done(entry.id for entry in entries)
        return [event for entry in entries if (event := Event.decode(entry.payload)).kind == EventKind.FACE_GRANTED]


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait, or end with what did not happen."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)


def passages(service: EdgeService, grants: Grants, wanted: int) -> list[Event]:
    """Let people pass until `wanted` grants are measured; the first few warm caches and are dropped."""
    service.start()
    events: list[Event] = []
    for _ in progress(range(wanted + _WARM_UP), "passages"):
        have = len(events)
        end = time.monotonic() + 20
        while len(events) == have and time.monotonic() < end:
            time.sleep(0.05)
            events += grants.take()
    if len(events) < wanted + _WARM_UP:
        raise RuntimeError(f"only {len(events)} passages were granted")
    return events[_WARM_UP : _WARM_UP + wanted]


def taps(door: DoorProcess, people: int, count: int, what: str) -> list[float]:
    """Return the seconds from tap to relay of `count` cards of different people."""
    generator = np.random.default_rng(7)
    seconds = []
    for number in progress(generator.integers(1, people, count).tolist(), what):
        seconds.append(door.tap(number))
        time.sleep(0.08)
    return seconds


def run(*, passage_count: int, tap_count: int, people_count: int) -> Report:
    """Measure."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    engine = load_engine()
    pictures = photographs()
    faces = engine.detect(pictures["wang"])
    people = People(people_count, engine.model_id, (engine.embed(pictures["wang"], faces[:1], thorough=True)[0],))
    edge_key, door_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    topics = GateTopics(SITE, GATE)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-gate-")))
        broker, port = stack.enter_context(running_broker(folder))
        plan = DoorPlan(
            port,
            folder / "door",
            people,
            door_key.private_bytes_raw(),
            edge_key.public_key().public_bytes_raw(),
        )
        door = stack.enter_context(DoorProcess(plan))
        replica = fill(folder / "edge.db", people, "full")
        stack.callback(replica.close)
        nonces, outbox = NonceStore(folder / "edge-nonces.db"), Outbox(folder / "edge-outbox.db")
        stack.callback(nonces.close)
        stack.callback(outbox.close)
        boot_id = uuid_utils.compat.uuid7()
        address = BrokerAddress(port=port)
        say = partial(availability, topics, boot_id)
        bus = Connection(address, "edge", will=lambda number: say(ProcessStatus.OFFLINE, connection=number))
        bus.start()
        stack.callback(bus.stop)
        bus.wait_connected(10)
        reel = Reel(film(engine, pictures["wang-at-the-gate"]))
        service = assemble(
            Gate(
                topics=topics,
                boot_id=boot_id,
                bus=bus,
                signer=Signer(edge_key, edge_sender_of(GATE), nonces),
                controller_keys={controller_sender(GATE): TrustedKey(door_key.public_key())},
                directory=replica,
                outbox=outbox,
            ),
            Vision(camera=SyntheticCamera(reel, rate=FRAMES_PER_SECOND, live=True), engines=Engines(engine)),
            EdgePolicy(
                passage=PassagePolicy(absence=_ABSENCE_S),
                recognition=RecognitionPolicy(track=TrackPolicy(patience=_PATIENCE_S)),
            ),
        )
        events = passages(service, Grants(outbox), passage_count)
        openings = door.openings()
        # A stranger keeps the edge at work, and opens nothing that could be taken for a card's doing.
        reel.change(film(engine, pictures["stranger"]))
        time.sleep(2 * _ABSENCE_S + 1)
        busy = taps(door, people_count, tap_count, "taps, edge at work")
        service.stop()
        bus.stop(say(ProcessStatus.STOPPED, connection=bus.connection_number))
        wait_until(lambda: not door.edge_online(), "the controller hears that the edge is gone")
        alone = taps(door, people_count, tap_count, "taps, edge gone")
        silent = Connection(address, "silent-edge")
        silent.start()
        stack.callback(silent.stop)
        silent.wait_connected(10)
        hung = say(ProcessStatus.ONLINE, connection=bus.connection_number + 1)
        silent.publish(hung.topic, hung.payload, retain=True, wait_s=5)
        wait_until(door.edge_online, "the controller believes in an edge")
        unanswered = taps(door, people_count, max(tap_count // 4, 20), "taps, edge hung")
    return _report(
        broker=broker,
        people=people_count,
        events=events,
        openings=openings,
        busy=busy,
        alone=alone,
        unanswered=unanswered,
    )


def _report(
    *,
    broker: str,
    people: int,
    events: list[Event],
    openings: int,
    busy: list[float],
    alone: list[float],
    unanswered: list[float],
) -> Report:
    if any(event.person_id != _WALKER or event.details["latency_to"] != "relay" for event in events):
        raise AssertionError("somebody else was let in, or a time was not the relay's")
    if openings < len(events):
        raise AssertionError(f"{len(events)} grants but only {openings} openings")
    face = [float(event.latency_ms or np.inf) for event in events]
    parts = {
        name: np.array([float(event.details[name] or 0) for event in events]) for name in ("decided_ms", "sent_ms")
    }
    tap_ms, alone_ms, unanswered_ms = ([1000 * one for one in seconds] for seconds in (busy, alone, unanswered))
    figures = {
        "broker": broker,
        "people": people,
        "passages": len(events),
        "frame_to_relay_ms": _summary(face),
        "frame_to_decision_ms": _summary(parts["decided_ms"].tolist()),
        "decision_to_command_ms": _summary((parts["sent_ms"] - parts["decided_ms"]).tolist()),
        "command_to_relay_ms": _summary((np.array(face) - parts["sent_ms"]).tolist()),
        "frames_until_settled": float(np.median([float(event.details["frames"] or 0) for event in events])),
        "tap_to_relay_ms": _summary(tap_ms),
        "tap_to_relay_edge_gone_ms": _summary(alone_ms),
        "tap_to_relay_edge_hung_ms": _summary(unanswered_ms),
    }
    return Report(
        "gate",
        figures,
        [
            budget("frame arrives → relay energised, p50 ms,", _quantile(face, 0.5), "at most", 60),
            budget("frame arrives → relay energised, p99 ms,", _quantile(face, 0.99), "at most", 150),
            budget("card tap → relay energised, p99 ms,", _quantile(tap_ms, 0.99), "at most", 50),
            budget("card tap → relay, edge gone, worst ms,", max(alone_ms), "at most", 300),
            budget("card tap → relay, edge hung, worst ms,", max(unanswered_ms), "at most", 300),
        ],
    )


def _summary(values: list[float]) -> dict[str, float]:
    return {"p50": _quantile(values, 0.5), "p99": _quantile(values, 0.99), "worst": max(values)}


def _quantile(values: list[float], share: float) -> float:
    """Return a measured value, never one between two: a tail is not interpolated."""
    return float(np.quantile(values, share, method="higher"))


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.gate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, default=100)
    parser.add_argument("--taps", type=int, default=200)
    parser.add_argument("--people", type=int, default=3_000, help="made-up people in the directory besides a real one")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = run(passage_count=arguments.passages, tap_count=arguments.taps, people_count=arguments.people)
    return present(report, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
