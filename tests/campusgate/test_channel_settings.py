"""The server is given its payment channels by settings; each that has a backend can be set."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from accounts.payment_channels.registry import CHANNELS
from campusgate.settings import Settings
from campusgate.settings.payment_channels import PaymentChannelSettings
from campusgate.wiring.accounts import connect_channels
from errors import OperatorError

WECHAT = {
    "MCHID": "1900000109",
    "APPID": "wxd678efh567hg6787",
    "SERIAL": "3775B6A45ACD588826D15E583A95F5DD00000000",
    "API_KEY": "k7Qm2vXr9ZpLs4TwUyBn6HcJd8FgAe3R",
    "NOTIFY_URL": "https://campus.example/api/v1/channels/wechat/notifications",
}


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The settings of WeChat Pay; the file of the key, which is not there yet."""
    file = tmp_path / "apiclient_key.pem"
    monkeypatch.setenv("CAMPUSGATE_DATA_DIR", str(tmp_path / "data"))
    for name, value in (WECHAT | {"KEY_FILE": str(file)}).items():
        monkeypatch.setenv(f"CAMPUSGATE_PAYMENT_CHANNELS__WECHAT__{name}", value)
    return file


def test_each_channel_that_can_be_connected_has_its_settings() -> None:
    options = {entry.name: entry.options for entry in CHANNELS if entry.connect is not None}
    fields = {name: field.annotation for name, field in PaymentChannelSettings.model_fields.items()}
    assert fields == {name: kind | None for name, kind in options.items() if kind is not None}


def test_without_settings_no_channel_is_connected() -> None:
    assert connect_channels(Settings()) == {}


def test_a_channel_is_connected_by_its_settings_alone_and_asks_nobody(set_up: Path) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    set_up.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert [(name, made.name) for name, made in connect_channels(Settings()).items()] == [("wechat", "wechat")]


def test_a_key_that_is_not_there_is_named_and_no_secret_is_said(set_up: Path) -> None:
    with pytest.raises(OperatorError, match=r"apiclient_key\.pem holds no private key"):
        connect_channels(Settings())
    assert WECHAT["API_KEY"] not in repr(Settings())


def test_a_contract_that_is_not_whole_is_refused(set_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAMPUSGATE_PAYMENT_CHANNELS__WECHAT__MCHID")
    with pytest.raises(ValidationError, match=r"payment_channels.wechat.mchid"):
        Settings()
