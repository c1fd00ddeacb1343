"""The first page of one's own pages, and the inbox, as a browser without scripts sees them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from accounts import cards, passwords, people
from accounts.cards import loss
from accounts.people.notices import AccountNotice
from accounts.vocabulary import PasswordPurpose
from database import new_id
from enrollment import account_notices
from metering.tariffs.electricity import Quota, WattHours
from tests.console.dormitory import Dormitory, open_dormitory
from tests.console.page_server import signed_in
from tests.databases import copied

HOME = "/console/me"


@pytest.fixture(scope="module")
def dormitory(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dormitory]:
    """One server for the tests of this module; each has people and rooms of its own."""
    database = copied(sqlite_template, tmp_path_factory.mktemp("dormitory"))
    with open_dormitory(database) as dormitory:
        dormitory.hall.plan(5000, dormitory.hall.clock.now.date().replace(day=1, month=1), Quota(WattHours(1_000)))
        yield dormitory
    database.close()


def tile(page: str, name: str) -> str:
    """The words of a tile, without tags."""
    found = re.search(rf'aria-labelledby="{name}-title">(.*?)</section>', page, re.DOTALL)
    assert found, name
    return " ".join(re.sub("<[^>]+>", " ", found[1]).split())


def hand_out_card(dormitory: Dormitory, person_id: UUID) -> None:
    with dormitory.console.database.begin() as session:
        uid = f"04{new_id().hex[-12:]}".upper()
        person = people.get(session, person_id)
        cards.issue(session, person, uid, key_number=None, by="test", now=datetime.now(UTC))


def test_home_shows_card_money_room_and_last_passage(dormitory: Dormitory) -> None:
    number, person_id = dormitory.student("王小明", fen=4213)
    room = dormitory.room("王小明", days=5)
    dormitory.top_up(room, 2000)
    dormitory.use(room, [3, 4, 2])
    hand_out_card(dormitory, person_id)
    granted = {"kind": "access_granted", "person_id": person_id, "granted": True, "method": "face"}
    dormitory.console.happen(**granted)
    with signed_in(dormitory.console, number) as client:
        page = client.get("/console/").text
        assert tile(page, "card") == "Card Works"
        assert tile(page, "balance") == "Balance ¥42.13"
        assert "¥15.63" in tile(page, "electricity")
        assert "days left" in tile(page, "electricity")
        assert "Let in North gate" in tile(page, "passage")
        assert "Face recognition is not used" in tile(page, "face")
        dormitory.console.happen(
            kind="access_denied", person_id=person_id, granted=False, reason="outside_schedule", gate="lab"
        )
        assert "Not let in Lab" in tile(client.get(HOME).text, "passage")
        assert "outside the hours" in tile(client.get(HOME).text, "passage")


def test_home_of_somebody_with_nothing_says_so_and_fails_at_nothing(dormitory: Dormitory) -> None:
    with signed_in(dormitory.console, "S1") as client:
        page = client.get(HOME).text
    assert "the card centre issues it" in tile(page, "card")
    assert "No room is registered" in tile(page, "electricity")
    assert "Nothing yet" in tile(page, "passage")


def test_first_passwords_are_to_be_changed_before_anything_else(dormitory: Dormitory) -> None:
    number, person_id = dormitory.student("周敏")
    with signed_in(dormitory.console, number) as client:
        assert "Change your first passwords" not in client.get(HOME).text
        hashed = dormitory.services.money.accounts.hasher.hash("280035")
        with dormitory.console.database.begin() as session:
            hashes = {PasswordPurpose.QUERY: hashed}
            passwords.store(session, person_id, hashes, must_change=True, by="test", now=datetime.now(UTC))
        assert "Change your first passwords" in client.get(HOME).text


def test_a_reported_loss_says_from_when_a_new_card_is_possible(dormitory: Dormitory) -> None:
    number, person_id = dormitory.student("孙丽")
    hand_out_card(dormitory, person_id)
    reported = datetime.now(UTC) - timedelta(hours=2)
    with dormitory.console.database.begin() as session:
        person = people.get(session, person_id, lock=True)
        loss.report(session, person, through="app", by="test", now=reported)
    with signed_in(dormitory.console, number) as client:
        assert "Reported lost A new card is possible from" in tile(client.get(HOME).text, "card")
    with dormitory.console.database.begin() as session:
        report = loss.open_loss(session, person_id)
        assert report is not None
        report.reported_at = reported - timedelta(hours=22)
    with signed_in(dormitory.console, number) as client:
        assert "A new card is possible now" in tile(client.get(HOME).text, "card")


def test_notices_are_read_on_home_and_in_the_inbox(dormitory: Dormitory) -> None:
    number, person_id = dormitory.student("李华")
    other, _ = dormitory.student("别人")
    with dormitory.console.database.begin() as session:
        for _ in range(25):
            account_notices.write(session, person_id, AccountNotice.CARD_ISSUED, now=datetime.now(UTC))
    with signed_in(dormitory.console, number) as client:
        forms = re.findall(r'action="(/console/me/inbox/[^"]+)"', client.get(HOME).text)
        assert len(forms) == 3, "home shows the newest three"
        marked = client.post(forms[0], data={"back": "home"})
        assert marked.url.path == HOME
        assert "Marked as read." in marked.text
        assert forms[0] not in marked.text
        with signed_in(dormitory.console, other) as stranger:
            assert stranger.post(forms[1]).status_code == 404, "nobody reads another's"
        inbox = client.get("/console/me/inbox").text
        assert len(re.findall("<time", inbox)) == 20
        older = re.search(r'href="(/console/me/inbox\?cursor=[^"]+)"', inbox)
        assert older
        assert len(re.findall("<time", client.get(older[1]).text)) == 5
        until = re.search(r'name="until" value="([^"]+)"', inbox)
        assert until
        client.post("/console/me/inbox", data={"until": until[1]})
        assert "Unread notices" not in client.get(HOME).text
