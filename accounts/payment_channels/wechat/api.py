"""The calls of WeChat Pay's API v3, by the library `wechatpayv3`: signed, with time-outs, answers verified.

The library refreshes certificates whenever a message names an unknown one, and forgets the good ones when that fails;
it has no parameter for the address. So it is given our own set of certificates, which it never changes.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from wechatpayv3 import WeChatPay, WeChatPayType

from accounts.payment_channels.channel import ChannelFailedError
from accounts.payment_channels.wechat.options import WechatPayOptions
from accounts.payment_channels.wechat.platform_keys import PlatformKeys
from errors import OperatorError

log = structlog.get_logger()

_CONNECT_S, _READ_S = 3.0, 10.0
"""WeChat Pay answers most calls in a second; a terminal and its payer wait for this."""
_NO_KEY_ID = "PUB_KEY_ID_NONE"
_UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)


class WechatKeyFileError(OperatorError):
    """A key file of the merchant cannot be used; the message says which."""


class WechatPayApi:
    """The merchant's side of the wire. Calls may run in several threads: what they share is replaced, never changed."""

    def __init__(self, options: WechatPayOptions, keys: PlatformKeys) -> None:
        """Load the merchant's key; asks nobody.

        Raises:
            WechatKeyFileError: a key file is missing or holds no such key.
        """
        self.keys = keys
        self._api_key = options.api_key.get_secret_value()
        private, own_public = _merchant_pems(options.key_file)
        public = None
        if options.public_key_file is not None:
            public = _public_pem(options.public_key_file)
        self._pay = WeChatPay(
            WeChatPayType.NATIVE,
            mchid=options.mchid,
            private_key=private,
            cert_serial_no=options.serial,
            appid=options.appid,
            apiv3_key=self._api_key,
            notify_url=options.notify_url,
            timeout=(_CONNECT_S, _READ_S),
            # With any public key it asks nobody when it is made.
            public_key=public or own_public,
            public_key_id=options.public_key_id or _NO_KEY_ID,
        )
        core = self._pay._core  # noqa: SLF001 - it has no other way to be given an address, or certificates
        core._gate_way = options.address  # noqa: SLF001
        core._update_certificates = _refresh_nothing  # noqa: SLF001
        if public is None:
            core._public_key = core._public_key_id = None  # noqa: SLF001
        self._core = core
        self._use_certificates()

    def call(self, name: str, /, **given: Any) -> tuple[int, Mapping[str, Any]]:
        """Make a call of the library by its name; return the HTTP status and what was answered, `{}` for nothing.

        Raises:
            ChannelFailedError: no answer, one that is not WeChat Pay's, or one that is to be asked again.
        """
        try:
            status, text = getattr(self._pay, name)(**given)
            answer = json.loads(text) if text else {}
        except Exception as error:
            # The library raises whatever its parts do, and a bare Exception for an answer that is not signed.
            log.warning("wechat_call_failed", call=name, error=type(error).__name__)
            raise ChannelFailedError("wechat did not answer") from error
        if status == 429 or status >= 500 or status == 401 or not isinstance(answer, dict):
            log.warning("wechat_call_failed", call=name, status=status, code=_code_of(answer))
            raise ChannelFailedError(f"wechat did not answer: {status}")
        return status, answer

    def download(self, address: str) -> bytes:
        """Return what lies at an address that a bill's answer named.

        Raises:
            ChannelFailedError: it is not at WeChat Pay, or does not answer.
        """
        if not address.startswith(f"{self._core._gate_way}/"):  # noqa: SLF001
            raise ChannelFailedError("the bill is said to be at another address than WeChat Pay's")
        try:
            status, content = self._pay.download_bill(address)
        except Exception as error:
            raise ChannelFailedError("wechat did not answer") from error
        if status != 200 or not isinstance(content, bytes):
            raise ChannelFailedError(f"wechat gave no bill: {status}")
        return content

    def read(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
        """Verify and decrypt a notification whose signer was found good.

        Raises:
            Exception: it is not signed, not encrypted or not understood.
        """
        said = self._pay.callback(headers, body)
        if not said:
            raise ValueError("the signature is wrong, or the APIv3 key is another")
        return dict(said)

    def sign(self, *parts: str) -> str:
        """Return the merchant's signature that an app shows to WeChat."""
        return str(self._pay.sign(list(parts)))

    def fetch_certificates(self, now: datetime) -> None:
        """Fetch the platform certificates; those that were known stay good whatever comes of it.

        Raises:
            ChannelFailedError: WeChat Pay does not answer, or not so that they can be opened.
        """
        try:
            status, text = self._core.request("/v3/certificates", skip_verify=True)
            if status != 200:
                raise ChannelFailedError(f"wechat gave no certificates: {status}")
            self.keys.take(json.loads(text), self._api_key.encode(), now)
        except ChannelFailedError:
            raise
        except Exception as error:
            raise ChannelFailedError("wechat gave no certificates that can be opened") from error
        self._use_certificates()

    def _use_certificates(self) -> None:
        self._core._certificates = self.keys.certificates  # noqa: SLF001


def _refresh_nothing() -> None:
    """Stand for the library's own refresh."""


def _code_of(answer: object) -> str | None:
    return str(answer.get("code")) if isinstance(answer, dict) else None


def _merchant_pems(path: Path) -> tuple[str, str]:
    """The key as PKCS #8 with plain line ends, which the library wants, and its public half.

    WeChat Pay's own tool writes other forms too.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except _UNREADABLE as error:
        raise WechatKeyFileError(f"{path} holds no private key; download apiclient_key.pem at WeChat Pay") from error
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _public_pem(path: Path) -> str:
    try:
        key = load_pem_public_key(path.read_bytes())
    except _UNREADABLE as error:
        raise WechatKeyFileError(f"{path} holds no public key; download pub_key.pem at WeChat Pay") from error
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
