"""Wrong tries lock out whoever makes them, and nobody else."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi import FastAPI

from accounts.cards.virtual_cards import ChannelUser
from accounts.housekeeping import tidy
from accounts.passwords import tries
from accounts.tables import PasswordTries
from accounts.vocabulary import DeviceRole, Role
from tests.app_client import AppClient
from tests.databases import ON_BOTH, ON_SQLITE
from web.concurrency_limit import ConcurrencyLimit
from web.problems import BusyError
from web.rate_limits import RateLimiter, TooManyTriesError

pytestmark = ON_SQLITE


GOOD = "correct horse battery"
WRONG = "a wrong one"


@pytest.fixture
def campus(make_campus):
    return make_campus(guesses=RateLimiter(10**6, timedelta(minutes=5)))


@pytest.fixture
def holder(campus):
    person = campus.person()
    campus.passwords(person.id, portal=GOOD, query="135790", consumption="246801")
    return person


class AnyUser:
    """A channel that knows everybody as the same user."""

    def user(self, channel, _token):
        return ChannelUser(f"{channel}-user", None)


def sign_in(campus, number, password, address="192.0.2.1", device=None):
    form = {"grant_type": "password", "username": number, "password": password}
    if device is not None:
        form["device"] = device
    client = AppClient(campus.client.app, client=(address, 1))
    answer = client.post("/api/v1/tokens", data=form)
    return answer.json().get("code", "ok"), answer.json()


def guess(campus, number, address, times=5, **also):
    return [sign_in(campus, number, f"{WRONG} {n}", address, **also)[0] for n in range(times)]


LOCKED_OUT = ["sign_in_refused"] * 4 + ["password_locked"]


def test_a_stranger_locks_out_only_their_own_address(campus, holder):
    assert guess(campus, holder.number, "198.51.100.7") == LOCKED_OUT
    assert sign_in(campus, holder.number, GOOD, "198.51.100.7")[0] == "password_locked", "also when right"
    assert sign_in(campus, holder.number, GOOD, "192.0.2.1")[0] == "ok"


def test_one_address_cannot_lock_seventeen_people(campus):
    people = [campus.person() for _ in range(17)]
    for person in people:
        campus.passwords(person.id, portal=GOOD)
        assert guess(campus, person.number, "198.51.100.7") == LOCKED_OUT
    assert {sign_in(campus, person.number, GOOD)[0] for person in people} == {"ok"}


def test_the_owner_at_the_strangers_address_gets_in_from_a_device_they_used_before(campus, holder):
    device = sign_in(campus, holder.number, GOOD)[1]["device"]
    assert guess(campus, holder.number, "192.0.2.1") == LOCKED_OUT
    assert sign_in(campus, holder.number, GOOD)[0] == "password_locked"
    code, body = sign_in(campus, holder.number, GOOD, device=device)
    assert (code, body["device"]) == ("ok", device)


def test_a_known_device_is_known_for_its_person_only_and_is_locked_like_an_address(campus, holder):
    other = campus.person()
    campus.passwords(other.id, portal=GOOD)
    device = sign_in(campus, holder.number, GOOD)[1]["device"]
    assert guess(campus, other.number, "192.0.2.9") == LOCKED_OUT
    assert sign_in(campus, other.number, GOOD, "192.0.2.9", device)[0] == "password_locked"
    assert guess(campus, holder.number, "192.0.2.1", device=device) == LOCKED_OUT
    assert sign_in(campus, holder.number, GOOD, device=device)[0] == "password_locked"
    forged = device[:-4] + ("AAAA" if device[-4:] != "AAAA" else "BBBB")
    assert guess(campus, other.number, "192.0.2.10", times=3, device=forged) == ["sign_in_refused"] * 3


def test_a_known_device_passes_where_its_address_guessed_too_often(make_campus):
    campus = make_campus(guesses=RateLimiter(2, timedelta(minutes=5)))
    person = campus.person()
    campus.passwords(person.id, portal=GOOD)
    device = sign_in(campus, person.number, GOOD)[1]["device"]
    assert [sign_in(campus, f"nobody{n}", WRONG)[0] for n in range(3)] == ["sign_in_refused"] * 2 + ["too_many_tries"]
    assert sign_in(campus, person.number, GOOD)[0] == "too_many_tries"
    assert sign_in(campus, person.number, GOOD, device=device)[0] == "ok"


def test_each_lock_of_the_portals_password_is_twice_as_long(campus, holder):
    for minutes in (15, 30, 60, 120):
        assert guess(campus, holder.number, "198.51.100.7") == LOCKED_OUT
        campus.clock.forward(minutes=minutes, seconds=-1)
        assert sign_in(campus, holder.number, GOOD, "198.51.100.7")[0] == "password_locked"
        campus.clock.forward(seconds=1)
    assert sign_in(campus, holder.number, GOOD, "198.51.100.7")[0] == "ok"
    assert guess(campus, holder.number, "198.51.100.7") == LOCKED_OUT
    campus.clock.forward(minutes=15)
    assert sign_in(campus, holder.number, GOOD, "198.51.100.7")[0] == "ok", "the right one forgives all"


def test_a_number_of_nobody_is_answered_and_locked_like_somebodys(campus, holder):
    without_password = campus.person().number
    bodies = [
        [sign_in(campus, number, WRONG, "198.51.100.7")[1] for _ in range(7)]
        for number in (holder.number, "nobody", without_password)
    ]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0][-1]["code"] == "password_locked"


@pytest.mark.parametrize("place", ["sign-in", "kiosk", "claim"])
def test_a_number_typed_in_many_ways_is_one_number_whether_or_not_somebody_has_it(make_campus, place):
    campus = make_campus(guesses=RateLimiter(10**6, timedelta(minutes=5)), channel_users=AnyUser())
    holder, kiosk = campus.person(number="20264711"), campus.as_device(DeviceRole.KIOSK)
    campus.passwords(holder.id, portal=GOOD, query="135790")

    def ask(number):
        if place == "sign-in":
            return sign_in(campus, number, WRONG)[1]
        body = {"number": number, "query_password": "000111"}
        if place == "kiosk":
            return campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk).json()
        body |= {"channel": "wechat", "channel_token": "any", "name": holder.name}
        return campus.client.post("/api/v1/virtual-cards", json=body).json()

    def in_every_way(number):
        wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
        return [ask(way) for way in (number, wide, f" {number}", f"{number}\u3000", f"\u200b{number}", number)]

    somebodys = in_every_way(holder.number)
    assert somebodys == in_every_way("20264712")
    assert [answer["code"] for answer in somebodys[-2:]] == ["password_locked"] * 2


def test_a_number_of_nobody_costs_a_hash_too(campus, holder, monkeypatch):
    hashed = []
    verify = campus.services.hasher.verify
    monkeypatch.setattr(campus.services.hasher, "verify", lambda word, stored: hashed.append(1) or verify(word, stored))
    without = campus.person()
    for number in ("nobody", holder.number, without.number):
        sign_in(campus, number, WRONG)
    assert len(hashed) == 3


def test_guesses_from_everywhere_are_stopped_and_whoever_was_there_before_is_not(campus, holder, monkeypatch):
    monkeypatch.setattr(tries, "STRANGERS_TRIES", 12)
    device = sign_in(campus, holder.number, GOOD, "192.0.2.1")[1]["device"]
    codes = [code for n in range(4) for code in guess(campus, holder.number, f"198.51.100.{n}", times=4)]
    assert codes == ["sign_in_refused"] * 12 + ["password_locked"] * 4
    assert sign_in(campus, holder.number, GOOD, "203.0.113.5")[0] == "password_locked"
    assert sign_in(campus, holder.number, GOOD, "192.0.2.1")[0] == "ok", "the address is known"
    assert sign_in(campus, holder.number, GOOD, "203.0.113.5", device)[0] == "ok", "the device is known"
    campus.clock.forward(days=1)
    assert sign_in(campus, holder.number, GOOD, "203.0.113.6")[0] == "ok"


def test_an_ipv6_subscriber_is_one_source_and_a_mapped_address_is_the_same(campus, holder):
    codes = [sign_in(campus, holder.number, WRONG, f"2001:db8:1:2::{n:x}")[0] for n in range(5)]
    assert codes == LOCKED_OUT
    assert sign_in(campus, holder.number, GOOD, "2001:db8:1:3::1")[0] == "ok"
    assert guess(campus, holder.number, "198.51.100.7") == LOCKED_OUT
    assert sign_in(campus, holder.number, GOOD, "::ffff:198.51.100.7")[0] == "password_locked"


def test_tries_in_parallel_do_not_slip_past_the_limits(campus, holder):
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda n: sign_in(campus, holder.number, f"wrong {n}")[0], range(16)))
    assert (codes.count("sign_in_refused"), codes.count("password_locked")) == (4, 12)
    limiter = RateLimiter(3, timedelta(minutes=5))

    def once(_: int) -> bool:
        try:
            limiter.count_try("key", campus.clock.now)
        except TooManyTriesError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(once, range(50))) == 3


def test_a_password_set_at_the_counter_lifts_every_lock(campus, holder):
    for address in ("198.51.100.7", "198.51.100.8"):
        assert guess(campus, holder.number, address) == LOCKED_OUT
    cashier = campus.as_role(Role.CASHIER)
    made = campus.client.post(f"/api/v1/people/{holder.id}/passwords/portal/reset", headers=cashier).json()["password"]
    assert sign_in(campus, holder.number, made, "198.51.100.7")[0] == "ok"


def test_the_query_password_is_locked_at_the_kiosk_that_was_guessed_at(campus, holder):
    kiosks = [campus.as_device(DeviceRole.KIOSK) for _ in range(2)]

    def ask(kiosk, password, number=holder.number):
        body = {"number": number, "query_password": password}
        answer = campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk)
        return answer.json().get("code", "ok")

    assert [ask(kiosks[0], "000111") for _ in range(5)] == ["holder_refused"] * 4 + ["password_locked"]
    assert [ask(kiosks[0], "000111", "nobody") for _ in range(5)] == ["holder_refused"] * 4 + ["password_locked"]
    assert ask(kiosks[0], "135790") == "password_locked"
    assert ask(kiosks[1], "135790") == "ok"
    own = campus.client.put(
        "/api/v1/me/passwords/query", json={"current": "135790", "new": "975318"}, headers=campus.as_person(holder.id)
    )
    assert own.status_code == 204, "nor are they locked out of their own sign-in"


def test_the_consumption_password_is_locked_for_the_card_at_every_terminal(campus, holder):
    campus.card(holder, "04A1B2C3D4E580")
    phone = campus.virtual_card(holder)
    terminals = [campus.as_device(DeviceRole.TERMINAL) for _ in range(2)]

    def change(terminal, current, **card):
        body = {"card": card or {"uid": "04A1B2C3D4E580"}, "current": current, "new": "860428"}
        answer = campus.client.put("/api/v1/terminal/consumption-password", json=body, headers=terminal)
        return answer.json()["code"] if answer.status_code >= 400 else "ok"

    codes = [change(terminals[n % 2], "000111") for n in range(5)]
    assert codes == ["password_wrong"] * 4 + ["password_locked"]
    assert change(terminals[1], "246801") == "password_locked", "a thief with the card gains nothing by walking on"
    code = campus.client.post(f"/api/v1/me/virtual-cards/{phone}/code", headers=campus.as_person(holder.id)).json()
    assert change(terminals[0], "246801", code=code["code"]) == "ok", "the owner's phone is another source"


def test_of_a_cards_password_every_lock_lasts_a_quarter_of_an_hour(campus, holder):
    kiosk = campus.as_device(DeviceRole.KIOSK)

    def ask(password):
        body = {"number": holder.number, "query_password": password}
        return campus.client.post("/api/v1/kiosk/holder", json=body, headers=kiosk).json().get("code", "ok")

    for _ in range(3):
        assert [ask("000111") for _ in range(5)][-1] == "password_locked"
        campus.clock.forward(minutes=15)
    assert ask("135790") == "ok"


def test_a_refresh_is_not_held_up_by_whoever_guesses_at_the_same_address(make_campus):
    campus = make_campus(guesses=RateLimiter(2, timedelta(minutes=5)))
    person = campus.person()
    campus.passwords(person.id, portal=GOOD)
    token = sign_in(campus, person.number, GOOD)[1]["refresh_token"]
    assert [sign_in(campus, f"nobody{n}", WRONG)[0] for n in range(3)][-1] == "too_many_tries"
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert AppClient(campus.client.app, client=("192.0.2.1", 1)).post("/api/v1/tokens", data=form).status_code == 200


@ON_BOTH
def test_what_counts_no_more_is_deleted(campus, holder):
    sign_in(campus, holder.number, GOOD)
    guess(campus, "nobody", "198.51.100.7")
    for days, left in ((0, 4), (2, 1), (200, 0)):
        campus.clock.forward(days=days)
        tidy(campus.database, campus.clock.now)
        with campus.database.read() as session:
            assert session.query(PasswordTries).count() == left, days


def test_whoever_waits_for_a_turn_holds_no_thread_and_too_long_a_queue_ends_at_once():
    async def crowd() -> tuple[list[str], int]:
        turns, running, most = ConcurrencyLimit(2, max_waiting=3), 0, 0

        async def one() -> str:
            nonlocal running, most
            try:
                async with turns.slot():
                    running += 1
                    most = max(most, running)
                    await asyncio.sleep(0)
                    running -= 1
            except BusyError:
                return "busy"
            return "done"

        return await asyncio.gather(*(one() for _ in range(10))), most

    with ThreadPoolExecutor(1) as thread:  # a loop of its own
        outcomes, most = thread.submit(asyncio.run, crowd()).result()
    assert most == 2
    assert outcomes.count("done") == 5
    assert outcomes.count("busy") == 5


def test_a_flood_of_sign_ins_leaves_the_threads_that_gates_are_answered_by(make_campus, monkeypatch):
    """As many sign-ins as there are threads wait for a hash that does not end: another route is answered meanwhile."""
    campus = make_campus(hashing=ConcurrencyLimit(1, max_waiting=1000))
    person = campus.person()
    campus.passwords(person.id, portal=GOOD)
    desk = campus.as_device(DeviceRole.DESK)
    campus.card(person)
    ends, begun = threading.Event(), threading.Event()
    verify = campus.services.hasher.verify

    def stuck(word, stored):
        begun.set()
        ends.wait()
        return verify(word, stored)

    monkeypatch.setattr(campus.services.hasher, "verify", stuck)
    app: FastAPI = campus.client.app
    with AppClient(app) as client, ThreadPoolExecutor(60) as pool:
        form = {"grant_type": "password", "username": person.number, "password": GOOD}
        flood = [pool.submit(client.post, "/api/v1/tokens", data=form) for _ in range(60)]
        assert begun.wait(60)
        shown = client.post("/api/v1/identify", json={"uid": "04A1B2C3D4E580"}, headers=desk)
        assert shown.status_code == 200
        assert not any(one.done() for one in flood), "the sign-ins still wait"
        ends.set()
        assert {one.result().status_code for one in flood} == {200}
