"""What the bank keeps of a trade, and its file of an accounting day, which ends at eleven in the evening."""

import gzip
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from campusgate.demo.providers.amounts import BEIJING, yuan

MERCHANT = "103882200000958"
COLUMNS = (
    *("商户号", "交易类型", "订单编号", "交易时间", "交易金额", "商户账号", "商户动账金额", "客户账号", "账户类型"),
    *("商户回佣手续费", "商户分期手续费", "会计日期", "主机流水号", "9014流水号", "原订单号"),
)


@dataclass
class Refund:
    """Money that goes back."""

    fen: int
    status: str
    at: datetime


@dataclass
class Trade:
    """An order and what became of it."""

    fen: int
    expires: datetime
    by_code: bool = False
    status: str = "01"
    paid_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)


def make_file(trades: Mapping[str, Trade], day: str, edit: tuple[str, str] = ("", "")) -> str:
    """The file of an accounting day (`2026/09/01`); `edit`: what is replaced in it by what."""
    rows = ["|".join(COLUMNS)]
    for number, trade in trades.items():
        if trade.paid_at is not None and _accounted(trade.paid_at) == day:
            rows.append(_row("Sale", number, trade.fen, trade.paid_at, ""))
        for name, one in trade.refunds.items():
            if one.status == "04" and _accounted(one.at) == day:
                rows.append(_row("Refund", name, one.fen, one.at, number))
    return b64encode(gzip.compress("^^".join(rows).replace(*edit).encode("gb2312"))).decode()


def _row(kind: str, number: str, fen: int, at: datetime, original: str) -> str:
    when = f"{at.astimezone(BEIJING):%Y%m%d%H%M%S}"
    cells = [MERCHANT, kind, number, when, yuan(fen), "30702501040005488", yuan(fen), "6228480000000000000"]
    cells += ["401", "0.00", "0.00", _accounted(at).replace("/", ""), "461602083", reference(number)]
    return "|".join([*cells, original])


def _accounted(at: datetime) -> str:
    return f"{at.astimezone(BEIJING) + timedelta(hours=1):%Y/%m/%d}"


def reference(number: str) -> str:
    """Return the bank's own number of a trade."""
    return f"9RECEP01{number[-12:]}"
