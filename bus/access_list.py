"""Who may connect to the embedded broker, and what each may say and hear."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bus.errors import BusError
from bus.filters import covers


class UsersFileError(BusError):
    """The file of users cannot be used; the message says which entry is wrong."""


@dataclass(frozen=True, slots=True)
class User:
    """A name's password and its topic filters (MQTT wildcards allowed)."""

    password: str = field(repr=False)
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessList:
    """The users of a broker. Nobody without a name gets in."""

    users: Mapping[str, User]

    def knows(self, name: str | None, password: str | None) -> bool:
        """Tell whether this is the user's password."""
        user = self.users.get(name or "")
        expected = user.password if user else ""
        # Compared also for an unknown name, so that the time tells nothing.
        same = hmac.compare_digest(expected.encode(), (password or "").encode())
        return user is not None and same

    def may_publish(self, name: str | None, topic: str) -> bool:
        """Tell whether `name` may publish on `topic`."""
        user = self.users.get(name or "")
        return user is not None and any(covers(allowed, topic) for allowed in user.publish)

    def may_subscribe(self, name: str | None, topic_filter: str) -> bool:
        """Tell whether every topic of `topic_filter` may be read by `name`."""
        user = self.users.get(name or "")
        return user is not None and any(covers(allowed, topic_filter) for allowed in user.subscribe)


def read_users(path: Path) -> AccessList:
    """Read `{"users": {name: {"password": …, "publish": [filters], "subscribe": [filters]}}}`.

    Raises:
        UsersFileError: unreadable, readable by others, no JSON, or an entry is wrong.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise UsersFileError(f"{path} holds passwords and can be read by others; run: chmod 600 {path}")
        users = json.loads(path.read_bytes())["users"]
        return AccessList({str(name): _user(str(name), entry) for name, entry in users.items()})
    except OSError as error:
        raise UsersFileError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsersFileError(f'{path} is not of the form {{"users": {{name: {{"password": …}}}}}}: {error}') from error


def _user(name: str, entry: Mapping[str, object]) -> User:
    password, publish, subscribe = entry.get("password"), entry.get("publish", []), entry.get("subscribe", [])
    if not isinstance(password, str) or not password:
        raise ValueError(f"user {name!r} has no password")
    if not isinstance(publish, list) or not isinstance(subscribe, list):
        raise TypeError(f"publish and subscribe of user {name!r} must be lists of topic filters")
    return User(password, tuple(map(str, publish)), tuple(map(str, subscribe)))
