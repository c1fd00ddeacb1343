"""Notices to people about their photos: an inbox, delivered by other channels too (`enrollment.notice_delivery`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from database import new_id
from enrollment import second_photo_invitation
from enrollment.reasons import REASONS
from enrollment.tables import Notice, PhotoRecord, PhotoSlot, PhotoState
from web.problems import NotFoundError

REGISTER_WARNING = "register_warning"
"""Kind of the notice to administrators about the number of people with a template."""


def write_decision_notice(session: Session, photo: PhotoRecord, *, now: datetime) -> Notice | None:
    """Write the notice about a photo that was approved or rejected; other states need none.

    The first approval also tells its person, this once, that they may give a second photo.
    """
    is_second = photo.slot == PhotoSlot.SECOND
    if photo.state == PhotoState.APPROVED:
        content = _SECOND_APPROVED if is_second else _compose_first_approved(session, photo, now)
    elif photo.state == PhotoState.REJECTED:
        zh, en = _compose_advice(photo)
        titles = (
            ("第二张照片未通过审核", "Your second photo was not accepted")
            if is_second
            else ("照片未通过审核", "Your photo was not accepted")
        )
        content = _compose_content(titles[0], zh, titles[1], en)
    else:
        return None
    return _write(session, photo.person_id, f"photo_{photo.state}", content, now)


def write_second_dismissed(session: Session, person_id: UUID, *, now: datetime) -> Notice:
    """Tell a person that their second photo is not used any more, since it is not like their new first one."""
    return _write(session, person_id, "second_photo_dismissed", _SECOND_DISMISSED, now)


def write_gate_photo_taken(session: Session, person_id: UUID, *, where: str, now: datetime) -> Notice:
    """Tell a person that the gate titled `where` took a second photo of theirs."""
    content = _compose_content(
        "已在门口添加第二张照片",
        f"按您的同意，“{where}”在您刷卡并核对本人后采集了第二个人脸特征，今后刷脸时一并使用。"
        "不需要时，可在“我的照片”中随时删除，同时撤回此项同意。",
        "A gate has added a second photo",
        f"As you agreed, {where} took a second face template after your card and your face were checked; gates use it "
        "from now on. Remove it at any time on the page of your photo: that withdraws this consent as well.",
    )
    return _write(session, person_id, "second_photo_from_gate", content, now)


def write_filing_notice(session: Session, person_id: UUID, *, people: int, filing_due_at: int, now: datetime) -> Notice:
    """Write to an administrator that the number of people with a template comes near the one to be filed."""
    content = _compose_content(
        "人脸信息存储人数接近备案线",
        f"已存储 {people} 人的人脸模板；达到 {filing_due_at} 人后，须在 30 个工作日内向网信部门备案。",
        "Many people have a face template",
        f"{people} people have a template. From {filing_due_at} on, file within 30 working days.",
    )
    return _write(session, person_id, REGISTER_WARNING, content, now)


def query_inbox(session: Session, person_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Notice]:
    """Return a person's notices, newest first, those older than `before`."""
    query = select(Notice).where(Notice.person_id == person_id).order_by(Notice.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Notice.id < before)).all()


def query_unread(session: Session, person_id: UUID, *, limit: int) -> Sequence[Notice]:
    """Return a person's notices that they have not read yet, newest first."""
    query = select(Notice).where(Notice.person_id == person_id, Notice.read_at.is_(None))
    return session.scalars(query.order_by(Notice.id.desc()).limit(limit)).all()


def mark_all_read(session: Session, person_id: UUID, *, until: UUID, now: datetime) -> None:
    """Note that a person has read every notice of theirs up to one that they saw."""
    query = update(Notice).where(Notice.person_id == person_id, Notice.id <= until, Notice.read_at.is_(None))
    session.execute(query.values(read_at=now))


def mark_read(session: Session, person_id: UUID, notice_id: UUID, *, now: datetime) -> Notice:
    """Note that a person has read a notice of theirs.

    Raises:
        NotFoundError: they have no such notice.
    """
    notice = session.get(Notice, notice_id)
    if notice is None or notice.person_id != person_id:
        raise NotFoundError("there is no notice with this id")
    notice.read_at = notice.read_at or now
    return notice


def forget(session: Session, before: datetime, limit: int) -> int:
    """Delete notices older than `before`, at most `limit`, and return how many."""
    old = session.scalars(select(Notice.id).where(Notice.at < before).order_by(Notice.id).limit(limit)).all()
    session.execute(delete(Notice).where(Notice.id.in_(old)))
    return len(old)


def _compose_first_approved(session: Session, photo: PhotoRecord, now: datetime) -> dict[str, Any]:
    zh, en = "您的照片已通过审核，现在可以刷脸通行。", "You can now pass the gates with your face."
    if second_photo_invitation.note_told(session, photo.person_id, now=now):
        zh += (
            "\n如愿意，可再交一张照片（换一天、换光线，或戴上平时戴的眼镜），刷脸会更可靠；"
            "不交没有任何影响，也不会再次提醒。"
        )
        en += (
            "\nIf you like, add a second photo (another day, other light, with the glasses you wear): gates then "
            "recognise you more reliably. Not adding one has no disadvantage, and you will not be asked again."
        )
    return _compose_content("照片已通过审核", zh, "Your photo was approved", en)


def _write(session: Session, person_id: UUID, kind: str, content: dict[str, Any], now: datetime) -> Notice:
    notice = Notice(id=new_id(), person_id=person_id, at=now, kind=kind, content=content, read_at=None)
    session.add(notice)
    return notice


def _compose_advice(photo: PhotoRecord) -> tuple[str, str]:
    """Return what to do, from the rules that failed, the reviewer's reasons and note."""
    zh: list[str] = []
    en: list[str] = []
    told = set()
    for rule in (photo.report or {}).get("rules", []):
        if not rule["passed"] and rule["advice"] and (rule["rule"] in (photo.reasons or ()) or not photo.decided_by):
            zh.append(rule["advice"]["zh"])
            en.append(rule["advice"]["en"])
            told.add(rule["rule"])
    for reason in photo.reasons or ():
        if reason in REASONS and reason not in told:
            zh.append(REASONS[reason].zh)
            en.append(REASONS[reason].en)
    if photo.note:
        zh.append(photo.note)
        en.append(photo.note)
    # Two rules may give the same advice.
    return "\n".join(dict.fromkeys(zh)), "\n".join(dict.fromkeys(en))


def _compose_content(zh_title: str, zh_body: str, en_title: str, en_body: str) -> dict[str, Any]:
    return {"zh": {"title": zh_title, "body": zh_body}, "en": {"title": en_title, "body": en_body}}


_SECOND_APPROVED = _compose_content(
    "第二张照片已通过审核",
    "刷脸时将同时使用您的两张照片。您可以随时在“我的照片”中删除其中任何一张。",
    "Your second photo was approved",
    "The gates now use both of your photos. You can remove either at any time on the page of your photo.",
)
_SECOND_DISMISSED = _compose_content(
    "第二张照片已停用",
    "您的第二张照片与新的第一张照片不够相像，已停用并删除。如愿意，可另交一张。",
    "Your second photo is not used any more",
    "It is not enough like your new first photo, and was erased. You may add another if you like.",
)
