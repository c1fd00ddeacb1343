"""Sign-in, passwords and tokens through the API."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from sqlalchemy import text

from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords, NationalIdError
from accounts.people_import.importer import Importer
from accounts.people_import.people_list import parse
from accounts.tables import Person
from accounts.vocabulary import PasswordPurpose, PersonState, Role
from tests.databases import ON_BOTH, ON_SQLITE
from web.rate_limits import RateLimiter

pytestmark = ON_SQLITE


GOOD = "correct horse battery"


def sign_in(campus, number, password):
    form = {"grant_type": "password", "username": number, "password": password}
    return campus.client.post("/api/v1/tokens", data=form)


def refresh(campus, token):
    return campus.client.post("/api/v1/tokens", data={"grant_type": "refresh_token", "refresh_token": token})


def bearer(answer):
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def holder(campus) -> Person:
    person = campus.person()
    campus.passwords(person.id, portal=GOOD, query="135790", consumption="246801")
    return person


def test_the_first_password_is_prefix_and_the_last_six_with_a_capital_x():
    first = FirstPasswords("Jnmc@#").of("11010120080101129x")
    assert first == {
        PasswordPurpose.PORTAL: "Jnmc@#01129X",
        PasswordPurpose.QUERY: "011290",
        PasswordPurpose.CONSUMPTION: "011290",
    }


@pytest.mark.parametrize("text", ["", "12345", "abcdef", "12X456", "1234567890a"])
def test_what_ends_unlike_a_national_id_gives_no_password_and_is_not_repeated(text):
    with pytest.raises(NationalIdError) as error:
        FirstPasswords("p").of(text)
    assert not text or text not in str(error.value)


def test_a_first_password_opens_only_the_way_to_a_new_one(campus):
    row = parse(
        2,
        {"number": "20269999", "name": "李华", "kind": "student", "national_id": "11010120080101129x"},
        campus.services.zone,
    )
    importer = Importer(campus.database, campus.services.hasher, campus.services.first_passwords, "system")
    importer.run([row], now=campus.clock.now)
    first = sign_in(campus, "20269999", "Test@#01129X")
    assert first.status_code == 200
    assert first.json()["must_change_password"]
    assert campus.client.get("/api/v1/me", headers=bearer(first)).json()["code"] == "password_change_required"
    change = {"current": "Test@#01129X", "new": GOOD}
    assert campus.client.put("/api/v1/me/passwords/portal", json=change, headers=bearer(first)).status_code == 204
    fresh = refresh(campus, first.json()["refresh_token"])
    assert not fresh.json()["must_change_password"]
    assert campus.client.get("/api/v1/me", headers=bearer(fresh)).json()["number"] == "20269999"
    assert sign_in(campus, "20269999", "Test@#01129X").json()["code"] == "sign_in_refused"


@ON_BOTH
def test_neither_passwords_nor_id_digits_are_stored(campus):
    row = parse(
        2, {"number": "1", "name": "n", "kind": "staff", "national_id": "110101200801019873"}, campus.services.zone
    )
    Importer(campus.database, Hasher(), FirstPasswords("p"), "system").run([row], now=campus.clock.now)
    with campus.database.read() as session:
        tables = ("passwords", "people", "audit", "person_changes")
        stored = " ".join(str(line) for table in tables for line in session.execute(text(f"SELECT * FROM {table}")))
        hashes = session.scalars(text("SELECT hash FROM passwords")).all()
    assert "019873" not in stored
    assert len(hashes) == 3
    assert all(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for one in hashes)


def test_wrong_number_and_wrong_password_look_the_same(campus, holder):
    wrong = sign_in(campus, holder.number, "wrong")
    nobody = sign_in(campus, "nobody", "wrong")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert wrong.json()["error"] == "invalid_grant"


def test_five_wrong_tries_lock_that_password_for_fifteen_minutes(campus, holder):
    codes = [sign_in(campus, holder.number, f"wrong {n}").json()["code"] for n in range(5)]
    assert codes == ["sign_in_refused"] * 4 + ["password_locked"]
    assert sign_in(campus, holder.number, GOOD).json()["code"] == "password_locked"
    change = {"current": "135790", "new": "975318"}
    query = campus.client.put("/api/v1/me/passwords/query", json=change, headers=campus.as_person(holder.id))
    assert query.status_code == 204, "the other passwords are not locked"
    campus.clock.forward(minutes=14, seconds=59)
    assert sign_in(campus, holder.number, GOOD).json()["code"] == "password_locked"
    campus.clock.forward(seconds=1)
    assert sign_in(campus, holder.number, GOOD).status_code == 200


def test_a_right_password_forgives_the_wrong_ones(campus, holder):
    for _ in range(3):
        for n in range(4):
            sign_in(campus, holder.number, f"wrong {n}")
        assert sign_in(campus, holder.number, GOOD).status_code == 200


def test_guesses_in_parallel_count_like_guesses_in_a_row(campus, holder):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: sign_in(campus, holder.number, f"wrong {n}").json()["code"], range(16)))
    assert answers.count("sign_in_refused") == 4
    assert answers.count("password_locked") == 12


def test_one_address_may_not_guess_without_end(make_campus):
    campus = make_campus(guesses=RateLimiter(3, timedelta(minutes=5)))
    assert [sign_in(campus, f"nobody{n}", "x").status_code for n in range(4)] == [401, 401, 401, 429]
    campus.clock.forward(minutes=5)
    assert sign_in(campus, "nobody", "x").status_code == 401


def test_a_refresh_token_works_once_and_its_copy_ends_the_sign_in(campus, holder):
    first = sign_in(campus, holder.number, GOOD).json()
    second = refresh(campus, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    reused = refresh(campus, first["refresh_token"])
    assert (reused.status_code, reused.json()["code"], reused.json()["reused"]) == (401, "refresh_refused", True)
    assert refresh(campus, second["refresh_token"]).json()["code"] == "refresh_refused"
    other = sign_in(campus, holder.number, GOOD).json()
    assert refresh(campus, other["refresh_token"]).status_code == 200, "other sign-ins live on"


@ON_BOTH
def test_of_two_refreshes_at_the_same_moment_one_wins(campus, holder):
    token = sign_in(campus, holder.number, GOOD).json()["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refresh(campus, token).status_code, range(4)))
    assert sorted(answers) == [200, 401, 401, 401]


def test_a_made_up_refresh_token_ends_nothing(campus, holder):
    token = sign_in(campus, holder.number, GOOD).json()["refresh_token"]
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    assert refresh(campus, forged).json()["code"] == "refresh_refused"
    assert refresh(campus, token).status_code == 200


def test_signing_out_ends_the_refresh_token(campus, holder):
    token = sign_in(campus, holder.number, GOOD).json()["refresh_token"]
    assert campus.client.post("/api/v1/tokens/revoke", data={"token": token}).status_code == 204
    assert refresh(campus, token).json()["code"] == "refresh_refused"
    assert campus.client.post("/api/v1/tokens/revoke", data={"token": "nonsense"}).status_code == 204


def test_a_refresh_token_left_alone_for_a_month_ends(campus, holder):
    token = sign_in(campus, holder.number, GOOD).json()["refresh_token"]
    campus.clock.forward(days=30)
    assert refresh(campus, token).json()["code"] == "refresh_refused"


def test_a_suspended_account_cannot_sign_in_or_refresh(campus, holder):
    token = sign_in(campus, holder.number, GOOD).json()["refresh_token"]
    address = f"/api/v1/people/{holder.id}/state"
    campus.client.put(address, json={"state": PersonState.SUSPENDED}, headers=campus.as_role(Role.ADMIN))
    assert refresh(campus, token).json()["code"] == "refresh_refused", "its sign-ins have ended"
    assert sign_in(campus, holder.number, GOOD).json()["standing"] == "suspended"


@ON_BOTH
def test_a_new_portal_password_ends_every_other_sign_in(campus, holder):
    here, there = sign_in(campus, holder.number, GOOD), sign_in(campus, holder.number, GOOD)
    change = {"current": GOOD, "new": "another good sentence"}
    assert campus.client.put("/api/v1/me/passwords/portal", json=change, headers=bearer(here)).status_code == 204
    assert refresh(campus, there.json()["refresh_token"]).status_code == 401
    assert refresh(campus, here.json()["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("purpose", "new"),
    [
        ("portal", "short"),
        ("portal", "aaaaaaaaaaaa"),
        ("portal", "my number is 20260001"),
        ("portal", GOOD),
        ("query", "123456"),
        ("query", "987654"),
        ("query", "111111"),
        ("query", "260001"),
        ("query", "12345a"),
        ("query", "1234567"),
    ],
)
def test_weak_passwords_are_refused(campus, holder, purpose, new):
    current = {"portal": GOOD, "query": "135790"}[purpose]
    refused = campus.client.put(
        f"/api/v1/me/passwords/{purpose}", json={"current": current, "new": new}, headers=campus.as_person(holder.id)
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "weak_password")


def test_the_consumption_password_is_changed_in_the_app_by_whoever_knows_the_present_one(campus, holder):
    def change(current):
        return campus.client.put(
            "/api/v1/me/passwords/consumption",
            json={"current": current, "new": "975318"},
            headers=campus.as_person(holder.id),
        )

    assert change("246802").json()["code"] == "password_wrong"
    assert change("246801").status_code == 204
    assert change("246801").json()["code"] == "password_wrong"


def test_the_counter_sets_a_forgotten_password_that_must_be_changed(campus, holder):
    address = f"/api/v1/people/{holder.id}/passwords/portal/reset"
    assert campus.client.post(address, headers=campus.as_person(holder.id)).json()["code"] == "role_required"
    made = campus.client.post(address, headers=campus.as_role(Role.CASHIER)).json()["password"]
    assert sign_in(campus, holder.number, GOOD).status_code == 401
    assert sign_in(campus, holder.number, made).json()["must_change_password"]


def test_what_was_sent_is_not_sent_back(campus):
    answer = campus.client.post("/api/v1/tokens", data={"grant_type": "password", "password": "s3cret" * 100})
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


def test_the_form_is_that_of_oauth2(campus, holder):
    fields = parse_qs(f"grant_type=password&username={holder.number}&password={GOOD}&scope=&client_id=x")
    answer = campus.client.post("/api/v1/tokens", data=fields).json()
    assert {"access_token", "token_type", "expires_in", "refresh_token"} <= answer.keys()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 600)
