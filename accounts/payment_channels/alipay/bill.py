"""The daily bill (业务明细): a ZIP whose names and texts are GBK, yuan, Beijing time, numbers with a tab behind."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from accounts.payment_channels.alipay.api import read_time
from accounts.payment_channels.bills import LARGEST, tell_of_others
from accounts.payment_channels.channel import BillKind, BillLine, ChannelFailedError
from accounts.payment_channels.fields import find_number, holds_number, read_yuan

_COLUMNS: Final = ("支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额（元）", "退款批次号/请求号")
"""Those that are read, of 25."""
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
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
    lines, others, unreadable = [], 0, 0
    try:
        for row in _rows(_unpack(packed)):
            if isinstance(row, str):
                if holds_number(row):
                    raise ValueError("a row about an order of ours has not the columns of the others")
                unreadable += 1
                continue
            order_id = find_number(row["商户订单号"])
            if order_id is None:
                others += 1
            else:
                lines.append(_line(row, order_id))
    except _UNREADABLE as error:
        raise ChannelFailedError("the bill is not understood") from error
    tell_of_others("alipay", others, unreadable)
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


def _rows(text: str) -> Iterator[Mapping[str, str] | str]:
    """Yield each row's values by their columns, or the text of a line that has other columns.

    Each line is a row: names of ours hold neither a new line nor a quotation mark, and one that opens in somebody
    else's would go on over the rows behind it.
    """
    lines = [line.strip("\r") for line in text.split("\n")]
    # The last such line, as a name of somebody else's may go on in a line that looks alike.
    end = max((at for at, line in enumerate(lines) if line.startswith("#") and "结束" in line), default=0)
    begin = next((at for at, line in enumerate(lines) if line and not line.startswith("#")), end)
    if begin >= end:
        raise ChannelFailedError("the bill ends before its last line")
    header = [cell.strip() for cell in lines[begin].split(",")]
    if missing := [one for one in _COLUMNS if one not in header]:
        raise ChannelFailedError(f"the bill has no column {missing[0]}")
    for line in lines[begin + 1 : end]:
        cells = _part(line)
        if len(cells) == len(header):
            yield dict(zip(header, cells, strict=True))
        elif line:
            yield line


def _part(line: str) -> Sequence[str]:
    """Return the cells of a line; none where its quotation marks are not understood."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(",")]
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True))]
    except csv.Error:
        return []


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
