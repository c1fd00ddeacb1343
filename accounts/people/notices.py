"""Notices to a person about their account, through a port: the inbox belongs to another room."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.vocabulary import PasswordPurpose, PersonState


class AccountNotice(StrEnum):
    """What happened to an account that its person must hear of: it may not have been they who wanted it."""

    PORTAL_RESET = "portal_password_reset"
    QUERY_RESET = "query_password_reset"
    CONSUMPTION_RESET = "consumption_password_reset"
    PORTAL_CHANGED = "portal_password_changed"
    ROLES_CHANGED = "roles_changed"
    SUSPENDED = "account_suspended"
    RELEASED = "account_released"
    CARD_ISSUED = "card_issued"
    REISSUE_REVERSED = "reissue_reversed"
    REISSUE_FEE_KEPT = "reissue_fee_kept"
    REISSUE_UNCLEAR = "reissue_unclear"
    VIRTUAL_CARD_BOUND = "virtual_card_bound"
    ACCOUNTS_MERGED = "accounts_merged"
    AUTOMATIC_TOP_UP_AGREED = "automatic_top_up_agreed"
    AUTOMATIC_TOP_UP_FAILED = "automatic_top_up_failed"


RESET = {
    PasswordPurpose.PORTAL: AccountNotice.PORTAL_RESET,
    PasswordPurpose.QUERY: AccountNotice.QUERY_RESET,
    PasswordPurpose.CONSUMPTION: AccountNotice.CONSUMPTION_RESET,
}
"""Sent when staff have set a password."""

STATE = {PersonState.SUSPENDED: AccountNotice.SUSPENDED, PersonState.ACTIVE: AccountNotice.RELEASED}
"""Sent with a new state; whoever leaves hears it from the registry."""


class Notify(Protocol):
    """Writes a notice to a person."""

    def __call__(self, session: Session, person_id: UUID, what: AccountNotice, *, now: datetime) -> object:
        """Write it in the transaction of what it is about."""
        ...


def notify_nobody(session: Session, person_id: UUID, what: AccountNotice, *, now: datetime) -> None:
    """Write nothing: for what has no inbox."""
