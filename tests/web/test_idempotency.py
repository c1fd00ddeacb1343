"""Idempotency keys on each database."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from web.idempotency import KeyReusedError, RequestKey, digest, forget

NOW = datetime(2026, 9, 1, tzinfo=UTC)


class Paid(BaseModel):
    receipt: int


@pytest.fixture
def till():
    """Counts how often money moved."""
    return []


def pay(database, till, key="key-1", asked=b"5 yuan", scope="device:1"):
    def write():
        till.append(1)
        return Paid(receipt=len(till))

    with database.begin() as session:
        once = RequestKey(key, digest("POST", "/pay", asked))
        return once.answer(session, Paid, write, scope=scope, now=NOW)


def test_the_same_request_again_gets_the_first_answer(database, till):
    assert pay(database, till) == pay(database, till) == Paid(receipt=1)
    assert len(till) == 1


def test_another_request_with_the_same_key_is_refused(database, till):
    pay(database, till)
    with pytest.raises(KeyReusedError):
        pay(database, till, asked=b"6 yuan")
    assert len(till) == 1


def test_other_keys_and_other_callers_are_other_requests(database, till):
    assert [pay(database, till).receipt, pay(database, till, key="key-2").receipt] == [1, 2]
    assert pay(database, till, scope="device:2").receipt == 3


def test_a_failed_write_leaves_the_key_free(database, till):
    with pytest.raises(ZeroDivisionError), database.begin() as session:
        RequestKey("key-1", digest("POST", "/pay", b"5 yuan")).answer(
            session, Paid, lambda: Paid(receipt=1 // 0), scope="device:1", now=NOW
        )
    assert pay(database, till) == Paid(receipt=1)


def test_of_many_at_the_same_moment_one_writes_and_all_get_its_answer(database, till):
    answers, barrier = [], threading.Barrier(6)

    def ask():
        barrier.wait()
        answers.append(pay(database, till).receipt)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [1] * 6
    assert len(till) == 1


def test_old_keys_are_forgotten(database, till):
    pay(database, till)
    with database.begin() as session:
        forget(session, NOW)
    assert pay(database, till) == Paid(receipt=1)
    with database.begin() as session:
        forget(session, NOW + timedelta(seconds=1))
    assert pay(database, till) == Paid(receipt=2)


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=5))
def test_order_and_spacing_of_a_json_body_do_not_matter(body):
    import json

    turned = dict(reversed(body.items()))
    assert digest("POST", "/x", json.dumps(body).encode()) == digest(
        "POST", "/x", json.dumps(turned, indent=3).encode()
    )


def test_method_path_and_body_matter():
    digests = {digest(*asked) for asked in [("POST", "/x", b"1"), ("PUT", "/x", b"1"), ("POST", "/y", b"1")]}
    assert len(digests | {digest("POST", "/x", b"2"), digest("POST", "/x", b"not json")}) == 5
