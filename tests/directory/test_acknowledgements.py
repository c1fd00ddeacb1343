"""What a device says it has in force closes lag and receipts only when it can be true."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select

from accounts.vocabulary import DeviceRole
from directory import acknowledgements, template_receipts
from directory.lag import find_lags
from directory.list_tables import PastGate, PastList
from directory.tables import GateApplied, GateRecord
from enrollment import templates
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


DIGEST = "0" * 64


@pytest.fixture
def revoked(campus) -> Any:
    """Two gates that hold a template, which is then withdrawn; nobody has fetched that yet."""
    campus.gate("north")
    campus.gate("south")
    person = campus.person("students", face=1)
    campus.publisher.publish()
    campus.edge = campus.sync(campus.replica("north"))
    campus.edge.run_once()
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
    campus.publisher.publish()
    campus.revoked = person
    return campus


@pytest.fixture
def say(revoked) -> Callable[..., Any]:
    """Post what the edge that holds the template says, under its own token."""

    def say(gate: str = "north", **body: Any) -> Any:
        return revoked.client.post(
            f"/api/v1/directory/gates/{gate}/applied", json={"view": "full"} | body, headers=revoked.edge._headers
        )

    return say


def outstanding(campus) -> int:
    with campus.database.read() as session:
        account = template_receipts.whereabouts_of(session, campus.revoked)
        assert any(one.behind for one in find_lags(session, campus.clock.now)) == bool(account.outstanding)
        return account.outstanding


def reasons(campus) -> list[tuple[str, str]]:
    with campus.database.read() as session:
        return [(one.gate, one.reason) for one in acknowledgements.find_contradictions(session)]


@ON_BOTH
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"revision": 2**62, "digest": DIGEST}, "revision_ahead"),
        ({"revision": 2**62}, "no_digest"),
        ({"revision": "now"}, "no_digest"),
        ({"revision": "now", "digest": DIGEST}, "wrong_digest"),
        ({"revision": 1, "digest": DIGEST}, "revision_unknown"),
        ({"revision": "before", "digest": DIGEST}, "wrong_digest"),
    ],
)
def test_what_cannot_be_true_closes_nothing_and_is_told(revoked, say, body: dict[str, Any], reason: str) -> None:
    assert outstanding(revoked) == 1
    with revoked.database.read() as session:
        known = {"before": revoked.edge.status.revision, "now": session.get_one(GateRecord, "north").revision}
    answer = say(**body | {"revision": known.get(body["revision"], body["revision"])})
    assert (answer.status_code, answer.json()["code"]) == (409, "acknowledgement_impossible")
    assert answer.json()["reason"] == reason
    assert outstanding(revoked) == 1
    assert reasons(revoked) == [("north", reason)]

    revoked.edge.run_once()
    assert outstanding(revoked) == 0
    assert reasons(revoked) == []


def test_a_negative_revision_is_no_revision(revoked, say) -> None:
    assert say(revision=-1, digest=DIGEST).status_code == 422
    assert outstanding(revoked) == 1


@ON_BOTH
def test_a_device_speaks_of_its_own_gate_only(revoked, say) -> None:
    page = revoked.page(revoked.replica("south"))
    answer = say("south", revision=page.to_revision, digest=page.digest_when_complete)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_gate")
    assert reasons(revoked) == [("north", "wrong_gate")]
    with revoked.database.read() as session:
        assert session.scalar(select(GateApplied.gate).where(GateApplied.gate == "south")) is None


def test_a_controller_cannot_say_that_it_holds_templates(revoked) -> None:
    page = revoked.page(revoked.replica("north"))
    token = revoked.token("north", DeviceRole.CONTROLLER)
    answer = revoked.client.post(
        "/api/v1/directory/gates/north/applied",
        json={"view": "full", "revision": page.to_revision, "digest": page.digest_when_complete},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json()["reason"] == "wrong_view"


def test_a_device_may_acknowledge_what_was_just_overtaken(revoked, say) -> None:
    """Between its last page and its word something new was published: what it has is still what it says."""
    page = revoked.page(revoked.replica("north"))
    revoked.person("students")
    revoked.publisher.publish()
    body = {"revision": page.to_revision, "digest": page.digest_when_complete}
    assert say(**body).status_code == 204
    with revoked.database.read() as session:
        assert template_receipts.whereabouts_of(session, revoked.revoked).outstanding == 0
        assert [one.behind for one in find_lags(session, revoked.clock.now)] == [1]
    # Not for ever: what nobody can have fetched just now is not believed.
    revoked.clock.forward(hours=2)
    revoked.person("students")
    revoked.publisher.publish()
    assert say(**body).json()["reason"] == "revision_unknown"


@ON_BOTH
def test_a_directory_published_before_the_past_was_kept_can_be_acknowledged(revoked) -> None:
    with revoked.database.begin() as session:
        for table in (PastGate, PastList):
            session.execute(delete(table))
    revoked.edge.run_once()
    assert outstanding(revoked) == 0
