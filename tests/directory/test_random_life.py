"""A few hundred random acts over five gates of several cuts: each replica is compared with who may pass there."""

import contextlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from access.policy import GatePolicy, Mode, Rule
from access.replica import SyncError
from access.snapshot import PersonEntry
from accounts.vocabulary import PersonState
from directory import gate_models, gates
from directory.gate_publication import prune
from directory.lag import find_lags
from directory.listed_people import find_gates
from directory.publication import Publication
from directory.publisher import Publisher
from directory.records import EXPIRED_GRACE
from directory.tables import TemplateReceipt
from tests.directory.conftest import Campus
from tests.directory.life_devices import GATES, NEW, OLD, Device
from tests.directory.life_people import GROUPS, Known, PeopleActs

STEPS = {"sqlite": 300, "postgresql": 100}
"""The acts are the same on both; the second asks whether the other database answers alike."""
ACTS = (
    {"person": 20, "groups": 8, "suspend": 6, "activate": 3, "close": 4, "expire": 3, "extend": 3, "lose_card": 4}
    | {"release_card": 2, "withdraw": 4, "enrol": 6, "give_pass": 5, "end_pass": 4, "cut": 8, "shared_cut": 3}
    | {"mode": 4, "hours": 3, "gate_model": 3, "campus_model": 2, "remove_gate": 1, "add_gate": 3, "prune": 2}
    | {"publish_some": 6, "publish": 8, "killed": 3, "other_server": 3, "forward": 4, "far_forward": 1}
    | {"clock_back": 1, "partial": 10, "ask": 12, "sync": 14, "save": 4, "restore": 3, "new_device": 4}
    | {"upgrade_edge": 2}
)
"""Methods of `Life`, and how often each is taken."""


class _Killed(BaseException):
    pass


class Life(PeopleActs):
    """Acts on gates, publishers and devices beside those on people; `require_right` compares."""

    def __init__(self, campus: Campus, seed: int) -> None:
        super().__init__(campus, seed)
        self.policies: dict[str, GatePolicy] = {}
        self._serve(model_id=OLD)
        for gate, (_, groups, mode) in GATES.items():
            self.policies[gate] = campus.gate(gate, *groups, mode=mode)
        self.devices = {gate: Device(campus, gate, self.random.choice((1, 2, 3, 50))) for gate in GATES}

    def act(self) -> None:
        act = self.random.choices(list(ACTS), list(ACTS.values()))[0]
        getattr(self, act)()

    def _there(self) -> str | None:
        there = sorted(GATES.keys() - self.gone)
        return self.random.choice(there) if there else None

    def _set_policy(self, gate: str, **fields: Any) -> None:
        self.policies[gate] = self.policies[gate].model_copy(update=fields)
        self.campus.set_policy(self.policies[gate])

    def cut(self) -> None:
        if gate := self._there():
            groups = self.random.sample(GROUPS, self.random.randint(1, 2))
            self._set_policy(gate, rules=tuple(Rule(group=group) for group in sorted(groups)))

    def shared_cut(self) -> None:
        groups = self.random.sample(GROUPS, self.random.randint(1, 2))
        for gate in sorted(GATES.keys() - self.gone):
            if self.random.random() < 0.6:
                self._set_policy(gate, rules=tuple(Rule(group=group) for group in sorted(groups)))

    def mode(self) -> None:
        if gate := self._there():
            self._set_policy(gate, mode=self.random.choice((Mode.CARD, Mode.FACE_OR_CARD)))

    def hours(self) -> None:
        if gate := self._there():
            self._set_policy(gate, accepts_bare_uid=not self.policies[gate].accepts_bare_uid)

    def gate_model(self) -> None:
        if gate := self._there():
            with self.campus.database.begin() as session:
                model = self.random.choice((None, *gate_models.find_all(session)))
                gate_models.set_model(session, gates.get(session, gate), model, by="system", now=self.now)

    def campus_model(self) -> None:
        model = self.random.choice((OLD, NEW))
        self._serve(model_id=model, further_models=self.random.choice(((), (OLD, NEW))))

    def other_server(self) -> None:
        self.publisher, self.other = self.other, self.publisher

    def _serve(self, **models: Any) -> None:
        self.publisher, self.other = (
            Publisher(self.campus.database, self.campus.sealer, clock=self.campus.clock, **models) for _ in range(2)
        )

    def clock_back(self) -> None:
        self.campus.clock.forward(hours=-5)

    def new_device(self) -> None:
        self.devices[self.random.choice(sorted(GATES))].begin_anew()

    def remove_gate(self) -> None:
        if gate := self._there():
            with self.campus.database.begin() as session:
                gates.remove(session, gates.get(session, gate), by="system", now=self.now)
            self.gone.add(gate)
            for known in self.people.values():
                known.passes = {each: (at - {gate}, until) for each, (at, until) in known.passes.items()}

    def add_gate(self) -> None:
        if self.gone:
            gate = self.random.choice(sorted(self.gone))
            self.gone.remove(gate)
            with self.campus.database.begin() as session:
                gates.add(session, self.policies[gate], title=gate, by="system", now=self.now)

    def upgrade_edge(self) -> None:
        device = self.devices[self.random.choice(sorted(GATES))]
        device.runs = self.random.choice(([OLD], [OLD, NEW], [NEW, OLD], []))

    def publish(self) -> None:
        self.publisher.publish()

    def publish_some(self) -> None:
        self.publisher.publish_some()

    def killed(self) -> None:
        def die(_publication: Publication) -> Any:
            raise _Killed

        with pytest.MonkeyPatch.context() as patch, pytest.raises(_Killed):
            patch.setattr(Publication, "close", die)
            self.publisher.publish_some()

    def prune(self) -> None:
        with self.campus.database.begin() as session:
            prune(session, self.now - timedelta(hours=self.random.choice((0, 1, 20))))

    def forward(self) -> None:
        self.campus.clock.forward(hours=self.random.choice((0.5, 3, 11)))

    def far_forward(self) -> None:
        self.campus.clock.forward(days=3)

    def save(self) -> None:
        self.devices[self.random.choice(sorted(GATES))].save()

    def restore(self) -> None:
        self.devices[self.random.choice(sorted(GATES))].restore()

    def partial(self) -> None:
        device = self.devices[self.random.choice(sorted(GATES))]
        device.line.left = self.random.randint(1, 4)
        with contextlib.suppress(SyncError):
            device.sync._synchronise(acknowledges_at_once=False)
        device.line.left = 10**9

    def ask(self) -> None:
        device = self.devices[self.random.choice(sorted(GATES))]
        try:
            device.sync._synchronise(acknowledges_at_once=False)
        except SyncError as error:
            if "directory_not_published" not in str(error) and "refuses this device" not in str(error):
                raise

    def sync(self) -> None:
        if gate := self._there():
            self.publisher.forget_expired()
            self.publisher.publish()
            self.follow(gate)
            self.require_right(gate)

    def follow(self, gate: str) -> None:
        device = self.devices[gate]
        for _ in range(4):
            try:
                device.sync._synchronise(acknowledges_at_once=self.random.random() < 0.5)
                revision = device.replica.revision
                self.publisher.publish()
                device.sync._synchronise(acknowledges_at_once=False)
                if device.replica.revision == revision:
                    device.sync.run_once()
                    break
            except SyncError as error:
                if "directory_not_published" not in str(error):
                    raise
                self.publisher.publish()
        else:
            raise AssertionError("never came to rest")

    def require_right(self, gate: str) -> None:
        replica = self.devices[gate].replica
        with self.campus.database.read() as session:
            models = list(gates.get(session, gate).models or ())
            receipts = session.scalars(
                select(TemplateReceipt).where(
                    TemplateReceipt.gate == gate, TemplateReceipt.device_id == self.devices[gate].id
                )
            ).all()
            assert all(one.confirmed_at is not None for one in receipts)
            lags = [one for one in find_lags(session, self.now, gate=gate) if one.device_id == self.devices[gate].id]
            assert [(one.behind, one.waiting_revocations) for one in lags] == [(0, 0)]
            for one in self.people:
                assert (gate in find_gates(session, one)) == (replica.person(one) is not None)
        held = 0
        for one, known in self.people.items():
            entry = replica.person(one)
            self.require_entry(gate, one, known, entry, models)
            held += entry is not None
        assert replica.count() == held
        for model, gallery in replica.galleries().items():
            for one in gallery.person_ids:
                assert model in self.people[one].faces, (gate, one, model)

    def require_entry(self, gate: str, one: UUID, known: Known, entry: PersonEntry | None, models: list[str]) -> None:
        entitled = {rule.group for rule in self.policies[gate].rules}
        grants = sorted(until for at, until in known.passes.values() if gate in at)
        good = [until for until in grants if until > self.now]
        is_over = known.state is PersonState.CLOSED or (
            known.valid_until is not None and known.valid_until <= self.now - EXPIRED_GRACE
        )
        if entry is None:
            assert is_over or not (entitled & known.groups or good), (gate, one, known)
            return
        assert not is_over, (gate, one, known)
        assert entitled & known.groups or grants, (gate, one, known)
        assert set(entry.groups) == entitled & known.groups
        said = [grant.valid_until for grant in entry.grants]
        assert set(good) <= set(said) <= set(grants), (gate, known, said)
        assert entry.suspended == (known.state is PersonState.SUSPENDED)
        assert entry.valid_until == known.valid_until
        assert [each.status for each in entry.credentials] == [known.card_state]
        wanted = next((model for model in models if model in known.faces), None)
        if self.devices[gate].view == "cards" or not self.policies[gate].uses_faces:
            wanted = None
        assert bool(entry.templates) == (wanted is not None), (gate, known, models)


def test_every_replica_knows_who_may_pass(campus: Campus) -> None:
    life = Life(campus, seed=76)
    try:
        for _ in range(STEPS[campus.database.engine.dialect.name]):
            life.act()
        life.publisher.forget_expired()
        life.publisher.publish()
        for gate in sorted(GATES.keys() - life.gone):
            life.follow(gate)
            life.require_right(gate)
            device = life.devices[gate]
            digest = device.replica.digest
            device.begin_anew()
            life.follow(gate)
            assert (device.replica.digest, device.sync.status.rebuilds) == (digest, 0)
    finally:
        for device in life.devices.values():
            device.replica.close()
