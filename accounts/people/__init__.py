"""People: one account each, what they are called, whether the account may be used, and who may act for whom."""

from accounts.people.lookup import by_ids, by_number, by_numbers, find, find_departments, find_groups, get, is_called
from accounts.people.particulars import InvalidPersonError, Particulars
from accounts.people.registry import (
    AccountClosedError,
    NumberTakenError,
    create,
    create_many,
    set_roles,
    set_state,
    update,
)
from accounts.people.standing import AccountNotUsableError, Standing, require_usable, standing

__all__ = [
    "AccountClosedError",
    "AccountNotUsableError",
    "InvalidPersonError",
    "NumberTakenError",
    "Particulars",
    "Standing",
    "by_ids",
    "by_number",
    "by_numbers",
    "create",
    "create_many",
    "find",
    "find_departments",
    "find_groups",
    "get",
    "is_called",
    "require_usable",
    "set_roles",
    "set_state",
    "standing",
    "update",
]
