"""Amounts as people type them."""

import pytest

from console.amounts import AmountError, read_yuan, write_yuan


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("12", 1200),
        ("12.5", 1250),
        ("12.50", 1250),
        ("１２", 1200),
        ("１２．５０", 1250),
        ("１２。５", 1250),
        (" ¥12.50 ", 1250),
        ("￥１２", 1200),
        ("12.5元", 1250),
        ("1,200", 120_000),
        ("１，２００．５", 120_050),
        ("0.01", 1),
        ("10000", 1_000_000),
    ],
)
def test_yuan_are_read_as_they_are_typed(typed: str, fen: int) -> None:
    assert read_yuan(typed) == fen


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "amount.missing"),
        ("元", "amount.missing"),
        ("12.345", "amount.too_fine"),
        ("１２．３４５", "amount.too_fine"),
        ("1,200.005", "amount.too_fine"),
        ("0", "amount.zero"),
        ("0.00", "amount.zero"),
        ("-5", "amount.no_number"),
        ("1e3", "amount.no_number"),
        ("12,5", "amount.no_number"),
        ("1,20", "amount.no_number"),
        ("十二", "amount.no_number"),
        ("1 2", "amount.no_number"),
        ("10000.01", "amount.too_large"),
        ("999999999999", "amount.no_number"),
    ],
)
def test_what_is_no_amount_is_refused_with_words(typed: str, words: str) -> None:
    with pytest.raises(AmountError) as refused:
        read_yuan(typed)
    assert refused.value.words == words


def test_an_amount_is_written_into_an_input_with_two_digits() -> None:
    assert (write_yuan(1250), write_yuan(5), write_yuan(0)) == ("12.50", "0.05", "0.00")
