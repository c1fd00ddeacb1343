"""One's own cards: the virtual card's codes, a loss reported and released, as a browser without scripts does it."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import cv2
import httpx
import numpy as np
import pytest

from accounts import cards, passwords, people
from accounts.cards import virtual_cards
from accounts.cards.virtual_cards import CodeUsedError
from accounts.cards.virtual_code import InvalidCodeError
from accounts.vocabulary import PasswordPurpose
from database import new_id
from messages import TrustedKey, signed_codes
from messages.signed_codes import STAFF_SENDER
from tests.console.page_server import CODE_KEY, Pages, hire, signed_in

QUERY = "482913"
CARD, CARDS = "/console/me/virtual-card", "/console/me/cards"


def make_holder(pages: Pages, *, must_change: bool = False, has_card: bool = True) -> tuple[str, UUID]:
    """Somebody with a query password and a physical card; returns number and id."""
    services, number, now = pages.app.state.accounts, f"H{new_id().hex[-10:]}", datetime.now(UTC)
    person_id = hire(pages.database, services, number, "Holder")
    with pages.database.begin() as session:
        hashes = {PasswordPurpose.QUERY: services.hasher.hash(QUERY)}
        passwords.store(session, person_id, hashes, must_change=must_change, by="test", now=now)
        if has_card:
            person = people.get(session, person_id)
            uid = f"04{new_id().hex[-12:]}".upper()
            cards.issue(session, person, uid, key_number=None, by="test", now=now)
    return number, person_id


def redeem(pages: Pages, code: str, *, now: datetime) -> UUID:
    """Show a code to a till; returns whose it is."""
    with pages.database.begin() as session:
        key = pages.app.state.accounts.code_key
        return virtual_cards.redeem(session, code.replace(" ", ""), key, now=now).person_id


def shown_code(answer: httpx.Response) -> str:
    found = re.search(r'id="digits">([\d ]+)<', answer.text)
    assert found, answer.text
    return found[1]


def fetch_codes(client: httpx.Client, page: httpx.Response) -> dict:
    card = re.search(r'"card":"([^"]+)"', page.text)
    assert card
    answer = client.post(f"{CARD}/codes", json={"card_id": card[1]}, headers={"Accept": "application/json"})
    return answer.json() | {"status": answer.status_code}


def test_a_virtual_card_is_claimed_with_the_query_password_and_shows_codes_for_tills(
    served_pages: Pages,
) -> None:
    number, person_id = make_holder(served_pages)
    with signed_in(served_pages, number) as client:
        wrong = client.post(CARD, data={"query_password": "111222"})
        assert (wrong.status_code, "The query password is wrong." in wrong.text) == (403, True)
        page = client.post(CARD, data={"query_password": QUERY})
        assert "Your virtual card is ready." in page.text
        assert redeem(served_pages, shown_code(page), now=datetime.now(UTC)) == person_id
        assert client.post(CARD, data={"query_password": QUERY}).status_code == 409, "there is one already"


def read_squares(batch: dict, index: int) -> str:
    """Read a code as a scanner does, from the squares that the page's script draws."""
    side, bits = batch["side"], batch["codes"][index]["bits"]
    squares = [int(bits[n // 4], 16) >> (3 - n % 4) & 1 for n in range(side * side)]
    light = np.full((side + 8, side + 8), 255, np.uint8)
    light[4:-4, 4:-4] = np.where(np.reshape(squares, (side, side)), 0, 255)
    text, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(cv2.resize(light, None, fx=8, fy=8, interpolation=0))
    return text


def test_what_the_page_shows_is_one_code_for_shops_and_gates(served_pages: Pages) -> None:
    number, _ = make_holder(served_pages)
    with signed_in(served_pages, number) as client:
        page = client.post(CARD, data={"query_password": QUERY})
        assert 'href="/console/me/gates"' in page.text
        batch = fetch_codes(client, page)
    assert len(page.content) < 60_000
    trusted, began = {STAFF_SENDER: TrustedKey(CODE_KEY.public_key())}, datetime.now(UTC)
    for index in (0, 19):
        scanned = read_squares(batch, index)
        assert scanned[:18] == batch["codes"][index]["digits"].replace(" ", "")
        code = signed_codes.verify(scanned, trusted, site="main", now=began)
        assert signed_codes.is_current(code.second, began + index * timedelta(milliseconds=batch["shownMs"]))
        assert signed_codes.is_current(code.second, began) is (index == 0)


def test_a_first_query_password_is_changed_on_the_way(served_pages: Pages) -> None:
    number, _ = make_holder(served_pages, must_change=True)
    with signed_in(served_pages, number) as client:
        page = client.get(CARD).text
        assert "still the first one" in page
        assert client.post(CARD, data={"query_password": QUERY}).status_code == 403
        differs = client.post(CARD, data={"query_password": QUERY, "new": "739205", "repeated": "739206"})
        assert (differs.status_code, "differ" in differs.text) == (422, True)
        easy = client.post(CARD, data={"query_password": QUERY, "new": "123456", "repeated": "123456"})
        assert (easy.status_code, "six digits, not the present ones" in easy.text) == (422, True)
        claimed = client.post(CARD, data={"query_password": QUERY, "new": "739205", "repeated": "739205"})
        assert shown_code(claimed)


def test_without_a_query_password_the_page_says_where_to_get_one(served_pages: Pages) -> None:
    number = f"Q{new_id().hex[-10:]}"
    hire(served_pages.database, served_pages.app.state.accounts, number, "Nobody")
    with signed_in(served_pages, number) as client:
        assert "The card centre sets one" in client.get(CARD).text
        assert client.post(CARD, data={"query_password": QUERY}).status_code == 409


def test_codes_of_the_next_minutes_are_good_at_their_time_only_and_once(served_pages: Pages) -> None:
    number, person_id = make_holder(served_pages)
    with signed_in(served_pages, number) as client:
        page = client.post(CARD, data={"query_password": QUERY})
        began = datetime.now(UTC)
        batch = fetch_codes(client, page)
    digits = [one["digits"] for one in batch["codes"]]
    assert len(digits) == len(set(digits)) == 20
    late = digits[10]
    with pytest.raises(InvalidCodeError):
        redeem(served_pages, late, now=began)
    moment = began + 10 * timedelta(milliseconds=batch["shownMs"]) + timedelta(seconds=30)
    assert redeem(served_pages, late, now=moment) == person_id
    with pytest.raises(CodeUsedError):
        redeem(served_pages, late, now=moment)


def test_a_loss_stops_card_and_codes_until_it_is_released_with_the_query_password(served_pages: Pages) -> None:
    number, _ = make_holder(served_pages)
    with signed_in(served_pages, number) as client:
        with_code = client.post(CARD, data={"query_password": QUERY})
        reported = client.post(f"{CARDS}/loss")
        assert "have stopped, at gates and shops" in reported.text
        assert "Reported lost" in reported.text
        assert "¥10.00" in reported.text
        assert "The balance does not cover the fee" in reported.text
        refused = fetch_codes(client, with_code)
        assert (refused["status"], refused["code"]) == (403, "card_not_usable")
        assert "Your virtual card is suspended" in client.get(CARD).text
        assert client.post(f"{CARDS}/loss").status_code == 409, "it is reported already"
        wrong = client.post(f"{CARDS}/loss/release", data={"query_password": "111222"})
        assert (wrong.status_code, "The query password is wrong." in wrong.text) == (403, True)
        released = client.post(f"{CARDS}/loss/release", data={"query_password": QUERY})
        assert "Released: the card and the virtual one work again." in released.text
        assert shown_code(client.get(CARD))


def test_who_has_no_card_reports_none_and_claims_are_undone(served_pages: Pages) -> None:
    number, _ = make_holder(served_pages, has_card=False)
    other, _ = make_holder(served_pages)
    with signed_in(served_pages, number) as client, signed_in(served_pages, other) as stranger:
        assert client.post(f"{CARDS}/loss").status_code == 409
        client.post(CARD, data={"query_password": QUERY})
        unbind = re.search(rf'action="({CARDS}/[^"]+/unbind)"', client.get(CARDS).text)
        assert unbind
        assert stranger.post(unbind[1]).status_code == 404
        assert "The virtual card is unbound." in client.post(unbind[1]).text
        assert "Get the virtual card" in client.get(CARD).text
