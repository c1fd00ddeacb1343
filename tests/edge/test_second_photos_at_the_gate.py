"""Second photos at a gate: offered after card and face have opened it, of a living face seen well, and never else."""

import weakref
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from access.policy import Mode
from access.probe_offer import (
    Binding,
    ProbeAnswer,
    ProbeOffer,
    ProbeRequest,
    SealedProbe,
    generate_keys,
    open_probe,
)
from edge.liveness import Liveness
from edge.probe_server import ProbeServerError
from edge.probe_views import LASTS_S, ProbeViews
from edge.recognition import Sighting
from edge.tracker import Appearance
from models.pose import Pose
from models.template import Template
from tests.edge.staging import MODEL, Directory, card, face, frame, person, unit

pytestmark = pytest.mark.brokers("embedded")
"""What brokers may do to a gate is asked of both by `test_service` and `test_outages_at_the_gate`."""


ANN, BEN = person(0), person(1)


def seen(count: int) -> dict[str, Appearance]:
    return {MODEL: Appearance(unit(0), unit(0), count)}


class Server:
    """Opens an offer for whoever is in `wanted`, and keeps what it is asked and sent."""

    def __init__(self, *wanted: UUID) -> None:
        self.wanted = set(wanted)
        self.asked: list[ProbeRequest] = []
        self.sent: list[tuple[ProbeRequest, UUID, SealedProbe]] = []
        self.private, self.public = generate_keys()
        self.is_down = False

    def ask(self, request: ProbeRequest) -> ProbeAnswer:
        self.asked.append(request)
        if self.is_down:
            raise ProbeServerError("no answer")
        if request.person_id not in self.wanted:
            return ProbeAnswer(not_wanted="no_consent", ask_again_s=3600)
        until = datetime.now(UTC) + timedelta(minutes=1)
        return ProbeAnswer(
            offer=ProbeOffer(offer_id=uuid4(), public_key=self.public, with_picture=False, until=until), ask_again_s=0
        )

    def send(self, offer_id: UUID, probe: SealedProbe) -> None:
        self.sent.append((self.asked[-1], offer_id, probe))

    def opened(self) -> Template:
        request, offer_id, probe = self.sent[-1]
        binding = Binding(gate="north", offer_id=offer_id, person_id=request.person_id, model_id=MODEL)
        return Template.from_bytes(open_probe(probe.sealed, self.private, binding).template)


def test_card_and_face_that_opened_the_gate_offer_a_probe_of_that_face(gate, until) -> None:
    server = Server(ANN.person_id)
    north = gate(probe_server=server)
    north.show((face(), unit(0, 2, 0.1)))
    north.controller.tap(card(0))
    until(lambda: server.sent)
    (asked,) = server.asked
    assert (asked.person_id, asked.method, asked.model_id) == (ANN.person_id, "card", MODEL)
    assert server.opened().vector[:3] == pytest.approx(unit(0, 2, 0.1)[:3], abs=1e-3)
    assert server.sent[0][2].quality.frames >= 3


def test_a_gate_that_asks_for_both_offers_one_when_the_face_comes_after_the_card(gate, until) -> None:
    server = Server(ANN.person_id)
    north = gate(Directory(ANN, mode=Mode.CARD_AND_FACE, face_free_gate="south"), probe_server=server)
    north.controller.tap(card(0))
    until(lambda: north.controller.accepted)
    north.show((face(), unit(0)))
    until(lambda: server.sent)
    assert server.asked[0].person_id == ANN.person_id


def test_nobody_is_asked_about_without_card_and_face_or_seen_badly(gate, until) -> None:
    server = Server(ANN.person_id, BEN.person_id)
    north = gate(probe_server=server)
    north.controller.tap(card(0))
    until(lambda: len(north.controller.accepted) == 1)
    north.leave()
    north.show((face(), unit(1)))
    north.controller.tap(card(0))
    until(lambda: any(command.person_id == BEN.person_id for command in north.controller.accepted))
    north.leave()
    for seen in (face(pose=Pose(30, 0, 0)), face(sharpness=0.012), face(inter_eye_distance=30)):
        north.show((seen, unit(0)))
        before = len(north.controller.accepted)
        north.controller.tap(card(0))
        until(lambda before=before: len(north.controller.accepted) > before)
        north.leave()
    assert server.asked == [], "card alone, somebody else's face, and a face that was seen badly"


def test_whoever_does_not_want_it_is_not_asked_about_at_every_passage(gate, until) -> None:
    server = Server()
    north = gate(probe_server=server)
    for _ in range(2):
        north.show((face(), unit(0)))
        before = len(north.controller.accepted)
        north.controller.tap(card(0))
        until(lambda before=before: len(north.controller.accepted) > before)
        until(lambda: server.asked)
        north.leave()
    assert len(server.asked) == 1
    assert server.sent == []


def test_a_server_that_is_down_costs_the_gate_nothing(gate, until) -> None:
    server = Server(ANN.person_id)
    server.is_down = True
    north = gate(probe_server=server)
    north.show((face(), unit(0)))
    north.controller.tap(card(0))
    until(lambda: server.asked)
    north.controller.tap(card(1))
    until(lambda: any(command.person_id == BEN.person_id for command in north.controller.accepted))
    assert server.sent == []


def _sighting(track: int, **changes) -> Sighting:
    fields = {"track_id": track, "face": face(), "liveness": Liveness.LIVE, "appearances": seen(3)}
    return Sighting(frozenset({track}), **{**fields, **changes})


def test_the_sharpest_view_of_the_living_face_in_front_is_taken() -> None:
    views = ProbeViews()
    assert views.take(10.0) is None
    for number, sharpness in enumerate((0.1, 0.3, 0.2)):
        views.record(_sighting(1, face=face(sharpness=sharpness)), frame(number, 10.0 + number, pixel=number))
    taken = views.take(12.0)
    assert taken is not None
    assert (taken.face.sharpness, int(taken.image[0, 0, 0]), taken.frames) == (0.3, 1, 3)
    assert views.take(12.0 + LASTS_S + 1) is None, "too long ago"


@pytest.mark.parametrize(
    "changes", [{"liveness": Liveness.OPEN}, {"liveness": Liveness.SPOOF}, {"appearances": seen(2)}, {"track_id": 2}]
)
def test_a_face_that_may_be_no_living_one_or_another_ones_is_not_taken(changes) -> None:
    views = ProbeViews()
    views.record(_sighting(1), frame(0, 10.0))
    views.record(_sighting(1, face=face(sharpness=0.0), **changes), frame(1, 10.1))
    assert views.take(10.2) is None


def test_the_picture_of_whoever_left_is_not_kept() -> None:
    views = ProbeViews()
    image = frame(0, 10.0)
    kept = weakref.ref(image.image)
    views.record(_sighting(1), image)
    del image
    assert kept() is not None
    views.record(Sighting(frozenset()), frame(1, 10.0 + LASTS_S + 0.1))
    assert kept() is None
