"""The daily bill (业务明细): a ZIP whose names and texts are GBK, yuan, Beijing time, numbers with a tab behind."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog

from accounts.payment_channels.alipay.api import read_time
from accounts.payment_channels.bills import LARGEST
from accounts.payment_channels.channel import BillKind, BillLine, ChannelFailedError
from accounts.payment_channels.fields import find_number, read_yuan

log = structlog.get_logger()

_ORDER: Final = "商户订单号"
_COLUMNS: Final = ("支付宝交易号", _ORDER, "业务类型", "完成时间", "订单金额（元）", "退款批次号/请求号")
"""Those that are read, of 25."""
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
    EOFError,
    NotImplementedError,  # a way to pack that is not known
    RuntimeError,  # a password is wanted
    KeyError,
    ValueError,
)


def read_bill(packed: bytes) -> list[BillLine]:
    """Return the lines about numbers that we gave; other systems may share the app, and the log counts theirs.

    Raises:
        ChannelFailedError: it is no such bill.
    """
    lines, others = [], 0
    try:
        for row in _rows(_unpack(packed)):
            order_id = find_number(row[_ORDER])
            if order_id is None:
                others += 1
            else:
                lines.append(_line(row, order_id))
    except _UNREADABLE as error:
        raise ChannelFailedError("the bill is not understood") from error
    if others:
        log.info("bill_lines_of_others", channel="alipay", lines=others)
    return lines


def _unpack(packed: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for one in archive.infolist():
            # Names without the mark of UTF-8 are read as code page 437.
            name = one.filename if one.flag_bits & 0x800 else one.filename.encode("cp437").decode("gbk")
            if "明细" in name and "汇总" not in name:
                if one.file_size > LARGEST:
                    raise ChannelFailedError("the bill is larger than a campus's can be")
                return archive.read(one).decode("gb18030")
    raise ChannelFailedError("the bill has no file of details")


def _rows(text: str) -> Iterator[Mapping[str, str]]:
    header: list[str] = []
    for row in csv.reader(io.StringIO(text)):
        cells = [cell.strip() for cell in row]
        if cells and cells[0].startswith("#"):
            if header and "结束" in cells[0]:
                return
        elif not header:
            header = cells
            if missing := [one for one in _COLUMNS if one not in header]:
                raise ChannelFailedError(f"the bill has no column {missing[0]}")
        else:
            yield _pair(header, cells)
    raise ChannelFailedError("the bill ends before its last line")


def _pair(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    """Return a row's values by their columns; of a row that has others and is not about an order of ours, none.

    Raises:
        ValueError: a row about one of our orders has not these columns.
    """
    if len(cells) != len(header):
        if any(find_number(cell) for cell in cells):
            raise ValueError("a row has not the columns of the others")
        return {_ORDER: ""}
    return dict(zip(header, cells, strict=True))


def _line(row: Mapping[str, str], order_id: UUID) -> BillLine:
    at, reference = read_time(row["完成时间"]), row["支付宝交易号"]
    match row["业务类型"]:
        case "交易":
            return BillLine(order_id, BillKind.PAYMENT, read_yuan(row["订单金额（元）"]), reference, at, order_id)
        case "退款":
            # What Alipay gave back by itself, of a charge that was cancelled, has no number of ours.
            refund_id = find_number(row["退款批次号/请求号"]) or order_id
            amount = abs(read_yuan(row["订单金额（元）"]))
            return BillLine(refund_id, BillKind.REFUND, amount, reference, at, order_id)
        case _:
            raise ValueError("an unknown kind of line")
