"""A token says who somebody was: what they may do is asked at each request."""

from datetime import timedelta

import pytest

from accounts import people
from accounts.vocabulary import DeviceRole, Role
from tests.databases import ON_SQLITE

GOOD = "correct horse battery"

pytestmark = ON_SQLITE


def sign_in(campus, number, password=GOOD):
    form = {"grant_type": "password", "username": number, "password": password}
    return campus.client.post("/api/v1/tokens", data=form).json()


def refresh(campus, token):
    return campus.client.post("/api/v1/tokens", data={"grant_type": "refresh_token", "refresh_token": token})


def me(campus, tokens):
    answer = campus.client.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    return answer.status_code if answer.status_code == 200 else answer.json()["code"]


@pytest.fixture
def holder(campus):
    person = campus.person()
    campus.passwords(person.id, portal=GOOD)
    return person


def set_state(campus, person_id, state, headers):
    return campus.client.put(f"/api/v1/people/{person_id}/state", json={"state": state}, headers=headers)


def test_a_suspended_admin_does_not_release_itself_or_anybody(campus):
    first, second, student = campus.person(), campus.person(), campus.person()
    old = campus.as_person(first.id, Role.ADMIN)
    assert set_state(campus, first.id, "suspended", campus.as_person(second.id, Role.ADMIN)).status_code == 200
    for person in (first, student):
        refused = set_state(campus, person.id, "active", old)
        assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")
    assert campus.client.get("/api/v1/people", headers=old).status_code == 401


def test_a_demoted_admin_loses_the_role_at_once(campus):
    first, second = campus.person(), campus.person()
    old = campus.as_person(first.id, Role.ADMIN)
    roles = f"/api/v1/people/{first.id}/roles"
    taken = campus.client.put(roles, json={"roles": []}, headers=campus.as_person(second.id, Role.ADMIN))
    assert taken.json()["roles"] == ["holder"]
    assert campus.client.put(roles, json={"roles": ["admin"]}, headers=old).status_code == 401


def test_roles_are_those_of_this_moment_and_not_of_the_token(campus):
    person = campus.person()
    with_role = campus.as_person(person.id, Role.CASHIER)
    assert campus.client.get("/api/v1/people", headers=with_role).status_code == 200
    campus.as_person(person.id)  # takes the role away and ends no sign-in
    assert campus.client.get("/api/v1/people", headers=with_role).json()["code"] == "role_required"


def test_an_account_whose_validity_is_over_is_refused(campus):
    person = campus.person(valid_until=campus.clock.now + timedelta(minutes=5))
    token = campus.as_person(person.id)
    assert campus.client.get("/api/v1/me", headers=token).status_code == 200
    campus.clock.forward(minutes=5)
    assert campus.client.get("/api/v1/me", headers=token).status_code == 401


def test_signing_out_ends_the_access_token_too(campus, holder):
    for token in ("refresh_token", "access_token"):
        tokens, other = sign_in(campus, holder.number), sign_in(campus, holder.number)
        assert me(campus, tokens) == 200
        assert campus.client.post("/api/v1/tokens/revoke", data={"token": tokens[token]}).status_code == 204
        assert me(campus, tokens) == "not_signed_in"
        assert refresh(campus, tokens["refresh_token"]).status_code == 401
        assert me(campus, other) == 200, "other sign-ins live on"


def test_a_new_portal_password_ends_the_access_tokens_of_other_sign_ins(campus, holder):
    here, there = sign_in(campus, holder.number), sign_in(campus, holder.number)
    change = {"current": GOOD, "new": "another good sentence"}
    headers = {"Authorization": f"Bearer {here['access_token']}"}
    assert campus.client.put("/api/v1/me/passwords/portal", json=change, headers=headers).status_code == 204
    assert me(campus, there) == "not_signed_in"
    assert me(campus, here) == 200


def test_a_reset_at_the_counter_ends_access_tokens(campus, holder):
    tokens = sign_in(campus, holder.number)
    address = f"/api/v1/people/{holder.id}/passwords/portal/reset"
    assert campus.client.post(address, headers=campus.as_role(Role.CASHIER)).status_code == 200
    assert me(campus, tokens) == "not_signed_in"


def test_a_copied_refresh_token_ends_the_access_tokens_of_both(campus, holder):
    first = sign_in(campus, holder.number)
    second = refresh(campus, first["refresh_token"]).json()
    assert me(campus, second) == 200
    assert refresh(campus, first["refresh_token"]).json()["reused"] is True
    assert me(campus, first) == me(campus, second) == "not_signed_in"


def test_a_sign_in_ends_some_day_however_often_it_is_refreshed(make_campus):
    campus = make_campus(longest_sign_in=timedelta(days=40))
    person = campus.person()
    campus.passwords(person.id, portal=GOOD)
    tokens = sign_in(campus, person.number)
    for _ in range(3):
        campus.clock.forward(days=13)
        tokens = refresh(campus, tokens["refresh_token"]).json()
        assert me(campus, tokens) == 200
    campus.clock.forward(days=1)
    assert refresh(campus, tokens["refresh_token"]).json()["code"] == "refresh_refused"
    assert me(campus, tokens) == "not_signed_in"


def test_the_access_token_does_not_outlive_the_sign_in(make_campus):
    campus = make_campus(longest_sign_in=timedelta(minutes=3))
    person = campus.person()
    campus.passwords(person.id, portal=GOOD)
    tokens = sign_in(campus, person.number)
    campus.clock.forward(minutes=3)
    assert me(campus, tokens) == "not_signed_in"


def test_a_revoked_device_is_refused_at_once(campus):
    device = campus.as_device(DeviceRole.DESK)
    holder = campus.person()
    campus.card(holder)
    shown = {"uid": "04A1B2C3D4E580"}
    assert campus.client.post("/api/v1/identify", json=shown, headers=device).status_code == 200
    admin = campus.as_role(Role.ADMIN)
    (listed,) = campus.client.get("/api/v1/devices", headers=admin).json()["items"]
    assert campus.client.delete(f"/api/v1/devices/{listed['id']}", headers=admin).status_code == 204
    assert campus.client.post("/api/v1/identify", json=shown, headers=device).json()["code"] == "not_a_device"


def test_the_command_lines_grant_ends_sign_ins(campus, holder):
    tokens = sign_in(campus, holder.number)
    with campus.database.begin() as session:
        person = people.get(session, holder.id)
        people.set_roles(session, person, {Role.REVIEWER}, by="system", now=campus.clock.now)
    assert me(campus, tokens) == "not_signed_in"
