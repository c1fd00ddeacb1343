"""Merging two accounts through the API: foreseen first, then for good, by an administrator of neither."""

from typing import Any
from uuid import UUID

import pytest

from accounts import audit, people
from accounts.vocabulary import PersonState, Role
from database import new_id
from tests.accounts.payments.steps import code


@pytest.fixture
def two(campus: Any) -> tuple[UUID, UUID]:
    keep, gone = campus.person(name="王芳"), campus.person(name="王芳")
    campus.money(gone.id, 1_234)
    return keep.id, gone.id


def test_a_merge_is_foreseen_and_done_once(campus: Any, two: tuple[UUID, UUID]) -> None:
    keep, gone = two
    admin, path = campus.as_role(Role.ADMIN), f"/api/v1/people/{keep}/merge"
    foreseen = campus.client.get(path, params={"gone_id": str(gone)}, headers=admin).json()
    assert foreseen == {"obstacles": [], "moves": {"money": 1_234}}
    with campus.database.read() as session:
        assert people.get(session, gone).state is PersonState.ACTIVE
    merged = campus.client.post(path, json={"gone_id": str(gone)}, headers=admin)
    assert (merged.status_code, merged.json()) == (200, foreseen)
    with campus.database.read() as session:
        left = people.get(session, gone)
        assert (left.state, left.merged_into) == (PersonState.CLOSED, keep)
        actions = [one.action for one in audit.find(session, limit=20)]
    assert "person.merge" in actions
    again = campus.client.post(path, json={"gone_id": str(gone)}, headers=admin)
    assert (code(again), again.json()["obstacles"]) == ("merge_refused", ["closed"])


def test_nobody_merges_their_own_account_or_one_that_is_not_there(campus: Any, two: tuple[UUID, UUID]) -> None:
    keep, gone = two
    own = campus.as_person(keep, Role.ADMIN)
    assert code(campus.client.post(f"/api/v1/people/{keep}/merge", json={"gone_id": str(gone)}, headers=own)) == (
        "own_account"
    )
    admin = campus.as_role(Role.ADMIN)
    missing = campus.client.get(f"/api/v1/people/{keep}/merge", params={"gone_id": str(new_id())}, headers=admin)
    assert code(missing) == "not_found"
    same = campus.client.post(f"/api/v1/people/{keep}/merge", json={"gone_id": str(keep)}, headers=admin)
    assert same.json()["obstacles"] == ["same_account"]
