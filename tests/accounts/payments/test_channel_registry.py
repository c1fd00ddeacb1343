"""The registry of payment channels: each stands there once, and a code has one channel at most."""

import itertools

import pytest

from accounts.cards import virtual_code
from accounts.payment_channels.registry import CHANNELS, channel_of


def test_each_channel_has_a_name_of_its_own_that_fits_its_column() -> None:
    names = [entry.name for entry in CHANNELS]
    assert len(set(names)) == len(names)
    assert all(name.islower() and len(name) <= 20 for name in names)


def test_no_code_is_of_two_channels_or_of_a_channel_and_a_virtual_card() -> None:
    codes = [entry.codes for entry in CHANNELS if entry.codes is not None]
    assert not [pair for pair in itertools.combinations(codes, 2) if pair[0].prefixes & pair[1].prefixes]
    for one in codes:
        for prefix, length in itertools.product(one.prefixes, range(one.shortest, one.longest + 1)):
            assert not virtual_code.looks_like_one(prefix + "1" * (length - 2))


@pytest.mark.parametrize("entry", [entry for entry in CHANNELS if entry.codes], ids=lambda entry: entry.name)
def test_a_channel_is_told_by_its_codes_alone(entry: object) -> None:
    name, codes = entry.name, entry.codes  # type: ignore[attr-defined]
    for prefix in codes.prefixes:
        assert channel_of(prefix + "0" * (codes.shortest - 2)) == name
        assert channel_of(prefix + "0" * (codes.longest - 2)) == name
        assert channel_of(prefix + "0" * (codes.shortest - 3)) is None
        assert channel_of(prefix + "0" * (codes.longest - 1)) is None


@pytest.mark.parametrize("text", ["", "1", "99" + "0" * 16, "１３" + "0" * 16, "13" + "a" * 16])
def test_what_is_no_code_has_no_channel(text: str) -> None:
    assert channel_of(text) is None
