"""Sign-in through identity providers that really run: django-mama-cas and django-oidc-provider."""

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from accounts.sign_in.cas import CasProvider
from accounts.sign_in.identity_providers import (
    Answer,
    Attempt,
    ConnectedProvider,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from accounts.sign_in.oidc import OidcProvider
from accounts.tables import AuditEntry
from accounts.vocabulary import PersonKind
from campusgate.doctor.identity_providers import check_identity_providers
from campusgate.settings import Settings
from tests import forked
from tests.accounts import university
from tests.accounts.conftest import Campus
from tests.accounts.university import BACK, CLIENT, SECRET, University

ATTEMPT = Attempt("a-state_of_ours", "a nonce", "v" * 64)
EVERYBODY = (PersonKind.STAFF, PersonKind.STUDENT)


@pytest.fixture(scope="module")
def ids() -> Iterator[University]:
    for name in ("mama_cas", "oidc_provider"):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: make setup")
    with forked.running(university.serve) as (_, pipe):
        yield University(f"http://127.0.0.1:{pipe.recv()}")


def cas(ids: University, **given: object) -> CasProvider:
    return CasProvider(**({"address": f"{ids.address}/cas", "redirect_uri": BACK} | given))


def oidc(ids: University, **given: object) -> OidcProvider:
    usual = {
        "issuer": f"{ids.address}/oidc",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uri": BACK,
        # It takes the secret in Basic as it stands, where RFC 6749 has it encoded.
        "client_authentication": "client_secret_post",
    }
    return OidcProvider(**(usual | given))


@pytest.fixture
def campus(make_campus: Callable[..., Campus], ids: University) -> Campus:
    providers = {
        "cas": ConnectedProvider(cas(ids), EVERYBODY),
        "oidc": ConnectedProvider(oidc(ids), (PersonKind.STAFF,)),
    }
    campus = make_campus(identity_providers=providers)
    campus.person(number="F0001", kind=PersonKind.STAFF)
    campus.person(number="20260001", kind=PersonKind.STUDENT)
    return campus


def sign_in(campus: Campus, ids: University, user: str, provider: str):
    address = campus.client.post("/api/v1/staff-sign-in", params={"provider": provider}).json()["address"]
    brought = ids.visit(address, user)
    code = brought.get("ticket") or brought["code"]
    return campus.client.post("/api/v1/staff-sign-in/complete", json={"state": brought["state"], "code": code})


@pytest.mark.parametrize(("provider", "user"), [("cas", "F0001"), ("cas", "20260001"), ("oidc", "F0001")])
def test_people_sign_in(campus, ids, provider, user):
    tokens = sign_in(campus, ids, user, provider)
    assert tokens.status_code == 200, tokens.text
    headers = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    assert campus.client.get("/api/v1/me", headers=headers).json()["number"] == user
    with campus.database.read() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_in.begin"))
    assert json.loads(entry.details) == {"method": provider}


def test_whom_a_provider_is_not_for_does_not_come_in(campus, ids):
    assert sign_in(campus, ids, "20260001", "oidc").json()["code"] == "no_staff_account", "a student"
    assert sign_in(campus, ids, "F0404", "cas").json()["code"] == "no_staff_account", "unknown here"


def test_a_ticket_is_good_once_and_for_the_attempt_that_asked_for_it(ids):
    provider = cas(ids)
    ticket = ids.visit(provider.address(ATTEMPT, browser=""), "F0001")["ticket"]
    with pytest.raises(ProviderRefusedError):
        provider.number(Answer(ticket), Attempt("of_another", "n", "v"))
    ticket = ids.visit(provider.address(ATTEMPT, browser=""), "F0001")["ticket"]
    assert provider.number(Answer(ticket), ATTEMPT) == "F0001"
    with pytest.raises(ProviderRefusedError):
        provider.number(Answer(ticket), ATTEMPT)


@pytest.mark.parametrize("validation", ["p3/serviceValidate", "serviceValidate"])
def test_the_number_may_be_an_attribute(ids, validation):
    provider = cas(ids, number_attribute="employeeNumber", validation=validation)
    ticket = ids.visit(provider.address(ATTEMPT, browser=""), "F0001")["ticket"]
    assert provider.number(Answer(ticket), ATTEMPT) == "F0001"


@pytest.mark.parametrize("attribute", ["card", "empty", "absent"])
def test_an_attribute_that_is_not_one_value_names_nobody(ids, attribute):
    provider = cas(ids, number_attribute=attribute)
    ticket = ids.visit(provider.address(ATTEMPT, browser=""), "F0001")["ticket"]
    with pytest.raises(ProviderRefusedError, match=attribute):
        provider.number(Answer(ticket), ATTEMPT)


def test_a_code_is_good_once_and_with_its_verifier(ids):
    provider = oidc(ids)
    address = provider.address(ATTEMPT, browser="")
    assert parse_qs(urlsplit(address).query)["code_challenge_method"] == ["S256"]
    code = ids.visit(address, "F0001")["code"]
    with pytest.raises(ProviderRefusedError):
        provider.number(Answer(code), Attempt(ATTEMPT.state, ATTEMPT.nonce, "w" * 64))
    code = ids.visit(address, "F0001")["code"]
    assert provider.number(Answer(code), ATTEMPT) == "F0001", "from the user info: the ID token does not say it"
    with pytest.raises(ProviderRefusedError):
        provider.number(Answer(code), ATTEMPT)


def test_a_registration_that_the_provider_does_not_have_is_found(ids):
    assert cas(ids).check() == "validates tickets for this server"
    with pytest.raises(ProviderUnavailableError, match=r"register .*/console/staff-sign-in/complete/… as a service"):
        cas(ids, address=f"{ids.address}/elsewhere").check()
    usual = {"issuer": f"{ids.address}/oidc", "client_id": CLIENT, "client_secret": SECRET, "redirect_uri": BACK}
    both = Settings(oidc=usual, cas={"address": f"{ids.address}/elsewhere", "redirect_uri": BACK})
    assert [(one.status, one.says.partition(";")[0]) for one in check_identity_providers(both)] == [
        ("fault", "cas: the CAS server refuses to sign anybody in for this server"),
        ("ok", "oidc: the identity provider answers with 1 key"),
    ]
    with pytest.raises(ProviderUnavailableError, match="does not answer"):
        oidc(ids, issuer=f"{ids.address}/elsewhere").check()
