"""Staff sign-in against a loopback OpenID Connect issuer that really signs."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.vocabulary import PersonKind
from tests.accounts.oidc_issuer import Issuer, connected, open_issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with open_issuer() as issuer:
        yield issuer


@pytest.fixture
def campus(make_campus, issuer):
    campus = make_campus(identity_providers=connected(issuer))
    campus.person(number="F0001", kind=PersonKind.STAFF)
    return campus


def begin(campus) -> str:
    return campus.client.post("/api/v1/staff-sign-in").json()["address"]


def complete(campus, state, code):
    return campus.client.post("/api/v1/staff-sign-in/complete", json={"state": state, "code": code})


def test_staff_sign_in_through_the_provider(campus, issuer):
    answer = complete(campus, *issuer.visit(begin(campus)))
    assert answer.status_code == 200, answer.text
    assert not answer.json()["must_change_password"]
    me = campus.client.get("/api/v1/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    assert me.json()["number"] == "F0001"


def test_a_state_works_once_and_for_ten_minutes(campus, issuer):
    state, code = issuer.visit(begin(campus))
    assert complete(campus, state, code).status_code == 200
    assert complete(campus, state, code).json()["code"] == "staff_sign_in_refused"
    state, code = issuer.visit(begin(campus))
    campus.clock.forward(minutes=10)
    assert complete(campus, state, code).json()["code"] == "staff_sign_in_refused"
    assert complete(campus, "made up", "code-0").json()["code"] == "staff_sign_in_refused"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another attempt"},
        {"aud": "somebody else"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"preferred_username": None},
    ],
)
def test_a_token_that_says_something_else_is_refused(campus, issuer, claims):
    issuer.claims = claims
    assert complete(campus, *issuer.visit(begin(campus))).json()["code"] == "staff_sign_in_refused"


def test_a_token_under_another_key_is_refused_and_a_rotated_key_is_fetched(campus, issuer):
    assert complete(campus, *issuer.visit(begin(campus))).status_code == 200
    genuine = issuer.key
    issuer.key = rsa.generate_private_key(65537, 2048)
    state, code = issuer.visit(begin(campus))
    assert complete(campus, state, code).json()["code"] == "staff_sign_in_refused", "same id, another key"
    issuer.key_id = "two"
    assert complete(campus, *issuer.visit(begin(campus))).status_code == 200
    issuer.key = genuine


def test_only_staff_of_this_campus_come_in(campus, issuer):
    issuer.number = "F0404"
    assert complete(campus, *issuer.visit(begin(campus))).json()["code"] == "no_staff_account"
    issuer.number = campus.person().number
    assert complete(campus, *issuer.visit(begin(campus))).json()["code"] == "no_staff_account"


def test_without_a_provider_or_with_a_dead_one_the_answer_is_503(make_campus):
    nobody = make_campus().client.post("/api/v1/staff-sign-in")
    assert (nobody.status_code, nobody.json()["code"]) == (503, "staff_sign_in_unavailable")
    dead = make_campus(identity_providers=connected(Issuer(address="http://127.0.0.1:9"))).client.post(
        "/api/v1/staff-sign-in"
    )
    assert dead.json()["code"] == "staff_sign_in_unavailable"
