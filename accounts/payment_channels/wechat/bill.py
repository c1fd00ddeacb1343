"""The daily bill (交易账单, type ALL): UTF-8 with a mark, a back-tick before every value, yuan, Beijing time.

What parts values is a comma before a back-tick: a name may have commas of its own, in quotation marks or without. What
other systems of the merchant write into theirs, a new line or a back-tick too, costs none but their own rows.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from accounts.payment_channels.bills import gunzip, tell_of_others
from accounts.payment_channels.channel import BillKind, BillLine, ChannelFailedError
from accounts.payment_channels.fields import find_number, holds_number, read_time, read_yuan
from accounts.payment_channels.wechat.messages import Merchant

_TOTALS = "总交易单数"
_BETWEEN: Final = re.compile(',"?`')
_BEGINNING: Final = re.compile(r"`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,`", re.ASCII)
"""Of a row: whatever else a line begins with goes on with the row before."""
_OF_TOTALS: Final = 2
"""Lines at the end: what the totals are called, and they."""
_COLUMNS: Final = (
    "交易时间",
    "公众账号ID",
    "商户号",
    "微信订单号",
    "商户订单号",
    "交易状态",
    "货币种类",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "退款状态",
    "订单金额",
)
"""Those that are read, of 27."""


def unpack(packed: bytes, sha1: str) -> str:
    """Return the text of a bill that came as GZIP, after comparing it with its digest, which is over the text.

    Raises:
        ChannelFailedError: it is damaged, too large, or another.
    """
    text = gunzip(packed)
    if hashlib.sha1(text, usedforsecurity=False).hexdigest() != sha1.lower():
        raise ChannelFailedError("the bill is not the one whose digest was given")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChannelFailedError("the bill is not UTF-8") from error


def read_bill(text: str, merchant: Merchant) -> list[BillLine]:
    """Return the lines about numbers that we gave; other systems may share the merchant, and the log counts theirs.

    Raises:
        ChannelFailedError: it is no such bill.
    """
    lines, others, unreadable = [], 0, 0
    try:
        for row in _rows(text):
            if isinstance(row, str):
                if merchant.appid in row and holds_number(row):
                    raise ValueError("a row about an order of ours has not the columns of the others")
                unreadable += 1
                continue
            if row["商户号"] != merchant.mchid:
                raise ChannelFailedError("the bill is another merchant's")
            if row["公众账号ID"] != merchant.appid or (order_id := find_number(row["商户订单号"])) is None:
                others += 1
                continue
            line = _line(row, order_id)
            if line is not None:
                lines.append(line)
    except (KeyError, ValueError) as error:
        raise ChannelFailedError("the bill is not understood") from error
    tell_of_others("wechat", others, unreadable)
    return lines


def _rows(text: str) -> Iterator[Mapping[str, str] | str]:
    """Yield each row's values by their columns, or the text of a row that has other columns."""
    head, *lines = text.rstrip("\r\n").split("\n")
    header = head.strip("\r").split(",")
    if missing := [one for one in _COLUMNS if one not in header]:
        raise ChannelFailedError(f"the bill has no column {missing[0]}")
    # Their place says what the totals are: a name of somebody else's may go on in a line that begins alike.
    named, totals = lines[-_OF_TOTALS:] if len(lines) >= _OF_TOTALS else ("", "")
    if not named.lstrip("`").startswith(_TOTALS) or named.count(",") != len(_BETWEEN.findall(totals)):
        raise ChannelFailedError("the bill ends before its totals")
    for row in _join(lines[:-_OF_TOTALS]):
        values = _BETWEEN.split(row.removeprefix("`"))
        if "\n" in row or len(values) != len(header):
            yield row
        else:
            yield {name: value.strip() for name, value in zip(header, values, strict=True)}


def _join(lines: Iterable[str]) -> Iterator[str]:
    """Yield rows: a name with a new line in it makes several lines of one."""
    row: list[str] = []
    for line in lines:
        if row and _BEGINNING.match(line):
            yield "\n".join(row)
            row = []
        row.append(line.strip("\r"))
    if row:
        yield "\n".join(row)


def _line(row: Mapping[str, str], order_id: UUID) -> BillLine | None:
    """The line of a row; None for a refund that has not arrived."""
    at = read_time(row["交易时间"])
    if row["货币种类"] != "CNY":
        raise ValueError("another currency")
    match row["交易状态"]:
        case "SUCCESS":
            return BillLine(order_id, BillKind.PAYMENT, _fen(row["订单金额"]), row["微信订单号"], at, order_id)
        case "REFUND" | "REVOKED":
            if row["退款状态"] not in ("SUCCESS", ""):
                return None
            # What WeChat Pay gave back by itself, of a charge that was reversed, has no number of ours.
            refund_id = find_number(row["商户退款单号"]) or order_id
            return BillLine(refund_id, BillKind.REFUND, _fen(row["退款金额"]), row["微信退款单号"], at, order_id)
        case _:
            raise ValueError("an unknown state of a trade")


def _fen(yuan: str) -> int:
    fen = read_yuan(yuan)
    if fen < 0:
        raise ValueError("an amount is not negative")
    return fen
