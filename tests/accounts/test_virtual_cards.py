"""Virtual cards and their codes, through the API and as a phone makes them."""

import base64
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from accounts import people
from accounts.cards import virtual_code
from accounts.cards.channel_tokens import SignedChannelUsers
from accounts.cards.virtual_cards import LEASE, ChannelRefusedError, ChannelUser
from accounts.cards.virtual_code import InvalidCodeError
from accounts.people import phones
from accounts.people.notices import AccountNotice
from accounts.vocabulary import Channel, DeviceRole, Role
from messages.signed_codes import CodeSigner
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


SECRETS = st.binary(min_size=32, max_size=32)
HANDLES = st.from_regex(r"[0-9]{7}", fullmatch=True)
SECONDS = st.integers(0, 2**40)


class LoopbackChannels:
    """Channels whose token is `user:phone`."""

    def user(self, channel: Channel, token: str) -> ChannelUser:
        user, found, phone = token.partition(":")
        if not found:
            raise ChannelRefusedError
        return ChannelUser(f"{channel}-{user}", phone or None)


def phone_code(lease: dict[str, str], second: int) -> str:
    """Make a code as the documentation tells a phone to, without using the server's functions."""
    mac = hmac.new(
        base64.b64decode(lease["secret"]), lease["handle"].encode() + second.to_bytes(8, "big"), hashlib.sha256
    ).digest()
    return f"90{lease['handle']}{int.from_bytes(mac[:16], 'big') % 10**9:09}"


@pytest.fixture
def campus(make_campus):
    return make_campus(channel_users=LoopbackChannels())


@pytest.fixture
def desk(campus):
    return campus.as_device(DeviceRole.DESK)


def identify(campus, desk, code):
    return campus.client.post("/api/v1/identify", json={"code": code}, headers=desk)


def leased(campus, person, card_id):
    answer = campus.client.post(f"/api/v1/me/virtual-cards/{card_id}/lease", headers=campus.as_person(person.id))
    assert answer.status_code == 200, answer.text
    return answer.json()


def now(campus) -> int:
    return int(campus.clock.now.timestamp())


@given(SECRETS, HANDLES, SECONDS)
def test_a_code_is_eighteen_digits_that_no_payment_channel_uses(secret, handle, second):
    code = virtual_code.make(secret, handle, second)
    assert len(code) == 18
    assert code.isdigit()
    assert not 10 <= int(code[:2]) <= 15
    assert not 25 <= int(code[:2]) <= 30
    assert virtual_code.handle_of(code) == handle


@given(SECRETS, HANDLES, st.integers(1000, 2**40), st.integers(-120, 120))
def test_a_code_is_good_for_sixty_seconds_and_a_clock_a_little_fast(secret, handle, second, later):
    code = virtual_code.make(secret, handle, second)
    found = virtual_code.second_of(secret, code, second + later)
    assert found == (second if -5 <= later < 60 else None)


@given(SECRETS, SECRETS, HANDLES, st.integers(1000, 2**40))
def test_a_code_of_another_secret_is_not_taken(secret, other, handle, second):
    if secret != other:
        assert virtual_code.second_of(other, virtual_code.make(secret, handle, second), second) is None


@given(st.text(max_size=20))
def test_what_is_no_code_is_refused(text):
    if not virtual_code.looks_like_one(text):
        with pytest.raises(InvalidCodeError):
            virtual_code.handle_of(text)


def test_a_phone_makes_codes_without_a_network_and_each_works_once(campus, desk):
    person = campus.person()
    lease = leased(campus, person, campus.virtual_card(person))
    campus.clock.forward(hours=20)
    code = phone_code(lease, now(campus))
    assert identify(campus, desk, code).json()["person_id"] == str(person.id)
    again = identify(campus, desk, code)
    assert (again.status_code, again.json()["code"]) == (403, "code_used")
    campus.clock.forward(seconds=1)
    assert identify(campus, desk, phone_code(lease, now(campus))).status_code == 200


def test_a_screenshot_is_dead_after_a_minute_or_after_a_newer_code(campus, desk):
    person = campus.person()
    lease = leased(campus, person, campus.virtual_card(person))
    screenshot = phone_code(lease, now(campus))
    campus.clock.forward(seconds=10)
    assert identify(campus, desk, phone_code(lease, now(campus))).status_code == 200
    assert identify(campus, desk, screenshot).json()["code"] == "code_used"
    screenshot = phone_code(lease, now(campus) + 1)
    campus.clock.forward(seconds=61)
    assert identify(campus, desk, screenshot).json()["code"] == "invalid_code"


def test_of_two_terminals_that_scan_one_screenshot_one_gets_through(campus, desk):
    person = campus.person()
    code = phone_code(leased(campus, person, campus.virtual_card(person)), now(campus))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: identify(campus, desk, code).status_code, range(6)))
    assert sorted(answers) == [200, 403, 403, 403, 403, 403]


def test_a_lease_ends_and_a_new_one_ends_it(campus, desk):
    person = campus.person()
    card_id = campus.virtual_card(person)
    old = leased(campus, person, card_id)
    new = leased(campus, person, card_id)
    assert identify(campus, desk, phone_code(old, now(campus))).json()["code"] == "invalid_code"
    campus.clock.now += LEASE - timedelta(seconds=1)
    assert identify(campus, desk, phone_code(new, now(campus))).status_code == 200
    campus.clock.forward(seconds=2)
    assert identify(campus, desk, phone_code(new, now(campus))).json()["code"] == "code_lease_ended"


def test_a_code_made_on_the_server_leaves_the_phone_its_lease(campus, desk):
    person = campus.person()
    card_id = campus.virtual_card(person)
    lease = leased(campus, person, card_id)
    made = campus.client.post(f"/api/v1/me/virtual-cards/{card_id}/code", headers=campus.as_person(person.id)).json()
    assert identify(campus, desk, made["code"]).status_code == 200
    campus.clock.forward(seconds=1)
    assert identify(campus, desk, phone_code(lease, now(campus))).status_code == 200


def test_the_code_that_gates_read_too_is_one_code_with_the_payment_code(make_campus):
    campus = make_campus(sign_code=CodeSigner(Ed25519PrivateKey.generate(), "main").sign)
    person, desk = campus.person(), campus.as_device(DeviceRole.DESK)
    address = f"/api/v1/me/virtual-cards/{campus.virtual_card(person)}/code"
    made = campus.client.post(address, headers=campus.as_person(person.id)).json()
    assert (len(made["signed_code"]), made["signed_code"][:18]) == (183, made["code"])
    assert identify(campus, desk, made["signed_code"]).json()["person_id"] == str(person.id)
    assert identify(campus, desk, made["code"]).json()["code"] == "code_used"
    assert identify(campus, desk, made["signed_code"] + "0").json()["code"] == "invalid_request"


def test_a_server_without_a_key_makes_codes_that_pay(campus):
    person = campus.person()
    address = f"/api/v1/me/virtual-cards/{campus.virtual_card(person)}/code"
    made = campus.client.post(address, headers=campus.as_person(person.id)).json()
    assert (len(made["code"]), made["signed_code"]) == (18, None)


def test_a_card_of_somebody_else_gives_no_codes(campus):
    card_id = campus.virtual_card(campus.person())
    thief = campus.as_person(campus.person().id)
    for step in ("lease", "code"):
        refused = campus.client.post(f"/api/v1/me/virtual-cards/{card_id}/{step}", headers=thief)
        assert refused.json()["code"] == "not_found"
    assert campus.client.delete(f"/api/v1/me/virtual-cards/{card_id}", headers=thief).status_code == 404


def claim(campus, person, **fields):
    body = {
        "channel": "wechat",
        "channel_token": "anna:",
        "number": person.number,
        "name": person.name,
        "query_password": "135790",
    } | fields
    return campus.client.post("/api/v1/virtual-cards", json=body)


@pytest.fixture
def holder(campus):
    person = campus.person()
    campus.passwords(person.id, query="135790")
    return person


def test_a_claim_needs_number_name_and_query_password(campus, holder):
    assert claim(campus, holder, name="somebody else").json()["code"] == "claim_refused"
    assert claim(campus, holder, number="404").json()["code"] == "claim_refused"
    assert claim(campus, holder, query_password="000000").json()["code"] == "claim_refused"
    assert claim(campus, holder, channel_token="nonsense").json()["code"] == "channel_refused"
    made = claim(campus, holder)
    assert (made.status_code, made.json()["channel"]) == (201, "wechat")


def test_enterprise_wechat_asks_for_the_phone_number_bound_there(campus, holder):
    token = {"channel": "wecom", "channel_token": "anna:+8613800138000"}
    assert claim(campus, holder, **token).json()["code"] == "phone_mismatch"
    assert claim(campus, holder, **token, phone="13900139000").json()["code"] == "phone_mismatch"
    assert claim(campus, holder, **token, phone="138 0013 8000").status_code == 201


def test_whose_card_was_claimed_is_told(make_campus):
    told = []
    campus = make_campus(
        channel_users=LoopbackChannels(),
        notify=lambda _session, person_id, what, **_now: told.append((person_id, what)),
    )
    person = campus.person()
    campus.passwords(person.id, query="135790")
    assert claim(campus, person, query_password="000000").status_code == 403
    assert claim(campus, person).status_code == 201
    assert told == [(person.id, AccountNotice.VIRTUAL_CARD_BOUND)]


def test_a_claim_confirms_nobodys_phone(campus, holder):
    """Whoever knows number, name and password has proved to be nobody's phone."""
    assert claim(
        campus, holder, channel="wecom", channel_token="mallory:+8613800138000", phone="13800138000"
    ).is_success
    me = campus.client.get("/api/v1/me", headers=campus.as_person(holder.id)).json()
    assert not me["phone_confirmed"]


def test_where_a_phone_is_confirmed_no_other_one_claims(campus, holder):
    with campus.database.begin() as session:
        phones.set_confirmed(
            session, people.get(session, holder.id), "+8613900139000", by="system", now=campus.clock.now
        )
    wecom = {"channel": "wecom", "channel_token": "mallory:+8613800138000", "phone": "13800138000"}
    assert claim(campus, holder, **wecom).json()["code"] == "phone_mismatch"
    own = {"channel": "wecom", "channel_token": "anna:+8613900139000", "phone": "13900139000"}
    assert claim(campus, holder, **own).status_code == 201


def test_a_first_query_password_claims_and_releases_nothing(campus):
    """It is the last six of the national ID, which others have seen."""
    person = campus.person()
    campus.card(person)
    campus.passwords(person.id, query="135790", must_change=True)
    assert claim(campus, person).json()["code"] == "password_change_required"
    me = campus.as_person(person.id)
    assert campus.client.get("/api/v1/me/cards", headers=me).json()[0]["kind"] == "physical"
    assert campus.client.post("/api/v1/me/loss", headers=me).status_code == 201
    body = {"query_password": "135790"}
    answer = campus.client.post("/api/v1/me/loss/release", json=body, headers=me)
    assert answer.json()["code"] == "password_change_required"

    change = {"current": "135790", "new": "846202"}
    assert campus.client.put("/api/v1/me/passwords/query", json=change, headers=me).status_code == 204
    body = {"query_password": "846202"}
    assert campus.client.post("/api/v1/me/loss/release", json=body, headers=me).status_code == 204
    assert claim(campus, person, query_password="846202").status_code == 201


def test_one_active_binding_for_each_person_and_user_of_a_channel(campus, holder):
    first = claim(campus, holder).json()
    assert claim(campus, holder, channel_token="anna's other phone:").json()["code"] == "virtual_card_bound"
    other = campus.person()
    campus.passwords(other.id, query="135790")
    assert claim(campus, other).json()["code"] == "virtual_card_bound"
    assert claim(campus, holder, channel="alipay").status_code == 201
    headers = campus.as_person(holder.id)
    assert campus.client.delete(f"/api/v1/me/virtual-cards/{first['id']}", headers=headers).status_code == 204
    assert claim(campus, other).status_code == 201
    listed = campus.client.get("/api/v1/me/cards", headers=headers).json()
    assert [card["channel"] for card in listed] == ["alipay"]
    kept = campus.client.get(
        f"/api/v1/people/{holder.id}/cards", params={"ended": True}, headers=campus.as_role(Role.CASHIER)
    ).json()
    assert [card["state"] for card in kept] == ["returned", "active"]


def test_without_channels_the_answer_is_503(make_campus):
    campus = make_campus()
    assert claim(campus, campus.person()).json()["code"] == "channel_unavailable"


def test_whoever_is_signed_in_claims_a_card_for_the_pages_with_the_query_password(campus, desk):
    person = campus.person()
    headers = campus.as_person(person.id)

    def claim(query_password):
        return campus.client.post("/api/v1/me/virtual-cards", json={"query_password": query_password}, headers=headers)

    assert claim("135790").json()["code"] == "password_not_set"
    campus.passwords(person.id, query="135790", must_change=True)
    assert claim("135790").json()["code"] == "password_change_required"
    campus.passwords(person.id, query="135790")
    assert claim("135791").json()["code"] == "password_wrong"
    claimed = claim("135790")
    assert (claimed.status_code, claimed.json()["channel"]) == (201, "web")
    assert claim("135790").json()["code"] == "virtual_card_bound"
    code = campus.client.post(f"/api/v1/me/virtual-cards/{claimed.json()['id']}/code", headers=headers).json()["code"]
    assert identify(campus, desk, code).json()["person_id"] == str(person.id)


def test_a_code_asked_for_in_the_second_of_the_last_use_is_another_one(campus, desk):
    person = campus.person()
    headers = campus.as_person(person.id)
    campus.passwords(person.id, query="135790")
    card = campus.client.post("/api/v1/me/virtual-cards", json={"query_password": "135790"}, headers=headers).json()
    address = f"/api/v1/me/virtual-cards/{card['id']}/code"
    for _ in range(3):
        assert identify(campus, desk, campus.client.post(address, headers=headers).json()["code"]).status_code == 200


def test_no_app_speaks_for_the_pages(campus):
    body = {"channel": "web", "channel_token": "x", "number": "S1", "name": "Li", "query_password": "135790"}
    assert campus.client.post("/api/v1/virtual-cards", json=body).status_code == 422
    with pytest.raises(ValueError, match="web"):
        SignedChannelUsers({Channel.WEB: bytes(32)})
