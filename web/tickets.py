"""Tickets: what moves a door is done within seconds of being wanted, or not at all.

A request can wait anywhere: in the network, in a proxy, before a server that hangs, for a thread, for a lock of the
database. When it gets through, whoever sent it may have given up long ago, and no clock of theirs can be trusted to
say so. So they ask for a ticket first, which does nothing, and act with it at once. A ticket is for one person, one
kind of action and one request; it lives `LIFE` by the server's own clocks, and dies sooner when its holder says so or
the connection of the request that showed it ends. It is asked for its life again at the last moment before anything is
done. Tickets are kept in memory: a restart voids all of them.

    @router.post("/orders", responses=responses(*tickets.ERRORS, …))
    def give_order(ticket: TicketDep, …) -> OrderOut:
        with database.begin() as session:  # inside: waiting for the lock counts too
            ticket.redeem(staff.person_id, "open")
"""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Header, Request

from web import times
from web.app_state import find_in_state
from web.problems import ProblemError

LIFE = timedelta(seconds=5)
"""Long enough for a busy server, too short for somebody to have forgotten that they pressed."""

_KEPT = timedelta(minutes=1)
"""How long a dead ticket is remembered, so that it is told from one that never was."""
_MOST_OF_ONE = 50
"""Tickets kept for one person; who asks for more loses the oldest."""


class TicketNotValidError(ProblemError):
    """There is no such ticket (a restart of the server voids all), or it is for another person, action or request."""

    code = "ticket_not_valid"
    status = 409
    title = "This ticket is not valid here; nothing was done. Ask for a new one"


class TicketOverError(ProblemError):
    """The ticket is older than a few seconds, or was cancelled: the request had to wait, or its sender gave up."""

    code = "ticket_over"
    status = 409
    title = "This was asked for too long ago, or was cancelled; nothing was done. Ask again"


ERRORS = (TicketNotValidError, TicketOverError)


class Ticket:
    """One ticket. Safe for threads."""

    def __init__(self, person_id: UUID | None, action: str, clocks: "Tickets") -> None:
        """Begin to live; `person_id` None is nobody's, and good for nothing."""
        self.token = secrets.token_urlsafe(24)
        self.person_id = person_id
        self.action = action
        self.issued_at = clocks.now()
        self._clocks = clocks
        self._since_s = clocks.steady_s()
        self._void = person_id is None
        self._request: str | None = None
        self._lock = threading.Lock()

    def left_s(self) -> float:
        """Return the seconds that are left; 0 when it is over or void.

        Whichever clock says more counts: a wall clock may be set back, a steady one stands while a machine is moved.
        """
        if self._void:
            return 0.0
        age_s = max((self._clocks.now() - self.issued_at).total_seconds(), self._clocks.steady_s() - self._since_s)
        return max(0.0, LIFE.total_seconds() - age_s)

    def void(self) -> None:
        """Let it be over: its holder does not want it any more."""
        self._void = True

    def redeem(self, person_id: UUID, action: str, *, request: str = "") -> None:
        """Use it for one request; the same `request` may show it again while it lives.

        Raises:
            TicketNotValidError: it is for somebody or something else, or was used for another request.
            TicketOverError: its time is over, or it was cancelled.
        """
        if self.person_id != person_id or self.action != action:
            raise TicketNotValidError
        with self._lock:
            if self.left_s() <= 0:
                raise TicketOverError
            if self._request is not None and (not request or self._request != request):
                raise TicketNotValidError("it was used for another request")
            self._request = request


class Tickets:
    """The tickets of one server process."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = times.steady_s,
    ) -> None:
        """Begin without any; the two clocks count time that passes."""
        self.now = now
        self.steady_s = steady_s
        self._tickets: dict[str, Ticket] = {}
        self._lock = threading.Lock()

    def issue(self, person_id: UUID, action: str) -> Ticket:
        """Return a new ticket for somebody who wants to do `action` now."""
        ticket = Ticket(person_id, action, self)
        with self._lock:
            forgotten = self.now() - _KEPT
            self._tickets = {token: one for token, one in self._tickets.items() if one.issued_at > forgotten}
            theirs = [one for one in self._tickets.values() if one.person_id == person_id]
            for old in theirs[: max(0, len(theirs) + 1 - _MOST_OF_ONE)]:
                old.void()
                del self._tickets[old.token]
            self._tickets[ticket.token] = ticket
        return ticket

    def find(self, token: str) -> Ticket:
        """Return the ticket with this text; one that is good for nothing where there is none."""
        return self._tickets.get(token) or Ticket(None, "", self)

    def void(self, token: str, person_id: UUID) -> None:
        """Let a ticket be over, if it is theirs who ask."""
        found = self.find(token)
        if found.person_id == person_id:
            found.void()


def tickets_of(request: Request) -> Tickets:
    """Return the tickets of the server that answers a request."""
    return find_in_state(request, "tickets", Tickets)


async def _find_shown(
    request: Request,
    door_ticket: Annotated[
        str,
        Header(
            min_length=8,
            max_length=100,
            description=(
                "a one-time ticket for this action, from `POST /api/v1/operations/tickets`, "
                f"at most {LIFE.total_seconds():g} s old when the door is asked"
            ),
        ),
    ],
) -> AsyncIterator[Ticket]:
    # Whatever is left to hear on this connection after the body is that it ended.
    await request.body()
    async with _watch(request, door_ticket) as ticket:
        yield ticket


async def _find_in_form(request: Request, ticket: Annotated[str, Form(max_length=100)] = "") -> AsyncIterator[Ticket]:
    # The form was read before any of its fields is given here.
    async with _watch(request, ticket) as found:
        yield found


@contextlib.asynccontextmanager
async def _watch(request: Request, token: str) -> AsyncIterator[Ticket]:
    """Give the ticket for as long as the connection of the request lasts."""
    ticket = tickets_of(request).find(token)
    if await request.is_disconnected():
        ticket.void()
    watch = asyncio.create_task(_void_when_gone(request, ticket))
    try:
        yield ticket
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def _void_when_gone(request: Request, ticket: Ticket) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
    ticket.void()


TicketDep = Annotated[Ticket, Depends(_find_shown)]
"""The ticket that a request shows; the route redeems it."""

FormTicketDep = Annotated[Ticket, Depends(_find_in_form)]
"""The ticket in the field `ticket` of a form; without a script that asked for one it is good for nothing."""
