"""With what WeChat Pay signs: its public key, or its platform certificates, each for its time.

Which certificates are good is decided here and at each message. The library looks at validity only when it loads one,
and would fetch new ones whenever a message names an unknown serial; so whoever sends us messages would make us ask.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

log = structlog.get_logger()

_FETCHED_EVERY = timedelta(hours=12)
"""WeChat Pay hands out a new certificate 24 hours before it signs with it."""


class UnknownSignerError(Exception):
    """The message names a key or certificate that is not known here, or that is not in its time."""


class PlatformKeys:
    """The keys by which messages are verified, and the certificates' file for the next start."""

    def __init__(self, public_key_id: str | None, folder: Path) -> None:
        """Load the certificates that were fetched before from `folder`; `public_key_id` None: there are only those."""
        self._public_key_id = public_key_id
        self._folder = folder
        self._certificates = _by_serial(_load(folder))
        self._fetched_at: datetime | None = None

    @property
    def certificates(self) -> list[Certificate]:
        """All that are known, in their time or not."""
        return list(self._certificates.values())

    def require(self, serial: str, now: datetime) -> None:
        """Check that a message's signer is known, and good at `now`.

        Raises:
            UnknownSignerError: it is not.
        """
        if self._public_key_id is not None and serial == self._public_key_id:
            return
        try:
            certificate = self._certificates.get(int(serial, 16))
        except ValueError as error:
            raise UnknownSignerError("no serial number") from error
        if certificate is None:
            raise UnknownSignerError("a certificate that is not known")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise UnknownSignerError("a certificate that is not in its time")

    def is_fetching_due(self, now: datetime) -> bool:
        """Whether certificates are to be fetched: they are used, and it was not done of late."""
        if self._public_key_id is not None:
            return False
        return self._fetched_at is None or now >= self._fetched_at + _FETCHED_EVERY

    def take(self, answer: Mapping[str, Any], api_key: bytes, now: datetime) -> None:
        """Take the certificates of an answer and keep them for the next start; those that were known stay.

        What makes them WeChat Pay's is that they are encrypted under the APIv3 key, which nobody else has.
        """
        found = []
        for one in answer["data"]:
            sealed = one["encrypt_certificate"]
            nonce, data = sealed["nonce"].encode(), sealed["ciphertext"]
            pem = AESGCM(api_key).decrypt(nonce, b64decode(data, validate=True), sealed["associated_data"].encode())
            found.append(load_pem_x509_certificate(pem))
        self._certificates = {**self._certificates, **_by_serial(found)}
        self._fetched_at = now
        self._folder.mkdir(parents=True, exist_ok=True)
        for certificate in found:
            path = self._folder / f"{certificate.serial_number:X}.pem"
            path.write_bytes(certificate.public_bytes(Encoding.PEM))


def _by_serial(certificates: Iterable[Certificate]) -> dict[int, Certificate]:
    return {one.serial_number: one for one in certificates}


def _load(folder: Path) -> Iterator[Certificate]:
    for path in sorted(folder.glob("*.pem")):
        try:
            yield load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            log.warning("certificate_not_read", path=str(path), error=type(error).__name__)
