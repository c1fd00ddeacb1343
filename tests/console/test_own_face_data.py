"""What is stored of one's own face, as its page tells it; and a visitor whom one invites."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from access.policy import GateKind, GatePolicy, Rule
from accounts import people
from accounts.tables import PersonGroup
from accounts.vocabulary import PersonKind
from database import new_id
from directory import gates
from directory.list_tables import GateEntry
from directory.publisher import Publisher
from directory.tables import TemplateReceipt, VisitorPass
from enrollment import consent
from enrollment.tables import PhotoRecord, PhotoState, PhotoThumbnail, TemplateRecord, TemplateState
from tests.console.axe import inspect
from tests.console.page_server import SEALER, Pages, hire, signed_in

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
NOW = datetime.now(UTC)
_numbers = iter(range(1_000))


@pytest.fixture
def holder(served_pages: Pages) -> tuple[str, UUID]:
    number = f"D{next(_numbers):03}"
    return number, hire(served_pages.database, served_pages.app.state.accounts, number, "王小明")


def fits(page) -> None:
    inspect(page)
    page.set_viewport_size(PHONE["viewport"])


def store_face(console: Pages, person: UUID) -> None:
    """A consent, an approved photo with its small picture, a template at the north gate, and one that left the lab."""
    with console.database.begin() as session:
        consent.give(session, person, "3", {}, present="3", by="test", now=NOW)
        photo = PhotoRecord(person_id=person, state=PhotoState.APPROVED, digest=str(person), uploaded_at=NOW)
        session.add(photo)
        session.flush()
        session.add(PhotoThumbnail(photo_id=photo.id, sealed=b"small"))
        template = {"photo_id": photo.id, "model_id": "earlier", "state": TemplateState.ACTIVE, "made_at": NOW}
        session.add(TemplateRecord(person_id=person, **template))
        common = {"person_id": person, "revision": 10_000 + next(_numbers)}
        digests = {"full_digest": bytes(32), "cards_digest": bytes(31) + b"1"}
        session.add(GateEntry(gate="north", changed_at=NOW, is_removed=False, is_revoked=False, **common, **digests))
        for confirmed_at in (None, NOW):
            receipt = {"gate": "lab", "device_id": new_id(), "removed_at": NOW, "confirmed_at": confirmed_at}
            session.add(TemplateReceipt(**common, **receipt))


def test_it_is_said_what_is_stored_where_and_until_when(served_pages: Pages, holder: tuple[str, UUID]) -> None:
    number, person = holder
    with signed_in(served_pages, number) as client:
        assert "Nothing of your face is stored." in client.get("/console/me/face-data").text
        store_face(served_pages, person)
        page = client.get("/console/me/face-data").text
    for words in (
        "You consented on",
        "Small picture, for reviewers",
        "Face template, in use at the gates",
        "at the latest 7 days after you leave",
        "Gates that hold your template: 1",
        "North gate",
        "Devices that have not confirmed yet: 1",
    ):
        assert words in page
    assert page.count("<strong>Lab</strong>") == 2


def test_everything_held_comes_as_a_file_of_ones_own(served_pages: Pages, holder: tuple[str, UUID]) -> None:
    number, person = holder
    with served_pages.database.begin() as session:
        consent.refuse(session, person, "3", {}, present="3", by="test", now=NOW)
    with signed_in(served_pages, number) as client:
        answer = client.get("/console/me/face-data/export")
    assert f'filename="face-data-{number}.json"' in answer.headers["content-disposition"]
    held = json.loads(answer.text)
    assert (held["account"]["number"], held["account"]["name"]) == (number, "王小明")
    assert [one["version"] for one in held["refusals"]] == ["3"]


def test_consent_is_withdrawn_once_what_follows_is_understood(served_pages: Pages, holder: tuple[str, UUID]) -> None:
    number, person = holder
    store_face(served_pages, person)
    with signed_in(served_pages, number) as client:
        hasty = client.post("/console/me/face-data/withdrawal")
        assert (hasty.status_code, "Tick that you have understood" in hasty.text) == (422, True)
        page = client.post("/console/me/face-data/withdrawal", data={"understood": "true"}).text
        assert "Consent withdrawn" in page
        assert "You do not use face recognition." in page
        state = client.get("/console/me/state").json()
    assert state["consent"] == {"given": False, "given_at": None, "outdated": False, "refused": True}
    with served_pages.database.read() as session:
        states = session.scalars(select(TemplateRecord.state).filter_by(person_id=person)).all()
    assert states == [TemplateState.WITHDRAWN]


def test_a_no_is_remembered_until_the_person_says_yes(served_pages: Pages, holder: tuple[str, UUID]) -> None:
    number, _ = holder
    body = {"version": "3", "language": "zh"}
    with signed_in(served_pages, number, Accept="application/json") as client:

        def refused() -> bool:
            return client.get("/console/me/state").json()["consent"]["refused"]

        assert not refused()
        assert "Hand in a photo" in client.get("/console/me").text
        for _ in range(2):
            assert client.put("/console/me/consent/refusal", json=body).status_code == 204
        assert refused()
        assert "Hand in a photo" not in client.get("/console/me").text
        assert client.put("/console/me/consent", json=body).status_code == 200
        assert not refused()
        stands = client.put("/console/me/consent/refusal", json=body)
        assert (stands.status_code, stands.json()["code"]) == (409, "consent_stands")
        old = client.put("/console/me/consent/refusal", json=body | {"version": "0"})
        assert (old.status_code, old.json()["code"]) == (409, "consent_version")


@pytest.fixture(scope="module")
def faculty(served_pages: Pages) -> Publisher:
    """A gate to which staff may invite visitors."""
    policy = GatePolicy(gate="main", kind=GateKind.CAMPUS, rules=(Rule(group="teachers"),))
    with served_pages.database.begin() as session:
        gates.add(session, policy, title="Main gate", by="test", now=datetime.now(UTC))
    return Publisher(served_pages.database, SEALER, model_id="m")


@pytest.fixture
def host(served_pages: Pages, holder: tuple[str, UUID], faculty: Publisher) -> tuple[str, UUID]:
    number, person = holder
    with served_pages.database.begin() as session:
        session.add(PersonGroup(person_id=person, name="teachers"))
    faculty.publish()
    return number, person


def wish(client, **changes: object) -> dict[str, object]:
    page = client.get("/console/me/visitors").text
    found = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', page)[1]
        for name in ("key", "gates", "valid_from", "valid_until")
    }
    return found | {"visitor": "张三"} | changes


def test_a_form_sent_twice_is_one_pass_and_its_code_is_its_hosts_to_see(
    served_pages: Pages, host: tuple[str, UUID]
) -> None:
    number, person = host
    stranger = f"D{next(_numbers):03}"
    hire(served_pages.database, served_pages.app.state.accounts, stranger, "Somebody")
    with signed_in(served_pages, number) as client:
        form = wish(client)
        first, second = (client.post("/console/me/visitors/invitations", data=form) for _ in range(2))
        assert first.url.path == second.url.path
        assert "The pass is made." in first.text
        code = re.search(r"<code>(\w{10})</code>", client.get(first.url.path).text)[1]
        assert "<svg" in second.text
        page = client.post(f"{first.url.path}/end").text
        assert "Revoked" in page
        assert code not in page
    with signed_in(served_pages, stranger) as client:
        assert client.get(first.url.path).status_code == 404
        assert client.post(f"{first.url.path}/end").status_code == 404
    with served_pages.database.read() as session:
        assert len(session.scalars(select(VisitorPass).filter_by(host_id=person)).all()) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visitor": " "}, "visitor&#39;s name"),
        ({"gates": []}, "Choose one gate at least"),
        ({"gates": ["lab"]}, "You may not invite visitors to one of these gates"),
        ({"valid_from": "soon"}, "Write day and time"),
        ({"valid_until": "2001-01-01T00:00"}, "ends after it begins"),
        ({"valid_until": f"{NOW + timedelta(days=3):%Y-%m-%dT%H:%M}"}, "too long or begins too late"),
    ],
)
def test_a_refused_invitation_keeps_what_was_typed(
    served_pages: Pages, host: tuple[str, UUID], changes: dict[str, object], said: str
) -> None:
    with signed_in(served_pages, host[0]) as client:
        answer = client.post("/console/me/visitors/invitations", data=wish(client, purpose="Talk <1>") | changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Talk &lt;1&gt;" in answer.text


def test_who_may_not_invite_is_told_where_to_go(served_pages: Pages, host: tuple[str, UUID]) -> None:
    number, person = host
    with served_pages.database.begin() as session:
        people.get(session, person).kind = PersonKind.STUDENT
    with signed_in(served_pages, number) as client:
        assert "Ask the staff at the gate" in client.get("/console/me/visitors").text


def test_a_host_makes_a_pass_on_the_phone_and_shows_its_code(
    open_window, served_pages: Pages, host: tuple[str, UUID]
) -> None:
    number, person = host
    store_face(served_pages, person)
    page = open_window(served_pages, number, ready="main", **PHONE)
    page.goto(f"{served_pages.url}/console/me/visitors")
    fits(page)
    page.get_by_label("Visitor's name").fill("张三")
    page.get_by_role("button", name="Make the pass").click()
    expect(page.get_by_role("status")).to_have_text("The pass is made.")
    code = page.get_by_role("img", name="Code of 张三")
    expect(code).to_be_visible()
    assert code.locator("svg").bounding_box()["width"] >= 180
    fits(page)
    page.get_by_text("Revoke the pass").click()
    page.get_by_role("button", name="Revoke now").click()
    expect(code).to_have_count(0)
    page.get_by_role("link", name="Back to visitors").click()
    expect(page.get_by_role("link", name="张三")).to_contain_text("Revoked")
    page.goto(f"{served_pages.url}/console/me/face-data")
    fits(page)
