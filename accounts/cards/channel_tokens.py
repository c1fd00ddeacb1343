"""Whose phone is this? Signed tokens of the campus's own app or mini program, which has signed its user in already.

The app's server knows the user from enterprise WeChat, Alipay or WeChat and says so in a JWT (HS256, RFC 7519) under a
secret that it shares with this server: `iss` the channel, `sub` the channel's user id, `exp` at most ten minutes from
`iat`, `aud` "campusgate", and `phone` where the channel gives one.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import jwt

from accounts.cards.virtual_cards import ChannelRefusedError, ChannelUnavailableError, ChannelUser
from accounts.people import phones
from accounts.vocabulary import Channel

AUDIENCE = "campusgate"
LONGEST_LIFE = timedelta(minutes=10)
_LEAST_SECRET_BYTES = 32
_MOST_USER_LENGTH = 128


class SignedChannelUsers:
    """Reads the tokens of every channel that shares a secret with this server."""

    def __init__(
        self, secrets: Mapping[Channel, bytes], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Take the channels' secrets.

        Raises:
            ValueError: a secret is shorter than 32 bytes (RFC 7518, section 3.2), or the channel is no app.
        """
        if Channel.WEB in secrets:
            raise ValueError("the server's own pages share no secret with it: web")
        for channel, secret in secrets.items():
            if len(secret) < _LEAST_SECRET_BYTES:
                raise ValueError(f"the secret shared with {channel} has less than {_LEAST_SECRET_BYTES} bytes")
        self._secrets = dict(secrets)
        self._now = now

    def user(self, channel: Channel, token: str) -> ChannelUser:
        """Return who the channel says its user is.

        Raises:
            ChannelUnavailableError: no secret is shared with this channel.
            ChannelRefusedError: the token is not the channel's, is too old, or lives too long.
        """
        secret = self._secrets.get(channel)
        if secret is None:
            raise ChannelUnavailableError
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=channel.value,
                # Judged by our own clock below.
                options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
            )
            issued, expires = (datetime.fromtimestamp(int(claims[name]), UTC) for name in ("iat", "exp"))
            phone = phones.normalise(str(claims["phone"])) if claims.get("phone") else None
        except (jwt.InvalidTokenError, ValueError, OverflowError, OSError, phones.InvalidPhoneError) as error:
            raise ChannelRefusedError from error
        user = str(claims["sub"])
        now, leeway = self._now(), timedelta(seconds=30)
        in_time = issued - leeway <= now < expires and expires - issued <= LONGEST_LIFE
        if not in_time or not 0 < len(user) <= _MOST_USER_LENGTH:
            raise ChannelRefusedError
        return ChannelUser(user, phone)
