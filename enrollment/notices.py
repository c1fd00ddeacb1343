"""Notices to people about their photos: an inbox, delivered by other channels too (`enrollment.notice_delivery`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from database import new_id
from enrollment.reasons import REASONS
from enrollment.tables import Notice, PhotoRecord, PhotoState
from web.problems import NotFoundError

REGISTER_WARNING = "register_warning"
"""Kind of the notice to administrators about the number of people with a template."""


def write_decision_notice(session: Session, photo: PhotoRecord, *, now: datetime) -> Notice | None:
    """Write the notice about a photo that was approved or rejected; other states need none."""
    if photo.state == PhotoState.APPROVED:
        content = _compose_content("照片已通过审核", "您的照片已通过审核，现在可以刷脸通行。",
                           "Your photo was approved", "You can now pass the gates with your face.")  # fmt: skip
    elif photo.state == PhotoState.REJECTED:
        zh, en = _compose_advice(photo)
        content = _compose_content("照片未通过审核", zh, "Your photo was not accepted", en)
    else:
        return None
    notice = Notice(
        id=new_id(), person_id=photo.person_id, at=now, kind=f"photo_{photo.state}", content=content, read_at=None
    )
    session.add(notice)
    return notice


def write_filing_notice(session: Session, person_id: UUID, *, people: int, filing_due_at: int, now: datetime) -> Notice:
    """Write to an administrator that the number of people with a template comes near the one to be filed."""
    content = _compose_content(
        "人脸信息存储人数接近备案线",
        f"已存储 {people} 人的人脸模板；达到 {filing_due_at} 人后，须在 30 个工作日内向网信部门备案。",
        "Many people have a face template",
        f"{people} people have a template. From {filing_due_at} on, file within 30 working days.",
    )
    notice = Notice(id=new_id(), person_id=person_id, at=now, kind=REGISTER_WARNING, content=content, read_at=None)
    session.add(notice)
    return notice


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
