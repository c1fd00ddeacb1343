"""What readers at a desk type for one card, and the UID that it is."""

import pytest

from accounts.cards import InvalidUidError
from accounts.cards.uid_forms import UidForm, possible_uids, to_uid


@pytest.mark.parametrize(
    ("typed", "form", "uid"),
    [
        ("3b:9a:ca:01", UidForm.HEXADECIMAL, "3B9ACA01"),
        ("01CA9A3B", UidForm.HEXADECIMAL_REVERSED, "3B9ACA01"),
        ("1000000001", UidForm.DECIMAL, "3B9ACA01"),
        ("0030054971", UidForm.DECIMAL_REVERSED, "3B9ACA01"),
        ("154,51713", UidForm.FACILITY_AND_NUMBER, "9ACA01"),
        (" 04 a1 b2 c3 d4 e5 80 ", UidForm.HEXADECIMAL, "04A1B2C3D4E580"),
        ("80E5D4C3B2A104", UidForm.HEXADECIMAL_REVERSED, "04A1B2C3D4E580"),
        ("1303975706781056", UidForm.DECIMAL, "04A1F580CC6580"),
    ],
)
def test_each_form_leads_to_the_uid_that_gates_read(typed: str, form: UidForm, uid: str) -> None:
    assert to_uid(typed, form) == uid


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("", UidForm.HEXADECIMAL),
        ("3B9ACA0", UidForm.HEXADECIMAL),
        ("3B9ACA01", UidForm.DECIMAL),
        ("-1", UidForm.DECIMAL),
        ("99999999999999999999", UidForm.DECIMAL),
        ("256,1", UidForm.FACILITY_AND_NUMBER),
        ("1,65536", UidForm.FACILITY_AND_NUMBER),
        ("1000000001", UidForm.FACILITY_AND_NUMBER),
    ],
)
def test_what_is_no_number_in_its_form_is_refused(typed: str, form: UidForm) -> None:
    with pytest.raises(InvalidUidError):
        to_uid(typed, form)


def test_digits_alone_may_be_several_forms() -> None:
    found = dict(possible_uids("1000000001"))
    assert set(found) == {
        UidForm.HEXADECIMAL,
        UidForm.HEXADECIMAL_REVERSED,
        UidForm.DECIMAL,
        UidForm.DECIMAL_REVERSED,
    }
    assert dict(possible_uids("no card")) == {}
