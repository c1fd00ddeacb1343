"""What everybody who follows a stream may do now, queried for all of them together."""

import asyncio
import time
from datetime import datetime
from uuid import UUID

from fastapi.concurrency import run_in_threadpool

from accounts.people import sign_ins
from accounts.sign_in.access_tokens import Claims
from accounts.vocabulary import Role
from database import Database

CHECK_EVERY_S = 1.0
"""A reader who was suspended sees no more than this of what happens afterwards."""
_ASKED_AFTER_S = 15 * CHECK_EVERY_S
"""For how long a sign-in is queried that no stream has asked about again."""

_SignIn = tuple[UUID, UUID]


class CurrentRoles:
    """The roles of sign-ins, at most `CHECK_EVERY_S` old. One event loop uses it."""

    def __init__(self) -> None:
        """Nobody was asked about yet."""
        self._asked: dict[_SignIn, float] = {}
        self._found: dict[_SignIn, frozenset[Role] | None] = {}
        self._found_at = 0.0
        self._query: asyncio.Task[None] | None = None

    async def find(self, database: Database, claims: Claims, *, now: datetime) -> frozenset[Role] | None:
        """Return what a signed-in person may do; None when the sign-in has ended or the account may not be used."""
        mine = claims.person_id, claims.sign_in_id
        self._asked[mine] = time.monotonic()
        while mine not in self._found or time.monotonic() >= self._found_at + CHECK_EVERY_S:
            if self._query is None or self._query.done():
                self._query = asyncio.create_task(self._refresh(database, now))
            # Whoever goes away while the query runs must not end it for the others.
            await asyncio.shield(self._query)
        return self._found[mine]

    async def _refresh(self, database: Database, now: datetime) -> None:
        begun = time.monotonic()
        self._asked = {one: at for one, at in self._asked.items() if at >= begun - _ASKED_AFTER_S}
        wanted = tuple(self._asked)

        def query() -> dict[_SignIn, frozenset[Role]]:
            with database.read() as session:
                return sign_ins.roles_of_many(session, wanted, now=now)

        running = await run_in_threadpool(query)
        self._found = {one: running.get(one) for one in wanted}
        self._found_at = time.monotonic()
