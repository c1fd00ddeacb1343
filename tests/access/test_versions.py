"""Gates and servers of different versions: what one of them writes down is what the other digests.

The lines of `version_1.jsonl` were written by version 0.1.0: an entry and a policy that say nothing beyond what they
must, and those that say everything. They are never changed. A field that is added later is left out where it says
nothing (`exclude_if`), so that a gate that knows it agrees with a server that does not, and the other way round until
somebody uses it.
"""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from access.policy import GatePolicy
from access.snapshot import SCHEMA_VERSION, ChangePage, DirectoryVersionError, PersonEntry

LEAST_ENTRY, FULL_ENTRY, LEAST_POLICY, FULL_POLICY = (
    (Path(__file__).parent / "version_1.jsonl").read_text(encoding="utf-8").splitlines()
)


@pytest.mark.parametrize(
    ("kind", "written"),
    [(PersonEntry, LEAST_ENTRY), (PersonEntry, FULL_ENTRY), (GatePolicy, LEAST_POLICY), (GatePolicy, FULL_POLICY)],
    ids=["least entry", "full entry", "least policy", "full policy"],
)
def test_what_the_first_version_wrote_keeps_its_digest(kind: type[BaseModel], written: str) -> None:
    assert kind.model_validate_json(written).model_dump_json() == written


def page(**changed: object) -> bytes:
    revisions = dict.fromkeys(("from_revision", "revoked_from"), 0) | dict.fromkeys(
        ("to_revision", "revoked_to", "latest_revision"), 1
    )
    change = {"revision": 1, "person_id": json.loads(LEAST_ENTRY)["person_id"], "entry": json.loads(LEAST_ENTRY)}
    whole = {"schema_version": 1, "policy": json.loads(LEAST_POLICY), **revisions, "changes": [change]}
    return json.dumps(whole | {"digest_when_complete": "0" * 64} | changed).encode()


def test_a_page_of_the_first_version_is_understood() -> None:
    assert ChangePage.read(page()).changes[0].entry == PersonEntry.model_validate_json(LEAST_ENTRY)


def test_a_server_that_is_too_new_says_so_and_not_that_its_answer_is_wrong() -> None:
    newer = json.loads(LEAST_POLICY) | {"opens_by_itself": True}
    with pytest.raises(DirectoryVersionError, match=f"version {SCHEMA_VERSION + 1}.*update"):
        ChangePage.read(page(schema_version=SCHEMA_VERSION + 1, policy=newer))
    with pytest.raises(DirectoryVersionError, match=r"policy\.opens_by_itself.*update"):
        ChangePage.read(page(policy=newer))
