"""Who may connect to the embedded broker, and what each may say and hear."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.filters import covers


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
