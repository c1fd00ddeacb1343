"""What the computer of a new gate and the server say to each other, once, protected by a code that a person carries.

The code holds a secret, which the server knows by its digest only, and the fingerprint of the server's key for this
purpose. The computer takes the key that the server shows only where it has that fingerprint, and seals its request to
it (HPKE, RFC 9180: X25519, HKDF-SHA256, AES-256-GCM): the secret, its devices' public keys, and a key of its own
making, under which the answer comes back (AES-256-GCM). So whoever stands between, a proxy that ends TLS too, can
neither read what is sent, nor answer in the server's place, nor put keys of their own in place of the gate's; and the
certificate that the server shows need not be believed yet.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Annotated, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from access import typed_code
from access.policy import Name

MOST_SEALED_BYTES: Final = 16_384

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE: Final = b"campusgate gate set-up 1"
_CHECKED: Final = _PURPOSE + b" check"
_SECRET_BYTES: Final = 15
"""120 random bits: nobody finds it by trying, neither at the server nor against the digest that it keeps."""
_FINGERPRINT_BYTES: Final = 15
"""120 bits of SHA-256: a second key with the same ones is out of reach."""
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SetupCodeError(ValueError):
    """The text is no code; the message says what it is instead."""


class SetupSealError(ValueError):
    """The bytes cannot be opened with the key, or hold something else."""


@dataclass(frozen=True, slots=True)
class SetupCode:
    """A secret for one use, and the fingerprint of the server's key."""

    secret: bytes = field(repr=False)
    fingerprint: bytes

    @classmethod
    def make(cls, public_key: bytes) -> Self:
        """Return a new code for the server with this key (32 bytes)."""
        return cls(secrets.token_bytes(_SECRET_BYTES), fingerprint(public_key))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote, also with other spaces, hyphens and small letters.

        Raises:
            SetupCodeError: it is no code.
        """
        size = _SECRET_BYTES + _FINGERPRINT_BYTES
        try:
            body = typed_code.read(text, _CHECKED, size=size, name="the code", again="copy it again")
        except typed_code.TypedCodeError as error:
            raise SetupCodeError(str(error)) from error
        return cls(body[:_SECRET_BYTES], body[_SECRET_BYTES:])

    def __str__(self) -> str:
        return typed_code.write(self.secret + self.fingerprint, _CHECKED)

    def names(self, public_key: bytes) -> bool:
        """Whether the server's key is the one that the code was made for."""
        return hmac.compare_digest(self.fingerprint, fingerprint(public_key))


def fingerprint(public_key: bytes) -> bytes:
    """Return what a code holds of a server's key."""
    return hashlib.sha256(_PURPOSE + b" key" + public_key).digest()[:_FINGERPRINT_BYTES]


def digest(secret: bytes) -> bytes:
    """Return what the server keeps of a code's secret."""
    return hashlib.sha256(_PURPOSE + b" code" + secret).digest()


def make_server_key(root: bytes) -> X25519PrivateKey:
    """Return the server's key, which follows from a secret of its own (32 bytes): it stays the same without a file."""
    return X25519PrivateKey.from_private_bytes(_derive(root, b"server key"))


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class ServerKey(_Message):
    """What the server shows to anybody."""

    public_key: Annotated[bytes, Field(min_length=_KEY_BYTES, max_length=_KEY_BYTES)]


class Sealed(_Message):
    """A request or an answer, sealed."""

    sealed: Annotated[bytes, Field(min_length=1, max_length=MOST_SEALED_BYTES)]


class SetupRequest(_Message):
    """What a gate's computer asks with."""

    secret: Annotated[bytes, Field(min_length=_SECRET_BYTES, max_length=_SECRET_BYTES, repr=False)]
    answer_key: Annotated[bytes, Field(min_length=_KEY_BYTES, max_length=_KEY_BYTES, repr=False)]
    controller_key: str
    """The public key that the controller signs with, as files of trusted keys hold it."""
    has_edge: bool


class BrokerUser(_Message):
    """A user of the broker."""

    username: str
    password: str = Field(repr=False)


class DeviceAccess(BrokerUser):
    """What one device of the gate is let in with, at the server and at the broker."""

    token: str = Field(repr=False)


class GateAccess(_Message):
    """What the server answers: everything that a gate's files are made of."""

    site: str
    gate: Name
    broker_host: str
    broker_port: int
    authority: str | None
    """The certificate authority (PEM) of the broker, and of the server where it has no public certificate."""
    credential_key: str = Field(repr=False)
    staff_key: str
    embedder: str
    controller: DeviceAccess
    edge: DeviceAccess | None
    display: BrokerUser


def seal_request(request: SetupRequest, public_key: bytes) -> bytes:
    """Return `request` sealed to the server's key."""
    key = X25519PublicKey.from_public_bytes(public_key)
    return _SUITE.encrypt(request.model_dump_json().encode(), key, info=_PURPOSE)


def open_request(sealed: bytes, private_key: X25519PrivateKey) -> SetupRequest:
    """Open what `seal_request` made.

    Raises:
        SetupSealError: it was made for another key, was changed, or holds something else.
    """
    try:
        return SetupRequest.model_validate_json(_SUITE.decrypt(sealed, private_key, info=_PURPOSE))
    except (InvalidTag, ValueError, ValidationError) as error:
        raise SetupSealError("the request cannot be opened") from error


def seal_answer(answer: GateAccess, request: SetupRequest) -> bytes:
    """Return `answer` sealed for whoever made the request."""
    return _encrypt(request.answer_key, answer.model_dump_json().encode(), b"answer")


def open_answer(sealed: bytes, request: SetupRequest) -> GateAccess:
    """Open what `seal_answer` made for this request.

    Raises:
        SetupSealError: it was made by somebody else, was changed, or holds something else.
    """
    try:
        return GateAccess.model_validate_json(_decrypt(request.answer_key, sealed, b"answer"))
    except ValidationError as error:
        raise SetupSealError("the answer is none that this version understands") from error


def seal_under_code(content: bytes, code: SetupCode) -> bytes:
    """Return `content` sealed so that the server can open it only while somebody shows the code."""
    return _encrypt(_derive(code.secret, b"kept"), content, b"kept")


def open_under_code(sealed: bytes, secret: bytes) -> bytes:
    """Open what `seal_under_code` made.

    Raises:
        SetupSealError: it was made under another code, or was changed.
    """
    return _decrypt(_derive(secret, b"kept"), sealed, b"kept")


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE + b" " + purpose).derive(secret)


def _encrypt(key: bytes, content: bytes, purpose: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, _PURPOSE + b" " + purpose)


def _decrypt(key: bytes, sealed: bytes, purpose: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE + b" " + purpose)
    except (InvalidTag, ValueError) as error:
        raise SetupSealError("the answer was not made for this request, or was changed on its way") from error
