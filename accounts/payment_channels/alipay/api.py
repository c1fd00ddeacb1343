"""The calls of Alipay's gateway: signed, with time-outs, every answer verified.

Own lines on httpx: the libraries verify by counting braces, also those within texts, take the time of the process's own
zone for Beijing's, and send payment codes in the address, where proxies log them.
"""

import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog

from accounts.payment_channels import fields
from accounts.payment_channels.alipay.keys import AlipayKeys, signed_text
from accounts.payment_channels.channel import ChannelFailedError

log = structlog.get_logger()

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_LARGEST_BILL = 64 * 1024 * 1024
_ASK_AGAIN: Final = frozenset({"20000", "20001", "40001", "40002", "40003", "40005", "40006"})
"""Unknown, or the request itself was not taken: nothing is known of what it was about."""


class AlipayApi:
    """The app's side of the wire; calls may run in several threads."""

    def __init__(
        self,
        *,
        appid: str,
        address: str,
        notify_url: str,
        keys: AlipayKeys,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask nobody."""
        self._appid, self._address, self._notify_url = appid, address, notify_url
        self._keys = keys
        self._clock = clock
        self._tls = _make_tls()

    def call(self, method: str, content: Mapping[str, Any], *, is_notified: bool = False) -> Mapping[str, Any]:
        """Make a call; return what was answered, a refusal (`40004` with its `sub_code`) too.

        Raises:
            ChannelFailedError: no answer, one that is not Alipay's, or one that says nothing.
        """
        given = {
            "app_id": self._appid,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": write_time(self._clock()),
            "version": "1.0",
        }
        if is_notified:
            given["notify_url"] = self._notify_url
        if self._keys.app_serial is not None and self._keys.root_serial is not None:
            given |= {"app_cert_sn": self._keys.app_serial, "alipay_root_cert_sn": self._keys.root_serial}
        body = {"biz_content": json.dumps(content, ensure_ascii=False)}
        given["sign"] = self._keys.sign(signed_text(given | body))
        try:
            with self._connect() as client:
                answer = client.post(self._address, params=given, data=body)
            said = self._read(answer.raise_for_status().content.decode(), method)
        except Exception as error:
            log.warning("alipay_call_failed", call=method, error=type(error).__name__)
            raise ChannelFailedError("alipay did not answer") from error
        if said.get("code") in _ASK_AGAIN:
            log.warning("alipay_call_failed", call=method, code=said.get("code"), sub_code=said.get("sub_code"))
            raise ChannelFailedError(f"alipay did not say what it did: {said.get('sub_code') or said.get('code')}")
        return said

    def download(self, address: str) -> bytes:
        """Return what lies at an address that a bill's answer named; it is good for half a minute.

        Raises:
            ChannelFailedError: it is not at Alipay, is too large, or does not answer.
        """
        host, own = urlsplit(address), urlsplit(self._address)
        is_alipays = host.scheme == "https" and (host.hostname or "").endswith(".alipay.com")
        if not is_alipays and (host.scheme, host.netloc) != (own.scheme, own.netloc):
            raise ChannelFailedError("the bill is said to be at another address than Alipay's")
        content = b""
        try:
            with self._connect() as client, client.stream("GET", address) as answer:
                answer.raise_for_status()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > _LARGEST_BILL:
                        raise ChannelFailedError("the bill is larger than a campus's can be")
        except httpx.HTTPError as error:
            raise ChannelFailedError("alipay gave no bill") from error
        return content

    def _connect(self) -> httpx.Client:
        # One for each call: a payment an hour would find its connection closed by then.
        return httpx.Client(timeout=_TIMEOUT, verify=self._tls, trust_env=False)

    def _read(self, text: str, method: str) -> Mapping[str, Any]:
        """Verify an answer: what is signed is the text of its one part, as it came.

        Raises:
            Exception: it is not signed, or signed with another certificate than ours, or not understood.
        """
        said = json.loads(text)
        name = f"{method.replace('.', '_')}_response"
        if self._keys.alipay_serial not in (None, said.get("alipay_cert_sn")):
            raise ValueError("signed with another certificate; download alipayCertPublicKey_RSA2.crt anew")
        begins = text.index("{", text.index(f'"{name}"'))
        part, ends = json.JSONDecoder().raw_decode(text, begins)
        self._keys.verify(text[begins:ends], said["sign"])
        return dict(part)


def write_time(at: datetime) -> str:
    """Return a time as Alipay writes it: Beijing's, without its zone."""
    return f"{at.astimezone(fields.BEIJING):%Y-%m-%d %H:%M:%S}"


def read_time(text: str) -> datetime:
    """Return a time that Alipay wrote, in UTC.

    Raises:
        ValueError: it is none.
    """
    return fields.read_time(text[:19])


@cache
def _make_tls() -> ssl.SSLContext:
    # Once a process: to read the certificates of all public authorities takes 30 ms of processor time.
    return ssl.create_default_context()
