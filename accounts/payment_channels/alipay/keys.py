"""The keys of the app and of Alipay: reading them however they were saved, signing, verifying, serial numbers."""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificate

from accounts.payment_channels.alipay.options import AlipayOptions
from errors import OperatorError

Loaded = TypeVar("Loaded")

_UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)
_RSA = "1.2.840.113549.1.1."
"""Begins the numbers of all signature algorithms with RSA; the root file has certificates of others too."""
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class AlipayKeyFileError(OperatorError):
    """A file of a key or certificate cannot be used; the message says which."""


@dataclass(frozen=True, slots=True)
class AlipayKeys:
    """The app's key, Alipay's, and in certificate mode the serial numbers that stand beside signatures."""

    app: RSAPrivateKey
    alipay: RSAPublicKey
    alipay_certificate: Certificate | None = None
    app_serial: str | None = None
    root_serial: str | None = None

    @property
    def alipay_serial(self) -> str | None:
        """The serial number of Alipay's certificate, in certificate mode."""
        return None if self.alipay_certificate is None else serial_of(self.alipay_certificate)

    def sign(self, text: str) -> str:
        """Return the app's signature (RSA2) of a text in UTF-8."""
        return b64encode(self.app.sign(text.encode(), PKCS1v15(), SHA256())).decode()

    def verify(self, text: str, signature: str) -> None:
        """Check Alipay's signature of a text in UTF-8.

        Raises:
            InvalidSignature, ValueError: it is wrong, or no base64.
        """
        self.alipay.verify(b64decode(signature, validate=True), text.encode(), PKCS1v15(), SHA256())

    def is_in_time(self, now: datetime) -> bool:
        """Whether Alipay's certificate is good at `now`; a public key always is."""
        certificate = self.alipay_certificate
        return certificate is None or certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def signed_text(given: Mapping[str, str]) -> str:
    """Return what is signed of parameters: by their names, as `name=value` with `&` between."""
    return "&".join(f"{name}={value}" for name, value in sorted(given.items()))


def serial_of(certificate: Certificate) -> str:
    """Return the serial number as Alipay writes it: MD5 over the issuer (RFC 4514) and the number in decimal."""
    return _md5(f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}")


def serial_of_roots(content: bytes) -> str:
    """Return the serial numbers of the RSA certificates of a root file, joined by `_`.

    Raises:
        ValueError: there is none.
    """
    found = (load_pem_x509_certificate(block) for block in _BLOCK.findall(content))
    serials = [serial_of(one) for one in found if one.signature_algorithm_oid.dotted_string.startswith(_RSA)]
    if not serials:
        raise ValueError("no certificate with RSA")
    return "_".join(serials)


def load_keys(options: AlipayOptions) -> AlipayKeys:
    """Load the files that the options name.

    Raises:
        AlipayKeyFileError: one cannot be used.
    """
    app = _load(options.key_file, _private_key, "private key")
    if options.public_key_file is not None:
        return AlipayKeys(app, _load(options.public_key_file, _public_key, "public key"))
    certificate = _load(options.alipay_certificate_file, load_pem_x509_certificate, "certificate")
    own = _load(options.app_certificate_file, load_pem_x509_certificate, "certificate")
    if own.public_key() != app.public_key():
        raise AlipayKeyFileError(f"{options.app_certificate_file} is not of the key in {options.key_file}")
    public = certificate.public_key()
    if not isinstance(public, RSAPublicKey):
        raise AlipayKeyFileError(f"{options.alipay_certificate_file} has no RSA key")
    roots = _load(options.root_certificate_file, serial_of_roots, "certificate")
    return AlipayKeys(app, public, certificate, serial_of(own), roots)


def _load(path: Path | None, read: Callable[[bytes], Loaded], what: str) -> Loaded:
    if path is None:
        raise AlipayKeyFileError(f"no file of a {what} is named")
    try:
        return read(path.read_bytes())
    except _UNREADABLE as error:
        raise AlipayKeyFileError(f"{path} holds no {what} that can be used") from error


def _private_key(content: bytes) -> RSAPrivateKey:
    key = load_pem_private_key(content, None) if b"-----" in content else load_der_private_key(_der(content), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("another kind of key")
    return key


def _public_key(content: bytes) -> RSAPublicKey:
    key = load_pem_public_key(content) if b"-----" in content else load_der_public_key(_der(content))
    if not isinstance(key, RSAPublicKey):
        raise TypeError("another kind of key")
    return key


def _der(content: bytes) -> bytes:
    """Alipay's key tool saves keys as one line of base64 without a head."""
    return b64decode(b"".join(content.split()), validate=True)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
