"""The calls of the bank's TrustPay: JSON in GB 18030, signed, with time-outs, every answer verified as it came."""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import httpx
import structlog

from accounts.payment_channels.abchina.keys import ALGORITHM, ENCODING, AbchinaKeys
from accounts.payment_channels.channel import ChannelFailedError

log = structlog.get_logger()

OK: Final = "0000"
_UNKNOWN: Final = "EUNKWN"
"""What came of it is not known."""
_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_TRADES, _FILES = "/ebus/ReceiveMerchantTrxReqServlet", "/ebussettle/ReceiveMerchantFileTrxReqServlet"
_LEGACY_SERVER_CONNECT: Final = 0x4
"""`ssl.OP_LEGACY_SERVER_CONNECT` of Python 3.12: the bank's servers are without RFC 5746, which OpenSSL 3 asks for."""
_MESSAGE: Final = re.compile(r'"Message"\s*:\s*')


class AbchinaApi:
    """The merchant's side of the wire; calls may run in several threads."""

    def __init__(
        self,
        *,
        merchant_id: str,
        address: str,
        keys: AbchinaKeys,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask nobody."""
        self._merchant_id, self._address = merchant_id, address
        self._keys = keys
        self._clock = clock
        self._tls = _make_tls()

    def call(self, what: str, content: Mapping[str, Any], *, is_file: bool = False) -> Mapping[str, Any]:
        """Make a call; return what was answered, a refusal (any `ReturnCode` but 0000) too.

        Raises:
            ChannelFailedError: no answer, one that is not the bank's, or one that says that nothing is known.
        """
        message = {
            "Version": "V3.0.0",
            "Format": "JSON",
            "Merchant": {"ECMerchantType": "EBUS", "MerchantID": self._merchant_id},
            "TrxRequest": {"TrxType": what} | dict(content),
        }
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        body = f'{{"Message":{text},"Signature-Algorithm":"{ALGORITHM}","Signature":"{self._keys.sign(text)}"}}'
        headers = {"Content-Type": f"text/plain; charset={ENCODING}"}
        try:
            # One for each call: a payment an hour would find its connection closed by then.
            with httpx.Client(timeout=_TIMEOUT, verify=self._tls, trust_env=False) as client:
                address = self._address + (_FILES if is_file else _TRADES)
                answer = client.post(address, content=body.encode(ENCODING), headers=headers)
            said = self._read(answer.raise_for_status().content)
        except Exception as error:
            log.warning("abchina_call_failed", call=what, error=type(error).__name__)
            raise ChannelFailedError("abchina did not answer") from error
        code = said.get("ReturnCode")
        if code != OK:
            log.info("abchina_call_refused", call=what, code=code)
        if code == _UNKNOWN:
            raise ChannelFailedError(f"abchina did not say what it did: {code}")
        return said

    def _read(self, content: bytes) -> Mapping[str, Any]:
        """Verify an answer: what is signed is the text of its message, as it came.

        Raises:
            Exception: it is not signed, or not understood.
        """
        text = content.decode(ENCODING)
        said = json.loads(text)
        begins = _MESSAGE.search(text)
        if begins is None:
            raise ValueError("an answer without a message")
        message, ends = json.JSONDecoder().raw_decode(text, begins.end())
        signed = text[begins.end() : ends].encode(ENCODING)
        wrap = said.get("MSG", said)
        self._keys.verify(signed, wrap["Signature-Algorithm"], wrap["Signature"], self._clock())
        # The answers of files stand in a part of their own, those of trades beside the merchant.
        return dict(message.get("TrxResponse", message))


@cache
def _make_tls() -> ssl.SSLContext:
    # Once a process: to read the certificates of all public authorities takes 30 ms of processor time.
    tls = ssl.create_default_context()
    tls.options |= _LEGACY_SERVER_CONNECT
    return tls
