"""Whatever happens to people, gates, publisher and replica, in any order and with kills: the gate ends up right."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import directory.api
from access.policy import Rule
from access.replica import Replica
from accounts.vocabulary import PersonState
from directory.feed import NotPublishedError
from directory.publication import Publication
from tests.databases import ON_SQLITE, copied
from tests.directory.conftest import MODEL, Campus, build

pytestmark = ON_SQLITE


NUMBERS = st.integers(0, 3)
GROUPS = st.sets(st.sampled_from(["students", "teachers", "athletes"]), max_size=2)

steps = st.one_of(
    st.tuples(st.just("person"), GROUPS, st.booleans()),
    st.tuples(st.just("groups"), NUMBERS, GROUPS),
    st.tuples(st.just("state"), NUMBERS, st.sampled_from([PersonState.ACTIVE, PersonState.SUSPENDED])),
    st.tuples(st.just("close"), NUMBERS),
    st.tuples(st.just("policy"), st.sets(st.sampled_from(["students", "teachers"])), st.booleans()),
    st.tuples(st.just("publish")),
    st.tuples(st.just("publish_some")),
    st.tuples(st.just("publisher_killed")),
    st.tuples(st.just("page"), st.integers(1, 3)),
    st.tuples(st.just("sync"), st.integers(1, 3)),
    st.tuples(st.just("restart")),
)


class _Killed(BaseException):
    pass


class History:
    """Takes the steps."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        self.policy = campus.gate("main", "students")
        self.people: list = []
        self.closed: set = set()
        self.replica = campus.replica(name="gate")

    def take(self, step: str, *given_) -> None:
        getattr(self, step)(*given_)

    def person(self, groups, has_face) -> None:
        face = len(self.people) if has_face else None
        self.people.append(self.campus.person(*groups, face=face, card=f"04A31B{len(self.people):02X}"))

    def groups(self, number, groups) -> None:
        if number < len(self.people) and self.people[number] not in self.closed:
            self.campus.set_groups(self.people[number], *groups)

    def state(self, number, state) -> None:
        if number < len(self.people) and self.people[number] not in self.closed:
            self.campus.set_state(self.people[number], state)

    def close(self, number) -> None:
        if number < len(self.people):
            self.campus.set_state(self.people[number], PersonState.CLOSED)
            self.closed.add(self.people[number])

    def publish(self) -> None:
        self.campus.publisher.publish()

    def publish_some(self) -> None:
        self.campus.publisher.publish_some()

    def publisher_killed(self) -> None:
        """Everything is written and nothing is committed when the process dies."""

        def die(_publication) -> bool:
            raise _Killed

        with pytest.MonkeyPatch.context() as patch, pytest.raises(_Killed):
            patch.setattr(Publication, "close", die)
            self.campus.publisher.publish_some()

    def page(self, limit) -> None:
        try:
            page = self.campus.page(self.replica, limit=limit)
        except NotPublishedError:
            return
        self.replica.apply(page, self.campus.clock.now)
        gone = {change.person_id for change in page.changes if change.entry is None}
        assert gone.isdisjoint(self.replica.gallery().person_ids)

    def sync(self, limit) -> None:
        self.campus.publisher.publish()
        self.campus.sync(self.replica, page_limit=limit).run_once()

    def restart(self) -> None:
        self.replica.close()
        self.replica = self.campus.replica(name="gate")


def change_policy(history: History, groups, accepts) -> None:
    rules = tuple(Rule(group=group) for group in sorted(groups))
    history.campus.set_policy(history.policy.model_copy(update={"rules": rules, "accepts_bare_uid": accepts}))


def run(campus: Campus, steps_: list) -> None:
    history = History(campus)
    for step, *given_ in steps_:
        if step == "policy":
            change_policy(history, *given_)
        else:
            history.take(step, *given_)
    campus.publisher.publish()
    sync = campus.sync(history.replica, page_limit=2)
    sync.run_once()
    assert sync.status.rebuilds == 0, "deltas alone lead there"

    whole = campus.replica(name="whole")
    campus.sync(whole).run_once()
    assert (history.replica.revision, history.replica.digest) == (whole.revision, whole.digest)
    for person in history.people:
        assert history.replica.person(person) == whole.person(person)
        assert person not in history.closed or whole.person(person) is None
    assert faces(history.replica) == faces(whole)


def faces(replica: Replica) -> dict:
    gallery = replica.gallery()
    return {person: np.round(row, 4).tolist() for person, row in zip(gallery.person_ids, gallery.matrix, strict=True)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=20))
def test_any_history_ends_in_the_directory_a_full_fetch_gives(
    tmp_path_factory, sqlite_template, lent_apps, steps_
) -> None:
    folder: Path = tmp_path_factory.mktemp("history")
    database = copied(sqlite_template, folder)
    with lent_apps.lend(directory.api.router) as app, lent_apps.ask(app) as client:
        campus = build(database, folder, client)
        try:
            run(campus, steps_)
        finally:
            for replica in campus.replicas:
                replica.close()
            database.close()


HISTORY = [
    ("person", {"students"}, True),
    ("person", {"teachers"}, True),
    ("publish",),
    ("page", 1),
    ("person", {"students", "athletes"}, True),
    ("state", 0, PersonState.SUSPENDED),
    ("publisher_killed",),
    ("publish_some",),
    ("page", 1),
    ("restart",),
    ("policy", {"students", "teachers"}, False),
    ("publish",),
    ("page", 2),
    ("close", 2),
    ("state", 0, PersonState.ACTIVE),
    ("groups", 1, set()),
    ("publish",),
]


def test_one_long_history_on_each_database(campus) -> None:
    run(campus, HISTORY)
    assert campus.replicas[0].model_id == MODEL
