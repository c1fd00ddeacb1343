"""What the provider keeps of a trade, and its daily bill of them."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from campusgate.demo.providers.amounts import BEIJING, day_of, yuan
from campusgate.demo.providers.serving import WireError

APPID, SELLER = "2021000122600000", "2088102146225135"
COLUMNS = (
    *("支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称"),
    *("操作员", "终端号", "对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）"),
    *("支付宝优惠（元）", "商家优惠（元）", "券核销金额（元）", "券名称", "商家红包消费金额（元）"),
    *("卡消费金额（元）", "退款批次号/请求号", "服务费（元）", "分润（元）", "备注"),
)

_SUMMARY = "业务明细" + "(" + "汇总" + ")"  # brackets as Alipay's names of files have them


@dataclass
class Refund:
    """Money that goes back."""

    fen: int
    state: str
    at: datetime


@dataclass
class Trade:
    """An order and what became of it."""

    fen: int
    status: str = "WAIT_BUYER_PAY"
    expires: datetime | None = None
    is_scanned: bool = False
    paid_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)


class _GbkName(zipfile.ZipInfo):
    """A name as Alipay packs it: GBK, without a mark that says so."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's
        return self.filename.encode("gbk"), self.flag_bits


def make_bill(trades: Mapping[str, Trade], day: str, edit: tuple[str, str] = ("", "")) -> bytes:
    """The bill of a day; `edit`: what is replaced in it by what."""
    lines = ["#支付宝业务明细查询", f"#账号：[{SELLER}0156]", f"#起始日期：[{day}]", "#----业务明细列表----"]
    lines.append(",".join(COLUMNS))
    for number, trade in trades.items():
        if trade.paid_at is not None and day_of(trade.paid_at) == day:
            lines.append(_row(number, "交易", trade.fen, trade.paid_at, ""))
        for name, one in trade.refunds.items():
            if one.state == "REFUND_SUCCESS" and day_of(one.at) == day:
                lines.append(_row(number, "退款", -one.fen, one.at, name))
    lines += ["#-----业务明细列表结束-----", "#交易合计：1笔", "#导出时间：[2026年09月02日 09:00:00]"]
    text = "\r\n".join(lines).replace(*edit)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for kind, content in ((_SUMMARY, "#汇总"), ("业务明细", text)):
            archive.writestr(_GbkName(f"{SELLER}_{day}_{kind}.csv"), content.encode("gbk"))
    return file.getvalue()


def _row(number: str, kind: str, fen: int, at: datetime, refund_no: str) -> str:
    values = dict.fromkeys(COLUMNS, "0.00") | {
        "支付宝交易号": f"{reference(number)}\t",
        "商户订单号": f"{number}\t",
        "业务类型": kind,
        "商品名称": "校园账户充值",
        "创建时间": stamp(at),
        "完成时间": stamp(at),
        "订单金额（元）": f"{'-' if fen < 0 else ''}{yuan(abs(fen))}",
        "退款批次号/请求号": f"{refund_no}\t",
    }
    return ",".join(values.values())


def stamp(at: datetime | None) -> str:
    """Return a time as Alipay writes it."""
    if at is None:
        raise WireError("what has not happened has no time")
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


def reference(number: str) -> str:
    """Return Alipay's own number of a trade."""
    return f"2026090122{number[-18:]}"
