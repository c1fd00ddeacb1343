"""Every code that the money desk or a kiosk can show has words in both languages."""

from enum import StrEnum

import pytest

from accounts.cards.uid_forms import UidForm
from accounts.ledger.transfer import AccountKind, RefusalCode
from accounts.payments.offline_states import Flag, OfflineState
from accounts.topup.day_overview import DayState, Missing
from accounts.topup.reconciliation import DifferenceKind
from accounts.topup.subsidy_list import RowFault
from accounts.vocabulary import PersonKind
from console.texts import TEXTS


@pytest.mark.parametrize(
    ("beginning", "codes"),
    [
        ("offline_state.", OfflineState),
        ("offline_flag.", Flag),
        ("ledger_refusal.", RefusalCode),
        ("money.row_", RowFault),
        ("money.day_", DayState),
        ("money.missing_", Missing),
        ("money.difference_", DifferenceKind),
        ("money.todo_", DifferenceKind),
        ("money.account_", AccountKind),
        ("money.kind_", PersonKind),
        ("kiosk.reader_", UidForm),
    ],
)
def test_every_code_has_its_words(beginning: str, codes: type[StrEnum]) -> None:
    assert [code for code in codes if f"{beginning}{code}" not in TEXTS] == []


@pytest.mark.parametrize("state", ["suspended", "closed", "expired", "not_yet_valid"])
def test_every_standing_but_good_is_said(state: str) -> None:
    assert {f"money.standing_{state}", f"kiosk.standing_{state}"} <= set(TEXTS)


@pytest.mark.parametrize(
    "state", ["pending", "credited", "closed", "stranded", "returning", "returned", "paid", "refused"]
)
def test_every_state_of_an_order_is_said(state: str) -> None:
    assert f"money_order.{state}" in TEXTS
