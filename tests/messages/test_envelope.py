"""What was signed for one purpose passes for no other, and not once a letter of it was changed."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messages import Purpose, SignedMessage, TrustedKey, has_signature, seal
from messages.events import DirectoryHint

KEY = Ed25519PrivateKey.generate()
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HINT = DirectoryHint(gate="north", revision=1)


@pytest.mark.parametrize("signed", Purpose)
def test_a_signature_holds_for_its_own_purpose_alone(signed: Purpose) -> None:
    envelope = SignedMessage.decode(seal(KEY, "server", signed, HINT))
    holds = [purpose for purpose in Purpose if has_signature(TrustedKey(KEY.public_key()), purpose, envelope, NOW)]
    assert holds == [signed]


def test_no_purpose_begins_another() -> None:
    """Otherwise the rest of the longer one could be put before the body."""
    assert not any(
        one is not other and one.value.startswith(other.value) for one in Purpose for other in Purpose
    )  # fmt: skip
    assert all(purpose.value.endswith(b"\n") for purpose in Purpose)


@pytest.mark.parametrize("change", [{"body": '{"gate":"south","revision":1}'}, {"signature": "!"}, {"signature": ""}])
def test_a_changed_message_has_no_signature(change: dict[str, str]) -> None:
    envelope = SignedMessage.decode(seal(KEY, "server", Purpose.SHOWER_ANSWER, HINT)).model_copy(update=change)
    assert not has_signature(TrustedKey(KEY.public_key()), Purpose.SHOWER_ANSWER, envelope, NOW)
