"""Tokens by which an app says who its user is: right ones are believed, and nothing else is."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from accounts.cards.channel_tokens import SignedChannelUsers
from accounts.cards.virtual_cards import ChannelRefusedError, ChannelUnavailableError, ChannelUser
from accounts.vocabulary import Channel

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
SECRET = b"s" * 32
users = SignedChannelUsers({Channel.WECOM: SECRET, Channel.ALIPAY: b"a" * 32}, now=lambda: NOW)


def token(secret: bytes = SECRET, algorithm: str = "HS256", **changed) -> str:
    claims = {
        "iss": "wecom",
        "aud": "campusgate",
        "sub": "zhang.san",
        "phone": "13800138000",
        "iat": NOW,
        "exp": NOW + timedelta(minutes=5),
    } | changed
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def test_a_right_token_names_the_user_and_the_phone() -> None:
    assert users.user(Channel.WECOM, token()) == ChannelUser("zhang.san", "+8613800138000")
    assert users.user(Channel.WECOM, token(phone=None)) == ChannelUser("zhang.san", None)


@pytest.mark.parametrize(
    "wrong",
    [
        token(secret=b"t" * 32),
        token(secret=b"s" * 64, algorithm="HS512"),
        jwt.encode({"iss": "wecom", "aud": "campusgate", "sub": "x", "iat": NOW, "exp": NOW}, None, algorithm="none"),
        token(iss="alipay"),
        token(aud="another"),
        token(sub=None),
        token(sub=""),
        token(sub="x" * 129),
        token(exp=None),
        token(iat=None),
        token(exp=NOW),
        token(iat=NOW + timedelta(minutes=1), exp=NOW + timedelta(minutes=5)),
        token(exp=NOW + timedelta(minutes=11)),
        token(exp=10**18),
        token(phone="not a phone"),
        "",
        "a.b.c",
    ],
)
def test_everything_else_is_refused(wrong: str) -> None:
    with pytest.raises(ChannelRefusedError):
        users.user(Channel.WECOM, wrong)


def test_one_channels_secret_opens_no_other() -> None:
    with pytest.raises(ChannelRefusedError):
        users.user(Channel.ALIPAY, token(iss="alipay"))


def test_a_channel_without_a_secret_is_not_connected() -> None:
    with pytest.raises(ChannelUnavailableError):
        users.user(Channel.WECHAT, token(iss="wechat"))


def test_a_short_secret_is_not_taken() -> None:
    with pytest.raises(ValueError, match="less than 32 bytes"):
        SignedChannelUsers({Channel.WECHAT: b"short"})
