"""Sign-in through enterprise WeChat, against its API in a process of its own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from accounts.sign_in.identity_providers import (
    Answer,
    Attempt,
    ConnectedProvider,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from accounts.vocabulary import PersonKind
from campusgate.settings import EnrollmentSettings, Settings, WecomSettings
from campusgate.wiring.notice_channels import make_notice_channels
from database import new_id
from enrollment.channels.port import ChannelDownError, Letter, LetterRefusedError
from enrollment.channels.wecom import WecomChannel
from tests.accounts.wecom_peer import AGENT_ID, BACK, CORP_ID, SECRET, WecomPeer, open_wecom

ATTEMPT = Attempt("a-state_of_ours", "n", "v")
IN_THE_APP = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 MicroMessenger/7.0.1 wxwork/4.1.30 Language/zh"
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 MicroMessenger/8.0.50 Language/zh"


@pytest.fixture(scope="module")
def process() -> Iterator[WecomPeer]:
    with open_wecom() as peer:
        yield peer


@pytest.fixture
def wecom(process: WecomPeer) -> WecomPeer:
    process.set(token="", tokens_given=0, failure=0, lasts_s=7200, late_s=0.0, members=[], sent=[], says_nobody=True)
    return process


def test_a_member_signs_in_by_qr_code_and_within_the_app(make_campus, wecom):
    campus = make_campus(identity_providers={"wecom": ConnectedProvider(wecom.provider(), [PersonKind.STUDENT])})
    campus.person(number="20260001", kind=PersonKind.STUDENT)
    for browser, host in (
        ("Mozilla/5.0 Firefox/140.0", "login.work.weixin.qq.com"),
        (IN_THE_APP, "open.weixin.qq.com"),
    ):
        begun = campus.client.post("/api/v1/staff-sign-in", headers={"User-Agent": browser}).json()
        assert urlsplit(begun["address"]).hostname == host
        answer = {"state": begun["state"], "code": wecom.do("scan", userid="20260001")}
        tokens = campus.client.post("/api/v1/staff-sign-in/complete", json=answer)
        assert tokens.status_code == 200, tokens.text
        headers = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
        assert campus.client.get("/api/v1/me", headers=headers).json()["number"] == "20260001"
    assert wecom.get("tokens_given") == 1


def test_the_addresses_are_those_of_the_documents(wecom):
    qr = urlsplit(wecom.provider().address(ATTEMPT, browser=WECHAT))
    assert (qr.scheme, qr.hostname, qr.path) == ("https", "login.work.weixin.qq.com", "/wwlogin/sso/login")
    asked = {"login_type": ["CorpApp"], "appid": [CORP_ID], "agentid": [AGENT_ID], "redirect_uri": [BACK]}
    assert parse_qs(qr.query) == asked | {"state": [ATTEMPT.state]}
    app = urlsplit(wecom.provider().address(ATTEMPT, browser=IN_THE_APP))
    assert (app.path, app.fragment) == ("/connect/oauth2/authorize", "wechat_redirect")
    asked = {"appid": [CORP_ID], "agentid": [AGENT_ID], "redirect_uri": [BACK], "response_type": ["code"]}
    assert parse_qs(app.query) == asked | {"scope": ["snsapi_base"], "state": [ATTEMPT.state]}


def test_a_code_is_good_once_and_strangers_are_nobody(wecom):
    provider = wecom.provider()
    code = Answer(wecom.do("scan", userid="F0001"))
    assert provider.number(code, ATTEMPT) == "F0001"
    for refused in (code, Answer(""), Answer("made up & up=1")):
        with pytest.raises(ProviderRefusedError):
            provider.number(refused, ATTEMPT)
    for stranger in (
        {"openid": "oABC"},
        {"external_userid": "wmABC", "openid": "oABC"},
        {"UserId": "F0001"},
        {"userid": ""},
    ):
        with pytest.raises(ProviderRefusedError, match="no member"):
            provider.number(Answer(wecom.do("scan", **stranger)), ATTEMPT)


def test_a_token_that_ended_is_renewed_once(wecom):
    provider = wecom.provider()
    assert provider.number(Answer(wecom.do("scan", userid="F0001")), ATTEMPT) == "F0001"
    wecom.do("end_token")
    assert provider.number(Answer(wecom.do("scan", userid="F0002")), ATTEMPT) == "F0002"
    assert wecom.get("tokens_given") == 2
    wecom.set(failure=42001)
    with pytest.raises(ProviderUnavailableError):
        provider.number(Answer("x"), ATTEMPT)


def test_a_token_is_renewed_before_it_ends(wecom):
    at = 1000.0
    provider = wecom.provider(monotonic=lambda: at)
    for at, given in ((1000.0, 1), (1000.0 + 7200 - 301, 1), (1000.0 + 7200 - 299, 2)):  # noqa: B007 - the lambda's
        provider.number(Answer(wecom.do("scan", userid="F0001")), ATTEMPT)
        assert wecom.get("tokens_given") == given


def test_many_at_once_fetch_one_token(wecom):
    wecom.set(late_s=0.02)
    provider = wecom.provider()
    codes = [Answer(wecom.do("scan", userid=f"F{number:04}")) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda code: provider.number(code, ATTEMPT), codes))
    assert found == [f"F{number:04}" for number in range(8)]
    assert wecom.get("tokens_given") == 1


def test_what_is_wrong_with_the_registration_is_found(wecom):
    assert wecom.provider().check() == "gives this app its access token"
    for given, errcode in (({"secret": f"{SECRET}x"}, 40001), ({"corp_id": "ww0000000000000000"}, 40013)):
        with pytest.raises(ProviderUnavailableError, match=f"errcode {errcode}"):
            wecom.provider(**given).check()
    wecom.set(failure=60020)
    with pytest.raises(ProviderUnavailableError, match="errcode 60020"):
        wecom.provider().check()


def letter(number: str, body: str = "照片已通过。") -> Letter:
    content = {"zh": {"title": "照片", "body": body}, "en": {"title": "Photo", "body": "Approved."}}
    return Letter(new_id(), datetime.now(UTC), "photo_approved", number, None, content)


@pytest.fixture
def channel(wecom: WecomPeer) -> WecomChannel:
    wecom.set(members=["20260001"])
    options = {"corp_id": CORP_ID, "agent_id": AGENT_ID, "secret": SECRET, "redirect_uri": BACK}
    settings = Settings(
        wecom=WecomSettings(**options, address=f"http://127.0.0.1:{wecom.port}"),
        enrollment=EnrollmentSettings(by_wecom=True),
    )
    (made,) = make_notice_channels(settings)
    assert isinstance(made, WecomChannel)
    return made


def test_a_notice_reaches_a_member(wecom, channel):
    channel.send(letter("20260001"))
    channel.send(letter("20260001", "很长。" * 1000))
    (short, long) = wecom.get("sent")
    assert short == ("20260001", "照片\n照片已通过。\n\nPhoto\nApproved.")
    assert long[1].startswith("照片\n很长。")
    assert 2040 < len(long[1].encode()) <= 2048


@pytest.mark.parametrize("says_nobody", [True, False])
def test_who_is_not_reached_is_known(wecom, channel, says_nobody):
    wecom.set(says_nobody=says_nobody)
    with pytest.raises(LetterRefusedError):
        channel.send(letter("20260404"))
    assert wecom.get("sent") == []


@pytest.mark.parametrize("number", ["@all", "20260001|20260002", "", "张三"])
def test_a_notice_goes_to_nobody_else(wecom, channel, number):
    wecom.set(members=["20260001", "20260002", "@all", "", "张三"])
    with pytest.raises(LetterRefusedError):
        channel.send(letter(number))
    assert wecom.get("tokens_given") == 0, "nobody was asked"


def test_while_enterprise_wechat_fails_notices_wait(wecom, channel):
    wecom.set(failure=45009)
    with pytest.raises(ChannelDownError):
        channel.send(letter("20260001"))
    with pytest.raises(ValidationError, match="by_wecom needs the app"):
        Settings(enrollment=EnrollmentSettings(by_wecom=True))
