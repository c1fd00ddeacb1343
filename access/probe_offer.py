"""What an edge and the server say to each other about a second photo taken at a gate.

The edge asks for an offer, names whose card and face have just opened the door, and gets a public key if a probe of
them is wanted. What it then sends can be opened only with that offer's key, and only as what it was sealed for (HPKE,
RFC 9180: X25519, HKDF-SHA256, AES-256-GCM): a proxy on the way that ends TLS reads nothing, and a probe for one person
or gate is none for another.
"""

from typing import Annotated, Literal, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from access.policy import Name

MOST_SEALED_BYTES = 1_000_000
"""A template of some hundred bytes, and a JPEG of head and shoulders where the campus keeps pictures."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE = b"campusgate probe 1"
_LENGTH_BYTES = 4


class ProbeSealError(ValueError):
    """The bytes cannot be opened with the key: for another offer, person, gate or model, or changed on the way."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class ProbeRequest(_Message):
    """Somebody's card (or code, or PIN) and face have opened the gate at `at`; `model_id` is the edge's."""

    person_id: UUID
    method: Literal["card", "code", "pin"]
    at: AwareDatetime
    model_id: Annotated[str, Field(min_length=1, max_length=255)]


class ProbeOffer(_Message):
    """An open offer: for one probe, until it is used or out of date."""

    offer_id: UUID
    public_key: Annotated[bytes, Field(min_length=32, max_length=32)]
    with_picture: bool
    until: AwareDatetime


class ProbeAnswer(_Message):
    """An offer, or why there is none and in how many seconds to ask about this person again."""

    offer: ProbeOffer | None = None
    not_wanted: str | None = None
    ask_again_s: Annotated[int, Field(ge=0)] = 0


class ViewQuality(_Message):
    """How good the view was that the probe was made of; the server holds it to its own limits."""

    yaw: Annotated[float, Field(ge=-180, le=180)]
    """Degrees, as `models.pose`."""
    pitch: Annotated[float, Field(ge=-180, le=180)]
    inter_eye_distance: Annotated[float, Field(ge=0, le=10_000)]
    """Pixels."""
    sharpness: Annotated[float, Field(ge=0, le=10_000)]
    """As `models.hints`."""
    frames: Annotated[int, Field(ge=1, le=10_000)]
    """Frames of the track in which the living face was measured."""


class SealedProbe(_Message):
    """The probe for an open offer."""

    sealed: Annotated[bytes, Field(min_length=1, max_length=MOST_SEALED_BYTES)]
    quality: ViewQuality


class ProbeContent(BaseModel):
    """What is sealed: a template as `models.template` writes it, and a JPEG if one was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: bytes
    picture: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the template's length (4 bytes, big-endian), the template, the picture."""
        return len(self.template).to_bytes(_LENGTH_BYTES, "big") + self.template + (self.picture or b"")

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ProbeSealError: the bytes are cut short.
        """
        length = int.from_bytes(content[:_LENGTH_BYTES], "big")
        template, picture = content[_LENGTH_BYTES : _LENGTH_BYTES + length], content[_LENGTH_BYTES + length :]
        if len(content) < _LENGTH_BYTES or len(template) != length:
            raise ProbeSealError("the probe is cut short")
        return cls(template=template, picture=picture or None)


class Binding(BaseModel):
    """What a sealed probe belongs to."""

    model_config = ConfigDict(frozen=True)

    gate: Name
    offer_id: UUID
    person_id: UUID
    model_id: str

    @property
    def info(self) -> bytes:
        """The bytes that both sides bind it to."""
        return b"\n".join(
            (_PURPOSE, self.gate.encode(), self.offer_id.bytes, self.person_id.bytes, self.model_id.encode())
        )


def seal_probe(content: ProbeContent, public_key: bytes, binding: Binding) -> bytes:
    """Return `content` sealed to an offer's public key (32 bytes).

    Raises:
        ValueError: the key is none.
    """
    return _SUITE.encrypt(content.to_bytes(), X25519PublicKey.from_public_bytes(public_key), info=binding.info)


def open_probe(sealed: bytes, private_key: bytes, binding: Binding) -> ProbeContent:
    """Open what `seal_probe` made for the same binding.

    Raises:
        ProbeSealError: it was made for another key or binding, or was changed.
    """
    try:
        content = _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private_key), info=binding.info)
    except (InvalidTag, ValueError) as error:
        raise ProbeSealError("the probe cannot be opened with this offer's key") from error
    return ProbeContent.from_bytes(content)


def generate_keys() -> tuple[bytes, bytes]:
    """Return the private and the public key of a new offer, 32 bytes each."""
    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()
