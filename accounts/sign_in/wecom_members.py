"""Members who leave the corporation in enterprise WeChat, or are disabled there: what becomes of their account here.

Whoever left may no longer sign in there, so what they are signed in to here ends; a campus may have the account
suspended with it. People with a role are signed out only: their office is taken from them by somebody who knows.
Names and departments are not taken from there: they come with the university's own lists.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import structlog
from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.people import registry, sign_ins
from accounts.people.notices import AccountNotice, Notify
from accounts.sign_in.wecom_messages import MessageCipher
from accounts.vocabulary import PersonKind, PersonState, Role

log = structlog.get_logger()

ACTOR: Final = audit.SYSTEM
_DISABLED, _LEFT = "2", "5"


@dataclass(frozen=True, slots=True)
class MemberEvents:
    """How messages about members are opened, and what follows from them."""

    cipher: MessageCipher
    kinds: Collection[PersonKind]
    """Whose accounts enterprise WeChat signs in, and so may end."""
    on_leaving: Literal["sign_out", "suspend"] = "sign_out"


def find_leaver(message: Mapping[str, str]) -> str | None:
    """Return the number of a member who has left or was disabled by this message; None: it says nothing of the kind."""
    if message.get("MsgType") != "event" or message.get("Event") != "change_contact":
        return None
    change = message.get("ChangeType")
    is_gone = change == "delete_user" or (change == "update_user" and message.get("Status") in {_DISABLED, _LEFT})
    return message.get("UserID") or None if is_gone else None


def let_go(
    session: Session, events: MemberEvents, number: str, *, notify: Notify, now: datetime
) -> Literal["nobody", "signed_out", "suspended"]:
    """End what somebody who left is signed in to, and suspend their account where the campus wants it."""
    found = people.by_number(session, number)
    if found is None or found.kind not in events.kinds or found.state is PersonState.CLOSED:
        return "nobody"
    person = people.get(session, found.id, lock=True)
    subject = f"person:{person.id}"
    audit.record(session, actor=ACTOR, action="person.left_wecom", subject=subject, now=now)
    if events.on_leaving == "suspend" and person.roles == {Role.HOLDER}:
        if registry.set_state(session, person, PersonState.SUSPENDED, by=ACTOR, now=now, reason="wecom"):
            notify(session, person.id, AccountNotice.SUSPENDED, now=now)
        return "suspended"
    sign_ins.end_all(session, person.id, now=now)
    return "signed_out"
