"""What the provider keeps of an order, and its daily bill of them."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from campusgate.demo.providers.amounts import BEIJING, day_of, yuan

MCHID, APPID = "1900000109", "wxd678efh567hg6787"
COLUMNS = [
    *("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识", "交易类型"),
    *("交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号", "商户退款单号", "退款金额"),
    *("充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额"),
    "费率备注",
]
TOTALS = [
    *("总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额"),
]


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
    state: str
    kind: str
    expires: datetime | None = None
    paid_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)


def make_bill(trades: Mapping[str, Trade], day: str, edit: tuple[str, str] = ("", "")) -> tuple[bytes, str]:
    """The bill of a day as GZIP, and the SHA-1 of its text; `edit`: what is replaced in it by what."""
    rows = [COLUMNS]
    write = rows.append
    for number, trade in trades.items():
        if trade.paid_at is not None and day_of(trade.paid_at) == day:
            write(_row(number, trade, "SUCCESS", trade.paid_at))
        for name, one in trade.refunds.items():
            if one.status == "SUCCESS" and day_of(one.at) == day:
                state = "REVOKED" if trade.state == "REVOKED" else "REFUND"
                write(_row(number, trade, state, one.at, refund=(name, one)))
    write(TOTALS)
    write(["`1", "`0.00", "`0.00", "`0.00", "`0.00000", "`0.00", "`0.00"])
    text = ("\ufeff" + "".join(",".join(row) + "\r\n" for row in rows)).replace(*edit).encode()
    return gzip.compress(text), hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _row(number: str, trade: Trade, state: str, at: datetime, *, refund: tuple[str, Refund] | None = None) -> list[str]:
    refund_no, fen, status = "", 0, ""
    if refund is not None:
        refund_no, fen, status = refund[0], refund[1].fen, refund[1].status

    values = dict.fromkeys(COLUMNS, "") | {
        "交易时间": f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
        "公众账号ID": APPID,
        "商户号": MCHID,
        "微信订单号": reference(number),
        "商户订单号": number,
        "交易类型": "MICROPAY" if trade.kind == "codepay" else trade.kind.upper(),
        "交易状态": state,
        "货币种类": "CNY",
        "应结订单金额": yuan(trade.fen if refund is None else 0),
        "退款金额": yuan(fen),
        "订单金额": yuan(trade.fen if refund is None else 0),
        "申请退款金额": yuan(fen),
        "微信退款单号": f"5030{refund_no[-20:]}" if refund_no else "",
        "商户退款单号": refund_no,
        "退款状态": status,
        "商品名称": "top-up, campus",
    }
    return [f"`{value}" for value in values.values()]


def reference(number: str) -> str:
    """Return WeChat Pay's own number of an order."""
    return f"4200{number[-24:]}"
