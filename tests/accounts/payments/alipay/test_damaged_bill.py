"""A bill of Alipay that is damaged, or has rows of other systems that nobody foresaw."""

import io
import zipfile
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from accounts.payment_channels.alipay.bill import read_bill
from accounts.payment_channels.channel import ChannelFailedError
from accounts.payment_channels.fields import find_number, read_yuan

_HEAD = "支付宝交易号,商户订单号,业务类型,商品名称,完成时间,订单金额（元）,退款批次号/请求号"
_OURS = UUID(int=1)


def pack(first: str, *, ours: int = 4000, without: str = "") -> bytes:
    """Return a bill with a row of another system whose text is `first`, and rows about an order of ours."""
    row = "T\t,{}\t,交易\t,{}\t,2026-11-28 10:00:00\t,1.00\t,\t\n"
    rows = row.format("somebody-elses", first) + ours * row.format(_OURS.hex, "饭")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        text = f"#支付宝业务明细查询\n{_HEAD}\n{rows}#-----结束-----\n"
        archive.writestr(
            "1_业务明细.csv", text.replace(without, "").encode("gb18030") if without else text.encode("gb18030")
        )
    return packed.getvalue()


@pytest.mark.parametrize("at", range(100, 160, 4))
def test_a_damaged_bill_is_refused_or_read_and_nothing_else(at: int) -> None:
    packed = bytearray(pack("饭"))
    packed[at] ^= 0xFF
    try:
        lines = read_bill(bytes(packed))
    except ChannelFailedError:
        return
    assert len(lines) == 4000


@pytest.mark.parametrize(
    "text",
    [
        "饭,菜",
        '"饭',
        '饭"',
        '"饭,菜"',
        "饭\n菜",
        "饭\r\n菜",
        "饭\r菜",
        "饭\n#-----结束-----",
        "饭\n#菜",
        "饭" * 140_000,
        '"' + "饭" * 140_000,
    ],
    ids=repr,
)
def test_what_another_system_writes_costs_its_own_row_alone(text: str) -> None:
    with capture_logs() as logs:
        lines = read_bill(pack(text, ours=3))
    assert [line.order_id for line in lines] == 3 * [_OURS]
    assert [one["event"] for one in logs if one["event"].startswith("bill_lines_of_others")]


@pytest.mark.parametrize("text", ["饭,菜", '"饭', "饭\n菜", "饭\n#-----结束-----"])
def test_rows_that_cannot_be_read_are_counted(text: str) -> None:
    with capture_logs() as logs:
        read_bill(pack(text, ours=3))
    (told,) = [one for one in logs if one["event"] == "bill_lines_of_others_unreadable"]
    assert (told["channel"], told["lines"]) == ("alipay", 1 + text.count("\n"))


@pytest.mark.parametrize("cut", ["#-----结束-----", "结束"])
def test_a_bill_without_its_last_line_is_none(cut: str) -> None:
    with pytest.raises(ChannelFailedError):
        read_bill(pack("饭", ours=3, without=cut))


@pytest.mark.parametrize("text", [f"{_OURS.hex},菜", f'"{_OURS.hex}', f"菜\n{_OURS.hex}\t,交易"])
def test_a_row_of_ours_that_cannot_be_read_refuses_the_bill(text: str) -> None:
    with pytest.raises(ChannelFailedError):
        read_bill(pack(text))


@pytest.mark.parametrize("number", ["20261128_0123456789_012345678901", "+" + "1" * 31, " " + "1" * 31, "１" * 32])
def test_what_python_takes_for_a_number_is_not_ours_for_that(number: str) -> None:
    assert find_number(number) is None


@pytest.mark.parametrize("amount", ["1_0.00", "1e2", "１.00", "", "1.001", "NaN"])
def test_what_python_takes_for_an_amount_is_none_for_that(amount: str) -> None:
    with pytest.raises(ValueError, match=r"no amount|parts of a fen"):
        read_yuan(amount)
