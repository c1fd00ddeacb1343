"""The payment providers on trial: the channels that the server's settings connect understand them, and payers too."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from accounts.payment_channels.channel import ChannelOrder, ChannelState, NewOrder, PaymentChannel
from accounts.payment_channels.registry import channel_of
from campusgate.demo.providers.trial import CODES, TrialProviders
from campusgate.settings import Settings
from campusgate.wiring.accounts import connect_channels
from database import new_id
from tests.served import WebhookReceiver, served
from tests.waiting import PATIENCE_S, until

NAMES = ("wechat", "alipay", "abchina")


@pytest.fixture(scope="module")
def campus() -> Iterator[WebhookReceiver]:
    with served(WebhookReceiver()) as campus:
        yield campus


@pytest.fixture(scope="module")
def providers(campus: WebhookReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrialProviders]:
    folder = tmp_path_factory.mktemp("trial") / "providers"
    with TrialProviders(folder, campus.url.rstrip("/")) as providers:
        yield providers


@pytest.fixture
def channels(
    providers: TrialProviders, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, PaymentChannel]:
    for name, value in providers.settings().items():
        monkeypatch.setenv(name, value)
    return connect_channels(Settings(data_dir=tmp_path_factory.mktemp("data")))


def now() -> datetime:
    return datetime.now(UTC)


def visit(method: str, address: str) -> httpx.Response:
    return httpx.request(method, address, timeout=PATIENCE_S, trust_env=False, follow_redirects=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_paid_on_their_page_is_notified(
    name: str, providers: TrialProviders, campus: WebhookReceiver, channels: Mapping[str, PaymentChannel]
) -> None:
    wanted = NewOrder(new_id(), 1_210, "top-up", now() + timedelta(minutes=30))
    address = channels[name].create(wanted, now())["code_url"]
    page = visit("GET", address)
    assert "12.10 元" in page.text
    assert not providers.is_paid(name, wanted.id)
    campus.requests.clear()
    assert "已付款" in visit("POST", address).text
    until(lambda: campus.requests)
    headers, body = campus.requests[0]
    about = channels[name].read_notification(dict(headers), body, now()).about
    assert isinstance(about, ChannelOrder)
    assert (about.id, about.state, about.amount) == (wanted.id, ChannelState.PAID, 1_210)
    campus.requests.clear()
    providers.notify(name, wanted.id, is_spoilt=True)
    headers, spoilt = campus.requests[0]
    with pytest.raises(Exception):  # noqa: B017, PT011 - the port lets a channel refuse in any way
        channels[name].read_notification(dict(headers), spoilt, now())


@pytest.mark.parametrize("name", NAMES)
def test_their_payers_codes_are_read(
    name: str, providers: TrialProviders, channels: Mapping[str, PaymentChannel]
) -> None:
    assert channel_of(CODES[name]) == name
    charge_id = new_id()
    found = channels[name].charge(charge_id, CODES[name], 850, description="campus", now=now())
    assert (found.state, providers.is_paid(name, charge_id)) == (ChannelState.PAID, True)
    poor = channels[name].charge(new_id(), f"{CODES[name][:-1]}9", 850, description="campus", now=now())
    assert poor.state is ChannelState.CLOSED


def test_an_order_that_they_do_not_have_is_not_found(
    providers: TrialProviders, channels: Mapping[str, PaymentChannel]
) -> None:
    wanted = NewOrder(new_id(), 1_210, "top-up", now() + timedelta(minutes=30))
    address = channels["wechat"].create(wanted, now())["code_url"]
    for wrong in (address.replace(wanted.id.hex, new_id().hex), address.replace("wechat", "bank"), f"{address}x"):
        assert visit("GET", wrong).status_code == 404
        assert visit("POST", wrong).status_code == 404
    assert not providers.is_paid("wechat", wanted.id)
