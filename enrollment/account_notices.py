"""Writes to a person what happened to their account, into the same inbox as what is said of their photos."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.people.notices import AccountNotice
from database import new_id
from enrollment.tables import Notice

_WORDS = {
    AccountNotice.PORTAL_RESET: ("工作人员已重置您的门户密码", "Staff have reset your portal password"),
    AccountNotice.QUERY_RESET: ("工作人员已重置您的查询密码", "Staff have reset your query password"),
    AccountNotice.CONSUMPTION_RESET: ("工作人员已重置您的消费密码", "Staff have reset your consumption password"),
    AccountNotice.PORTAL_CHANGED: ("您的门户密码已修改", "Your portal password was changed"),
    AccountNotice.ROLES_CHANGED: ("您的工作角色已变更", "Your roles were changed"),
    AccountNotice.SUSPENDED: ("您的账户已停用", "Your account was suspended"),
    AccountNotice.RELEASED: ("您的账户已恢复使用", "Your account works again"),
    AccountNotice.CARD_ISSUED: ("已为您发放新的校园卡", "A new card was issued to you"),
    AccountNotice.REISSUE_REVERSED: (
        "自助机未能交出新卡，补卡费已退回",
        "The kiosk could not hand out your new card; the fee was given back",
    ),
    AccountNotice.REISSUE_FEE_KEPT: (
        "自助机未能交出新卡，补卡费也未能自动退回，请到校园卡中心办理退费",
        "The kiosk could not hand out your new card, and its fee could not be given back by itself: the card centre "
        "gives it back",
    ),
    AccountNotice.REISSUE_UNCLEAR: (
        "未能确认自助机的新卡是否已交到您手中；如未拿到，请立即挂失并联系校园卡中心",
        "It is not known whether you got the new card from the kiosk; if not, report it lost and tell the card centre",
    ),
    AccountNotice.VIRTUAL_CARD_BOUND: ("您的虚拟校园卡已被领取", "Your virtual card was claimed"),
    AccountNotice.ACCOUNTS_MERGED: (
        "您的两个账户已合并为一个",
        "Two accounts of yours were merged into this one",
    ),
    AccountNotice.AUTOMATIC_TOP_UP_AGREED: (
        "您已同意为房间自动充值电费",
        "You agreed to top up your room's electricity automatically",
    ),
    AccountNotice.AUTOMATIC_TOP_UP_FAILED: (
        "余额不足或已达当月上限，房间电费自动充值未成功",
        "Your room's automatic top-up failed: the balance is too low, or the month's limit is reached",
    ),
}


def write(session: Session, person_id: UUID, what: AccountNotice, *, now: datetime) -> Notice:
    """Write the notice, in the transaction of what it tells of."""
    zh, en = _WORDS[what]
    content = {
        "zh": {"title": zh, "body": f"{zh}。如非您本人要求，请立即联系校园卡中心。"},
        "en": {"title": en, "body": f"{en}. If you did not ask for this, tell the card centre at once."},
    }
    notice = Notice(id=new_id(), person_id=person_id, at=now, kind=what.value, content=content, read_at=None)
    session.add(notice)
    return notice
