"""The keys of both sides: the merchant's, and those that the provider signs with."""

from base64 import b64encode
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID


def new_key() -> RSAPrivateKey:
    """Return a new RSA key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class Signer:
    """A key that the provider signs with, known by its serial number or its id."""

    def __init__(self, begins: datetime, days: float, name: str | None = None) -> None:
        self.key = new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
        builder = x509.CertificateBuilder(subject, subject, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days))
        self.certificate = builder.sign(self.key, SHA256())
        self.name = name or f"{self.certificate.serial_number:X}"

    def sign(self, text: str) -> str:
        """Return the signature of a text."""
        return b64encode(self.key.sign(text.encode(), PKCS1v15(), SHA256())).decode()

    @property
    def public_pem(self) -> str:
        """The public key."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
