"""Writes to a room's residents what happens to its electricity, into the same inbox as what is said of their photos."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from database import new_id
from enrollment.tables import Notice

_WORDS: Mapping[str, tuple[str, str, str, str]] = {
    "low_credit": (
        "电费余额不足",
        "{room}：余额 {yuan} 元。",
        "Little electricity credit",
        "{room}: {yuan} yuan left.",
    ),
    "emergency_credit": (
        "正在使用应急额度",
        "{room}：余额 {yuan} 元，应急额度用完后将断电。下次充值先偿还欠费。",
        "Emergency credit in use",
        "{room}: {yuan} yuan. When the emergency credit is used up, the room is cut off; a top-up repays it first.",
    ),
    "cut_off_ahead": (
        "即将断电",
        "{room}：额度已用完，{at} 起断电。充值至少 {yuan} 元可恢复供电。",
        "The room will be cut off",
        "{room}: the credit is used up. It is cut off from {at} on. A top-up of {yuan} yuan or more brings it back.",
    ),
    "cut_off": ("已断电", "{room} 已断电。", "Cut off", "{room} was cut off."),
    "armed": (
        "可以合闸",
        "{room}：请按电表上的按钮恢复供电。",
        "Press the button",
        "{room}: press the meter's button, and the power is back.",
    ),
    "restored": ("已恢复供电", "{room} 已恢复供电。", "Power is back", "{room} has power again."),
}


def write(
    session: Session,
    people: Collection[UUID],
    kind: str,
    content: Mapping[str, int | str | None],
    *,
    now: datetime,
) -> None:
    """Write a notice of that `kind` (`metering.supply.warnings.NoticeKind`) to each person."""
    fen = content.get("fen")
    sign = "-" if isinstance(fen, int) and fen < 0 else ""
    yuan = f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}" if isinstance(fen, int) else ""
    at = str(content.get("at") or "").replace("T", " ")[:16]
    zh_title, zh_body, en_title, en_body = _WORDS[kind]
    parts = {"room": content["room"], "yuan": yuan, "at": at}
    said = {
        "zh": {"title": zh_title, "body": zh_body.format(**parts)},
        "en": {"title": en_title, "body": en_body.format(**parts)},
    }
    session.add_all(
        Notice(id=new_id(), person_id=person, at=now, kind=f"room_{kind}", content=said, read_at=None)
        for person in people
    )
