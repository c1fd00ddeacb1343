"""The code of a gate's computer, and the exchange that it protects."""

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.gate_setup import (
    BrokerUser,
    DeviceAccess,
    GateAccess,
    SetupCode,
    SetupCodeError,
    SetupRequest,
    SetupSealError,
    make_server_key,
    open_answer,
    open_request,
    open_under_code,
    seal_answer,
    seal_request,
    seal_under_code,
)

SERVER = make_server_key(bytes(range(32)))
PUBLIC = SERVER.public_key().public_bytes_raw()
REQUEST = SetupRequest(secret=b"s" * 15, answer_key=b"a" * 32, controller_key="key", has_edge=True)
DEVICE = DeviceAccess(username="controller-north", password="word", token="token")
ACCESS = GateAccess(
    site="main", gate="north", broker_host="broker", broker_port=8883, authority=None, credential_key="k",
    staff_key="s", embedder="sface", controller=DEVICE, edge=None, display=BrokerUser(username="d", password="p"),
)  # fmt: skip

codes = st.builds(SetupCode, st.binary(min_size=15, max_size=15), st.binary(min_size=15, max_size=15))


@given(codes)
def test_a_code_is_read_as_it_was_written_or_as_somebody_types_it(code: SetupCode) -> None:
    text = str(code)
    assert len(text) == 52 + 12
    assert SetupCode.parse(text) == code
    assert SetupCode.parse(text.lower().replace("-", " ") + "\n") == code
    assert SetupCode.parse(text.replace("O", "0").replace("I", "1").replace("B", "8")) == code


@given(codes, st.integers(0, 51), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_slip_of_the_pen_is_told_from_another_server(code: SetupCode, at: int, letter: str) -> None:
    letters = str(code).replace("-", "")
    typed = letters[:at] + letter + letters[at + 1 :]
    try:
        read = SetupCode.parse(typed)
    except SetupCodeError:
        return
    # The last character has four bits that say nothing; of the others one in 65,536 may pass the check.
    assert read == code or at < 51


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "has 0 characters"), ("ABCD-EFGH", "has 8 characters"), ("A" * 60, "characters"), ("ÄÖÜ!", "no code has")],
)
def test_what_is_no_code_is_said(typed: str, said: str) -> None:
    with pytest.raises(SetupCodeError, match=said):
        SetupCode.parse(typed)


def test_a_code_names_its_server_alone() -> None:
    code = SetupCode.make(PUBLIC)
    assert code.names(PUBLIC)
    assert not code.names(make_server_key(bytes(32)).public_key().public_bytes_raw())
    assert SetupCode.make(PUBLIC).secret != code.secret
    assert code.secret.hex() not in repr(code)


def test_only_the_server_reads_a_request_and_only_who_asked_its_answer() -> None:
    sealed = seal_request(REQUEST, PUBLIC)
    assert open_request(sealed, SERVER) == REQUEST
    assert open_answer(seal_answer(ACCESS, REQUEST), REQUEST) == ACCESS
    with pytest.raises(SetupSealError):
        open_request(sealed, make_server_key(bytes(32)))
    with pytest.raises(SetupSealError):
        open_answer(seal_answer(ACCESS, REQUEST), REQUEST.model_copy(update={"answer_key": b"b" * 32}))


@pytest.mark.parametrize("at", [0, 20, -1])
def test_what_was_changed_on_its_way_is_refused(at: int) -> None:
    def changed(sealed: bytes) -> bytes:
        bytes_ = bytearray(sealed)
        bytes_[at] ^= 1
        return bytes(bytes_)

    with pytest.raises(SetupSealError):
        open_request(changed(seal_request(REQUEST, PUBLIC)), SERVER)
    with pytest.raises(SetupSealError):
        open_answer(changed(seal_answer(ACCESS, REQUEST)), REQUEST)
    code = SetupCode.make(PUBLIC)
    with pytest.raises(SetupSealError):
        open_under_code(changed(seal_under_code(b"words", code)), code.secret)


def test_what_is_kept_under_a_code_opens_with_its_secret_alone() -> None:
    code = SetupCode.make(PUBLIC)
    kept = seal_under_code(b"words", code)
    assert open_under_code(kept, code.secret) == b"words"
    with pytest.raises(SetupSealError):
        open_under_code(kept, replace(code, secret=secrets.token_bytes(15)).secret)
    with pytest.raises(SetupSealError):
        open_answer(b"short", REQUEST)
