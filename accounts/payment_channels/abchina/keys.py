"""The merchant's key and the bank's certificate: SHA-1 with RSA over GB 18030, whatever else a message says."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificate

from accounts.payment_channels.abchina.options import AbchinaOptions
from errors import OperatorError

ALGORITHM = "SHA1withRSA"
ENCODING = "gb18030"

_UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)


class AbchinaKeyFileError(OperatorError):
    """A file of a key or certificate cannot be used; the message says which."""


@dataclass(frozen=True, slots=True)
class AbchinaKeys:
    """The merchant's key, and the bank's certificate."""

    merchant: RSAPrivateKey
    bank: RSAPublicKey
    certificate: Certificate

    def sign(self, text: str) -> str:
        """Return the merchant's signature of a text."""
        return b64encode(self.merchant.sign(text.encode(ENCODING), PKCS1v15(), SHA1())).decode()  # noqa: S303

    def verify(self, text: bytes, algorithm: str, signature: str, now: datetime) -> None:
        """Check the bank's signature of a text as it came.

        Raises:
            InvalidSignature, ValueError: it is wrong, of another algorithm, or the certificate's time is over.
        """
        if algorithm != ALGORITHM:
            raise ValueError("signed in another way than was agreed")
        if not self.certificate.not_valid_before_utc <= now <= self.certificate.not_valid_after_utc:
            raise ValueError("the bank's certificate is out of its time; ask the bank for the one it signs with now")
        self.bank.verify(decode(signature), text, PKCS1v15(), SHA1())  # noqa: S303


def decode(text: str) -> bytes:
    """Return what a text says in base64, which has one spelling.

    Raises:
        ValueError: it is no base64, or spelt in another way.
    """
    found = b64decode(text, validate=True)
    if b64encode(found).decode() != text:
        raise ValueError("no base64")
    return found


def load_keys(options: AbchinaOptions) -> AbchinaKeys:
    """Load the files that the options name.

    Raises:
        AbchinaKeyFileError: one cannot be used.
    """
    password = options.key_password.get_secret_value().encode()
    try:
        key, own, _ = load_key_and_certificates(options.key_file.read_bytes(), password)
    except _UNREADABLE as error:
        raise AbchinaKeyFileError(f"{options.key_file} cannot be opened with the key's password") from error
    if not isinstance(key, RSAPrivateKey) or own is None:
        raise AbchinaKeyFileError(f"{options.key_file} holds no RSA key with its certificate")
    try:
        content = options.certificate_file.read_bytes()
        load = load_pem_x509_certificate if b"-----" in content else load_der_x509_certificate
        certificate = load(content)
        public = certificate.public_key()
    except _UNREADABLE as error:
        raise AbchinaKeyFileError(f"{options.certificate_file} holds no certificate that can be used") from error
    if not isinstance(public, RSAPublicKey):
        raise AbchinaKeyFileError(f"{options.certificate_file} has no RSA key")
    return AbchinaKeys(key, public, certificate)
