"""What root does in the name of the processes' account, so that the files it makes are theirs."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager

from campusgate.setup.files import ACCOUNT, SetupError
from campusgate.setup.places import Places


@contextmanager
def as_account(places: Places) -> Iterator[None]:
    """Be the processes' account within the block, where root sets up the machine itself.

    PostgreSQL then knows the account by its name, and a file of SQLite that is made belongs to it.

    Raises:
        SetupError: there is no such account.
    """
    if not places.is_machine or os.geteuid() != 0:
        yield
        return
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise SetupError(f"there is no account {ACCOUNT}: run `campusgate setup server` first") from error
    groups, group = os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(ACCOUNT, account.pw_gid))
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
