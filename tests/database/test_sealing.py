import pytest
from hypothesis import given
from hypothesis import strategies as st

from database import Sealer, SealingError

KEY, OTHER = b"k" * 32, b"o" * 32


@given(plain=st.binary(max_size=200), context=st.binary(max_size=40))
def test_what_is_sealed_opens_again(plain: bytes, context: bytes) -> None:
    sealer = Sealer(KEY)
    assert sealer.open(sealer.seal(plain, context), context) == plain


@given(position=st.integers(0, 40), flip=st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, flip: int) -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(sealer.seal(b"thirteen byte", b"row 1"))
    sealed[position % len(sealed)] ^= flip
    with pytest.raises(SealingError):
        sealer.open(bytes(sealed), b"row 1")


def test_a_value_moved_to_another_row_does_not_open() -> None:
    sealer = Sealer(KEY)
    with pytest.raises(SealingError, match="moved"):
        sealer.open(sealer.seal(b"template", b"row 1"), b"row 2")


def test_another_key_is_a_clear_error() -> None:
    with pytest.raises(SealingError, match="key is wrong"):
        Sealer(OTHER).open(Sealer(KEY).seal(b"template", b""), b"")


def test_after_rotation_old_values_open_and_new_ones_use_the_new_key() -> None:
    old = Sealer(KEY).seal(b"template", b"")
    rotated = Sealer(OTHER, key_number=2, older={1: KEY})
    assert rotated.open(old, b"") == b"template"
    assert Sealer.key_number(rotated.seal(b"template", b"")) == 2
    with pytest.raises(SealingError, match="key 1, which is not configured"):
        Sealer(OTHER, key_number=2).open(old, b"")


@pytest.mark.parametrize(("key", "number"), [(b"short", 1), (KEY, 0), (KEY, 256)])
def test_an_unusable_key_is_refused(key: bytes, number: int) -> None:
    with pytest.raises(ValueError, match="key"):
        Sealer(key, key_number=number)
