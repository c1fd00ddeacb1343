"""The daily bill (交易账单, type ALL): UTF-8 with a mark, a back-tick before every value, yuan, Beijing time.

What parts values is a comma before a back-tick: a name may have commas of its own, in quotation marks or without.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

import structlog

from accounts.payment_channels.bills import gunzip
from accounts.payment_channels.channel import BillKind, BillLine, ChannelFailedError
from accounts.payment_channels.fields import find_number, read_time, read_yuan
from accounts.payment_channels.wechat.messages import Merchant

log = structlog.get_logger()

_TOTALS = "总交易单数"
_BETWEEN: Final = re.compile(',"?`')
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
    lines, others = [], 0
    try:
        for row in _rows(text):
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
    if others:
        log.info("bill_lines_of_others", channel="wechat", lines=others)
    return lines


def _rows(text: str) -> Iterator[Mapping[str, str]]:
    head, *lines = text.split("\n")
    header = head.strip("\r").split(",")
    if missing := [one for one in _COLUMNS if one not in header]:
        raise ChannelFailedError(f"the bill has no column {missing[0]}")
    for line in lines:
        row = line.strip("\r")
        if row.lstrip("`").startswith(_TOTALS):
            return
        values = _BETWEEN.split(row.removeprefix("`"))
        yield {name: value.strip() for name, value in zip(header, values, strict=True)}
    raise ChannelFailedError("the bill ends before its totals")


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
