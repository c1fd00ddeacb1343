"""The daily file of trades (交易对账单): rows parted by `^^`, columns by `|`, yuan, Beijing time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from accounts.payment_channels.abchina.keys import ENCODING, decode
from accounts.payment_channels.bills import gunzip, tell_of_others
from accounts.payment_channels.channel import BillKind, BillLine, ChannelFailedError
from accounts.payment_channels.fields import BEIJING, find_number, holds_number, read_yuan

_COLUMNS: Final = ("商户号", "交易类型", "订单编号", "交易时间", "交易金额", "9014流水号", "原订单号")
"""Those that are read, of 15."""


def unpack(packed: str) -> str:
    """Return the text of a file that came as GZIP in base64.

    Raises:
        ChannelFailedError: it is damaged or too large.
    """
    try:
        return gunzip(decode(packed)).decode(ENCODING)
    except ValueError as error:
        raise ChannelFailedError("the bill is damaged") from error


def read_bill(text: str, merchant_id: str, day: date) -> list[BillLine]:
    """Return the lines of a day about numbers that we gave; the log counts those of other systems of the merchant.

    A file is of the bank's accounting day, which may end before midnight: lines of other days are passed over.

    Raises:
        ChannelFailedError: it is no such file.
    """
    lines, others, unreadable = [], 0, 0
    try:
        for row in _rows(text):
            if isinstance(row, str):
                if holds_number(row):
                    raise ValueError("a row about an order of ours has not the columns of the others")
                unreadable += 1
                continue
            if row["商户号"] != merchant_id:
                raise ChannelFailedError("the bill is another merchant's")
            number = find_number(row["订单编号"])
            if number is None:
                others += 1
                continue
            at = datetime.strptime(row["交易时间"], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
            if at.date() == day:
                lines.append(_line(row, number, at.astimezone(UTC)))
    except (KeyError, ValueError) as error:
        raise ChannelFailedError("the bill is not understood") from error
    tell_of_others("abchina", others, unreadable)
    return lines


def _rows(text: str) -> Iterator[Mapping[str, str] | str]:
    """Yield each row's values by their columns, or the text of a row that has more columns."""
    head, *rows = text.strip().split("^^")
    header = head.split("|")
    if missing := [one for one in _COLUMNS if one not in header]:
        raise ChannelFailedError(f"the bill has no column {missing[0]}")
    for row in rows:
        # What a payment has not, as the number of an order that it gives back, is left out at the end of its row.
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) > len(header):
            yield row
        else:
            yield dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))


def _line(row: Mapping[str, str], number: UUID, at: datetime) -> BillLine:
    amount, reference = abs(read_yuan(row["交易金额"])), row["9014流水号"]
    if "Refund" in row["交易类型"]:
        return BillLine(number, BillKind.REFUND, amount, reference, at, find_number(row["原订单号"]))
    if row["交易类型"] == "Sale" or row["交易类型"].lower().endswith("pay"):
        return BillLine(number, BillKind.PAYMENT, amount, reference, at, number)
    raise ValueError("an unknown kind of line")
