"""A bill of WeChat Pay with rows of other systems that nobody foresaw: they cost themselves, and none of ours."""

from uuid import UUID

import pytest
from structlog.testing import capture_logs

from accounts.payment_channels.channel import ChannelFailedError
from accounts.payment_channels.wechat.bill import read_bill
from accounts.payment_channels.wechat.messages import Merchant
from campusgate.demo.providers.wechat.trades import APPID, COLUMNS, MCHID, TOTALS

_OURS = UUID(int=1)
_MERCHANT = Merchant(MCHID, APPID)


def row(number: str, name: str, appid: str = APPID) -> str:
    values = dict.fromkeys(COLUMNS, "") | {
        "交易时间": "2026-09-01 12:00:00",
        "公众账号ID": appid,
        "商户号": MCHID,
        "微信订单号": "4200",
        "商户订单号": number,
        "交易状态": "SUCCESS",
        "货币种类": "CNY",
        "订单金额": "1.00",
        "商品名称": name,
    }
    return ",".join(f"`{value}" for value in values.values())


def bill(*rows: str, totals: str = ",".join(TOTALS)) -> str:
    return "".join(f"{line}\r\n" for line in (",".join(COLUMNS), *rows, totals, "`3,`3.00,`0,`0,`0,`3.00,`0"))


def read(*names: str, appid: str = APPID, number: str = "bookshop-1") -> tuple[list[UUID], dict[str, int]]:
    """Our orders in a bill with a row of another system for each name, each between two of ours; what the log says."""
    rows = [row(_OURS.hex, "饭")]
    for name in names:
        rows += [row(number, name, appid), row(_OURS.hex, "饭")]
    with capture_logs() as logs:
        lines = read_bill(bill(*rows), _MERCHANT)
    assert all(line.amount == 100 for line in lines)
    return [line.id for line in lines], {one["event"]: one["lines"] for one in logs}


_FORGED_TOTALS = ",".join(TOTALS)
_UNREADABLE = [
    "饭\n菜",
    "饭\r\n菜",
    "饭\n",
    "饭,`菜",
    '饭,"`菜',
    f"饭\n{_FORGED_TOTALS}\n`1,`0",
    "饭\n`菜",
    "饭\n\n\n菜",
]
_READABLE = ["饭`菜", "`饭", '"饭', '"饭,菜"', "饭\r菜", "饭,菜"]


@pytest.mark.parametrize("name", _UNREADABLE, ids=repr)
def test_a_row_of_another_system_that_cannot_be_read_costs_itself_alone(name: str) -> None:
    ours, told = read(name)
    assert ours == 2 * [_OURS]
    assert told == {"bill_lines_of_others_unreadable": 1}


@pytest.mark.parametrize("name", _READABLE, ids=repr)
def test_what_parts_no_values_is_read(name: str) -> None:
    ours, told = read(name)
    assert ours == 2 * [_OURS]
    assert told == {"bill_lines_of_others": 1}


def test_each_of_several_is_counted() -> None:
    ours, told = read(*_UNREADABLE, *_READABLE)
    assert ours == (len(_UNREADABLE) + len(_READABLE) + 1) * [_OURS]
    assert told == {
        "bill_lines_of_others_unreadable": len(_UNREADABLE),
        "bill_lines_of_others": len(_READABLE),
    }


def test_another_apps_numbers_may_look_like_ours() -> None:
    ours, told = read("饭\n菜", appid="wx0000000000000000", number=UUID(int=2).hex)
    assert ours == 2 * [_OURS]
    assert told == {"bill_lines_of_others_unreadable": 1}


@pytest.mark.parametrize("name", ["饭\n菜", "饭,`菜", "饭\n"])
def test_a_row_of_ours_that_cannot_be_read_refuses_the_bill(name: str) -> None:
    with pytest.raises(ChannelFailedError):
        read_bill(bill(row("bookshop-1", "饭"), row(_OURS.hex, name)), _MERCHANT)


def test_a_row_of_ours_that_begins_otherwise_is_not_taken_for_another_systems() -> None:
    ours = row(_OURS.hex, "饭").replace("2026-09-01", "2026/09/01")
    with pytest.raises(ChannelFailedError):
        read_bill(bill(row("bookshop-1", "饭"), ours), _MERCHANT)


@pytest.mark.parametrize("name", ["饭", f"饭\n{_FORGED_TOTALS}\n`1,`0", f"饭\n{_FORGED_TOTALS}"], ids=repr)
def test_a_bill_that_ends_before_its_totals_is_none(name: str) -> None:
    whole = bill(row("bookshop-1", name), row(_OURS.hex, "饭"))
    assert len(read_bill(whole, _MERCHANT)) == 1
    for lines in (1, 2):
        with pytest.raises(ChannelFailedError):
            read_bill("\r\n".join(whole.split("\r\n")[: -1 - lines]), _MERCHANT)
