"""The signed code of a virtual card: what a shop and a gate read of it, and that nobody else makes one."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from accounts.cards import virtual_code
from messages import Action, Method, NonceStore, Refusal, RefusedError, Signer, TrustedKey, Verifier, signed_codes
from messages.envelope import Purpose, SignedMessage
from messages.keys import PreviousKey
from messages.signed_codes import (
    CLOCKS_APART,
    GOOD_FOR,
    LENGTH,
    STAFF_SENDER,
    BadCodeError,
    CodeSigner,
    SignedCode,
    verify,
)

KEY, EDGE_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUSTED = {STAFF_SENDER: TrustedKey(KEY.public_key()), "edge:north": TrustedKey(EDGE_KEY.public_key())}
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECOND = int(NOW.timestamp())
PAYS = "90" + "0012345" + "000000007"
CODE = CodeSigner(KEY, "main").sign(PAYS, SECOND)


def check(text: str, *, site: str = "main", now: datetime = NOW) -> SignedCode:
    return verify(text, TRUSTED, site=site, now=now)


@given(
    handle=st.integers(0, 10**7 - 1),
    mac=st.integers(0, 10**9 - 1),
    second=st.integers(0, 10**10 - 1),
)
def test_a_gate_learns_the_card_and_the_second_and_a_shop_the_payment_code(handle: int, mac: int, second: int) -> None:
    pays = f"90{handle:07}{mac:09}"
    text = CodeSigner(KEY, "main").sign(pays, second)
    assert check(text) == SignedCode(f"{handle:07}", second)
    assert signed_codes.payment_code_of(text) == virtual_code.payment_code_of(text) == pays
    assert virtual_code.looks_like_one(virtual_code.payment_code_of(text))
    assert len(text) == LENGTH
    assert text.isdigit()


def test_the_two_rooms_agree_on_the_form() -> None:
    """Accounts know nothing of messages: both state the form."""
    assert (virtual_code.PREFIX, virtual_code.LENGTH) == (signed_codes.PREFIX, signed_codes.PAYMENT_DIGITS)
    assert virtual_code.SIGNED_LENGTH == LENGTH
    for other in (PAYS, CODE[:-1], "80" + CODE[2:]):
        assert virtual_code.payment_code_of(other) == signed_codes.payment_code_of(other) == other


@given(place=st.integers(2, LENGTH - 1), by=st.integers(1, 9))
def test_no_digit_can_be_changed(place: int, by: int) -> None:
    forged = CODE[:place] + str((int(CODE[place]) + by) % 10) + CODE[place + 1 :]
    with pytest.raises(BadCodeError):
        check(forged)


def test_only_the_server_s_key_makes_codes() -> None:
    """What an edge or a controller holds does not: neither its own key nor any public one."""
    for text, site in ((CodeSigner(EDGE_KEY, "main").sign(PAYS, SECOND), "main"), (CODE, "other")):
        with pytest.raises(BadCodeError):
            check(text, site=site)
    with pytest.raises(BadCodeError):
        verify(CODE, {"edge:north": TrustedKey(KEY.public_key())}, site="main", now=NOW)


@given(st.text())
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadCodeError):
        check(text)


@pytest.mark.parametrize(
    "text", [PAYS, "9" * LENGTH, CODE[:28] + "9" * 155, CODE + "0", "９" + CODE[1:], "٩" + CODE[1:]]
)
def test_what_only_looks_like_one_is_refused(text: str) -> None:
    with pytest.raises(BadCodeError):
        check(text)


def test_a_replaced_key_counts_until_its_overlap_ends() -> None:
    trusted = {
        STAFF_SENDER: TrustedKey(EDGE_KEY.public_key(), previous=(PreviousKey(KEY.public_key(), NOW + GOOD_FOR),))
    }
    assert verify(CODE, trusted, site="main", now=NOW).second == SECOND
    with pytest.raises(BadCodeError):
        verify(CODE, trusted, site="main", now=NOW + GOOD_FOR)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), True),
        (GOOD_FOR, True),
        (GOOD_FOR + timedelta(milliseconds=1), False),
        (-CLOCKS_APART, True),
        (-CLOCKS_APART - timedelta(milliseconds=1), False),
    ],
)
def test_a_code_is_of_its_moment(age: timedelta, expected: bool) -> None:
    assert signed_codes.is_current(SECOND, NOW + age) is expected


def signature_of(code: str) -> bytes:
    return int(code[28:]).to_bytes(64, "big")


def with_signature(signature: bytes) -> str:
    return f"{CODE[:28]}{int.from_bytes(signature, 'big'):0155}"


def test_a_code_is_no_order_and_an_order_no_code(tmp_path: Path) -> None:
    """One key signs both: what it signed as the one must count as nothing else."""
    boot_id = uuid4()
    issued = Signer(KEY, STAFF_SENDER, NonceStore(tmp_path / "issued.db")).issue(
        gate="north", action=Action.OPEN, method=Method.STAFF, reason="staff", boot_id=boot_id, now=NOW
    )
    verifier = Verifier(TRUSTED, gate="north", boot_id=boot_id, nonces=NonceStore(tmp_path / "seen.db"))
    order = SignedMessage.decode(issued.payload)
    signature = base64.b64encode(signature_of(CODE)).decode()
    for body in (order.body, f"main\n{CODE[:28]}", CODE[:28]):
        envelope = SignedMessage(sender=STAFF_SENDER, body=body, signature=signature)
        with pytest.raises(RefusedError) as refused:
            verifier.verify(envelope.encode(), retained=False, now=NOW)
        assert refused.value.refusal is Refusal.BAD_SIGNATURE
    assert verifier.verify(issued.payload, retained=False, now=NOW) == issued.command

    assert check(with_signature(signature_of(CODE))) == check(CODE)
    said = f"main\n{CODE[:28]}".encode()
    others = [KEY.sign(purpose.value + said) for purpose in Purpose if purpose is not Purpose.CODE]
    for signature_for_another in (base64.b64decode(order.signature), KEY.sign(said), *others):
        with pytest.raises(BadCodeError):
            check(with_signature(signature_for_another))


def test_what_is_signed_for_one_purpose_never_begins_as_for_another() -> None:
    assert not [pair for pair in permutations(Purpose, 2) if pair[1].value.startswith(pair[0].value)]
