"""What identity providers must not be believed, and those that do not answer."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from accounts.sign_in.cas import CasProvider
from accounts.sign_in.identity_providers import (
    Answer,
    Attempt,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from accounts.sign_in.provider_http import ProviderHttp
from accounts.sign_in.signing_keys import find_keys
from accounts.vocabulary import PersonKind
from tests.accounts.oidc_issuer import Issuer, connected, open_issuer
from tests.accounts.speaker import Speaker
from tests.served import served
from web.concurrency_limit import ConcurrencyLimit

ATTEMPT = Attempt("state", "a nonce", "v" * 64)
TICKET = Answer("ST-1-x")


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    with served(Speaker()) as speaker:
        yield speaker


@pytest.fixture
def cas(speaker: Speaker) -> CasProvider:
    return CasProvider(address=speaker.url, redirect_uri="https://gate.example/back")


def response(inner: str, namespace: str = "http://www.yale.edu/tp/cas") -> bytes:
    return f'<cas:serviceResponse xmlns:cas="{namespace}">{inner}</cas:serviceResponse>'.encode()


def success(inner: str) -> bytes:
    return response(f"<cas:authenticationSuccess>{inner}</cas:authenticationSuccess>")


USER = "<cas:user>F0001</cas:user>"
EXPANDED = b'<!DOCTYPE x [<!ENTITY n "F0001">]>' + success("<cas:user>&n;</cas:user>")


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ((200, success("<cas:user> </cas:user>")), ProviderRefusedError),
        ((200, success("<cas:user>F0001</cas:user><cas:user>F0002</cas:user>")), ProviderRefusedError),
        ((200, success("<user>F0001</user>")), ProviderRefusedError),
        ((200, response('<cas:authenticationFailure code="INVALID_TICKET"/>')), ProviderRefusedError),
        ((200, response('<cas:authenticationFailure code="INTERNAL_ERROR"/>')), ProviderUnavailableError),
        ((200, response('<cas:authenticationFailure code="UNAUTHORIZED_SERVICE"/>')), ProviderUnavailableError),
        ((200, success(USER) + b"<more/>"), ProviderUnavailableError),
        ((200, response(f"<cas:other>{USER}</cas:other>")), ProviderUnavailableError),
        ((200, response(f"<authenticationSuccess>{USER}</authenticationSuccess>")), ProviderUnavailableError),
        (
            (
                200,
                response(
                    '<cas:authenticationFailure code="INVALID_TICKET"/>'
                    f"<cas:authenticationSuccess>{USER}</cas:authenticationSuccess>"
                ),
            ),
            ProviderUnavailableError,
        ),
        (
            (200, response(f"<cas:authenticationSuccess>{USER}</cas:authenticationSuccess>", "x")),
            ProviderUnavailableError,
        ),
        ((200, EXPANDED), ProviderUnavailableError),
        ((200, success(USER).decode().encode("utf-16")), ProviderUnavailableError),
        ((200, b"<html><body>sign in</body></html>"), ProviderUnavailableError),
        ((200, b"yes\nF0001\n"), ProviderUnavailableError),
        ((200, b""), ProviderUnavailableError),
        ((200, b" " * 1_048_577 + success(USER)), ProviderUnavailableError),
        ((302, success(USER)), ProviderUnavailableError),
        ((404, success(USER)), ProviderUnavailableError),
        ((500, success(USER)), ProviderUnavailableError),
    ],
    ids=range(20),
)
def test_a_cas_answer_that_names_nobody(speaker, cas, answer, refusal):
    speaker.answer = answer
    with pytest.raises(refusal):
        cas.number(TICKET, ATTEMPT)


@pytest.mark.parametrize(
    "inner",
    [
        "<cas:user>x</cas:user><cas:attributes><cas:no>F0001</cas:no></cas:attributes>",
        "<cas:user>x</cas:user><cas:attributes><cas:no>F0001</cas:no><cas:no> F0001 </cas:no></cas:attributes>",
        '<cas:user>x</cas:user><cas:attributes><cas:attribute name="no" value="F0001"/></cas:attributes>',
        '<cas:user>x</cas:user><cas:attributes><cas:attribute name="no">F0001</cas:attribute></cas:attributes>',
    ],
)
def test_attributes_are_read_as_servers_write_them(speaker, inner):
    speaker.answer = (200, success(inner))
    provider = CasProvider(address=speaker.url, redirect_uri="https://gate.example/back", number_attribute="no")
    assert provider.number(TICKET, ATTEMPT) == "F0001"


@pytest.mark.parametrize("ticket", ["", "PT-1-x", "ST-", "ST-1 x", "ST-1\n", "ST-" + "x" * 254, "ST-é"])
def test_what_is_no_ticket_is_asked_of_nobody(speaker, cas, ticket):
    speaker.asked.clear()
    with pytest.raises(ProviderRefusedError):
        cas.number(Answer(ticket), ATTEMPT)
    assert not speaker.asked


def test_an_answer_that_comes_byte_by_byte_ends(speaker):
    speaker.answer, speaker.drips = (200, success(USER)), True
    try:
        http = ProviderHttp("cas", timeout_s=0.1)
        with pytest.raises(ProviderUnavailableError):
            CasProvider(address=speaker.url, redirect_uri="https://gate.example/back", http=http).number(
                TICKET, ATTEMPT
            )
    finally:
        speaker.released.set()
        speaker.drips = False


def test_a_provider_that_does_not_answer_takes_few_threads(make_campus):
    none = ConcurrencyLimit(at_once=1, max_waiting=0)
    campus = make_campus(identity_providers=connected(Issuer(address="http://127.0.0.1:9")), asking=none)
    assert campus.client.post("/api/v1/staff-sign-in").json()["code"] == "busy"
    assert (
        campus.client.post("/api/v1/staff-sign-in/complete", json={"state": "s", "code": "c"}).json()["code"] == "busy"
    )


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with open_issuer() as issuer:
        yield issuer


@pytest.mark.parametrize("number", ["Ｆ0001", "F0001\u200b", " F0001", "F0001 ", "F00\u0000", True, 1.5, ""])
def test_what_only_looks_like_a_number_signs_nobody_in(make_campus, issuer, number):
    campus = make_campus(identity_providers=connected(issuer))
    campus.person(number="F0001", kind=PersonKind.STAFF)
    campus.person(number="1", kind=PersonKind.STAFF)
    for said, status in ((number, {401, 403}), ("F0001", {200})):
        issuer.claims = {"preferred_username": said}
        state, code = issuer.visit(campus.client.post("/api/v1/staff-sign-in").json()["address"])
        answer = campus.client.post("/api/v1/staff-sign-in/complete", json={"state": state, "code": code})
        assert answer.status_code in status


def ask(issuer: Issuer, sent_by: str | None = None, **given: Any) -> str:
    provider = connected(issuer, **given)["oidc"].provider
    _, code = issuer.visit(provider.address(ATTEMPT, browser=""))
    return provider.number(Answer(code, sent_by), ATTEMPT)


def test_an_answer_of_another_issuer_is_refused(issuer):
    assert ask(issuer) == ask(issuer, issuer.address) == "F0001"
    with pytest.raises(ProviderRefusedError):
        ask(issuer, "https://evil.example")
    issuer.discovery = {"authorization_response_iss_parameter_supported": True}
    assert ask(issuer, issuer.address) == "F0001"
    with pytest.raises(ProviderRefusedError):
        ask(issuer)


@pytest.mark.parametrize(
    ("audience", "party", "is_ours"),
    [
        (["campusgate"], None, True),
        (["campusgate", "other"], "campusgate", True),
        (["campusgate", "other"], None, False),
        (["campusgate", "other"], "other", False),
        ("campusgate", "other", False),
    ],
)
def test_a_token_for_several_says_that_it_is_for_us(issuer, audience, party, is_ours):
    issuer.claims = {"aud": audience} | ({"azp": party} if party else {})
    with contextlib.nullcontext() if is_ours else pytest.raises(ProviderRefusedError):
        assert ask(issuer) == "F0001"


def test_the_number_comes_from_the_user_info_of_the_same_person_alone(issuer):
    issuer.claims = {"preferred_username": None}
    issuer.user_info = {"sub": "abc", "preferred_username": "F0002"}
    assert ask(issuer) == "F0002"
    issuer.user_info = {"sub": "another", "preferred_username": "F0002"}
    with pytest.raises(ProviderRefusedError, match="somebody else"):
        ask(issuer)
    issuer.user_info = {"sub": "abc"}
    with pytest.raises(ProviderRefusedError, match="preferred_username"):
        ask(issuer)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_secret_with_signs_is_shown_as_the_standard_has_it(issuer, method):
    issuer.secret = "a+b %c:d/é"
    assert ask(issuer, client_authentication=method) == "F0001"
    issuer.discovery = {"token_endpoint_auth_methods_supported": [method, "private_key_jwt"]}
    assert ask(issuer) == "F0001", "as the issuer offers it"
    assert issuer.shown == {method}


KEYS: dict[str, tuple[Callable[[], Any], type[jwt.algorithms.Algorithm]]] = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), jwt.algorithms.RSAAlgorithm),
    "PS256": (lambda: rsa.generate_private_key(65537, 2048), jwt.algorithms.RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, jwt.algorithms.OKPAlgorithm),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_keys_need_not_say_what_they_are_for(issuer, algorithm):
    make, kind = KEYS[algorithm]
    issuer.key, issuer.algorithm = make(), algorithm
    other = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key()))
    mine = json.loads(kind.to_jwk(issuer.key.public_key()))
    issuer.published = [other, {"kty": "oct", "k": "aaaa"}, mine | {"use": "enc"}, mine]
    issuer.key_id = None
    assert ask(issuer) == "F0001"


def test_a_token_signed_with_what_everybody_knows_is_refused(issuer):
    public = issuer.published_key()
    assert find_keys([public], {"alg": "RS256"})
    for algorithm in ("none", "HS256", "ES256", None, ["RS256"]):
        assert not find_keys([public, {"kty": "oct", "k": "aaaa"}], {"alg": algorithm})
    assert not find_keys([public | {"n": "!"}, public | {"kty": "EC"}], {"alg": "RS256"})
