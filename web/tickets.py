"""Tickets: what moves a door is done within seconds of being wanted, or not at all.

A request can wait anywhere: in the network, in a proxy, before a server that hangs, for a thread, for a lock of the
database. When it gets through, whoever sent it may have given up long ago, and no clock of theirs can be trusted to
say so. So they ask for a ticket first, which does nothing, and act with it at once. A ticket is for one person, one
kind of action and one request; it lives `LIFE` by the server's own clocks, and dies sooner when its holder says so or
the connection of the request that showed it ends. It is asked for its life again at the last moment before anything is
done. One server keeps them in memory, and a restart voids all of them; several over one database share them
(`web.shared_tickets`), so that one server gives a ticket and another takes it.

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

from anyio import to_thread
from fastapi import Depends, Form, Header, Request

from web import times
from web.app_state import find_in_state
from web.problems import ProblemError
from web.shared_tickets import TOPIC, SharedTickets, digest_of

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

    def __init__(
        self,
        person_id: UUID | None,
        action: str,
        clocks: "Tickets",
        *,
        token: str | None = None,
        since_s: float | None = None,
    ) -> None:
        """Begin to live, or go on with one of another server that began at `since_s` of the steady clock.

        `person_id` None is nobody's, and good for nothing.
        """
        self.token = token or secrets.token_urlsafe(24)
        self.person_id = person_id
        self.action = action
        self._clocks = clocks
        self._since_s = clocks.steady_s() if since_s is None else since_s
        self.issued_at = clocks.now() - timedelta(seconds=clocks.steady_s() - self._since_s)
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
        """Let it be over here: its holder does not want it any more."""
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
            if not self._clocks.claim(self.token, request):
                raise TicketNotValidError("it was used for another request, or cancelled, at another server")
            self._request = request
            if self.left_s() <= 0:
                raise TicketOverError


class Tickets:
    """The tickets of one server process, and those of the others where they are shared."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = times.steady_s,
        shared: SharedTickets | None = None,
    ) -> None:
        """Begin without any; the two clocks count time that passes."""
        self.now = now
        self.steady_s = steady_s
        self.shared = shared
        self._tickets: dict[str, Ticket] = {}
        self._lock = threading.Lock()

    def issue(self, person_id: UUID, action: str) -> Ticket:
        """Return a new ticket for somebody who wants to do `action` now."""
        ticket = Ticket(person_id, action, self)
        self._keep(ticket)
        if self.shared is not None:
            self.shared.add(ticket.token, person_id, action, most=_MOST_OF_ONE)
        return ticket

    def find(self, token: str) -> Ticket:
        """Return the ticket with this text; one that is good for nothing where there is none.

        Asks the database where the tickets are shared and another server issued it.
        """
        return self._tickets.get(token) or self._take_over(token) or Ticket(None, "", self)

    async def find_in_thread(self, token: str) -> Ticket:
        """Return what `find` does, and take a thread only where the database must be asked."""
        if token in self._tickets or self.shared is None:
            return self.find(token)
        return await to_thread.run_sync(self.find, token)

    def claim(self, token: str, request: str) -> bool:
        """Whether no other server has let this ticket be used for another request, nor heard that it is over."""
        return self.shared is None or self.shared.claim(token, request)

    def void(self, token: str, person_id: UUID) -> None:
        """Let a ticket be over, if it is theirs who ask."""
        found = self.find(token)
        if found.person_id == person_id:
            self.give_up(found)

    def give_up(self, ticket: Ticket) -> None:
        """Let a ticket be over, at every server."""
        ticket.void()
        if self.shared is not None and ticket.person_id is not None:
            self.shared.void(ticket.token)

    def hear(self, topic: str) -> None:
        """Take what another server has announced."""
        if not topic.startswith(TOPIC):
            return
        for one in list(self._tickets.values()):
            if digest_of(one.token).hex() == topic.removeprefix(TOPIC):
                one.void()

    def _take_over(self, token: str) -> Ticket | None:
        """Return what another server issued, as old as it can be by now."""
        if self.shared is None:
            return None
        asked_s = self.steady_s()
        found = self.shared.find(token)
        if found is None:
            return None
        ticket = Ticket(found.person_id, found.action, self, token=token, since_s=asked_s - found.age_s)
        if found.is_void:
            ticket.void()
        return self._keep(ticket)

    def _keep(self, ticket: Ticket) -> Ticket:
        """Keep a ticket, or return the one with its text that is kept already."""
        with self._lock:
            forgotten = self.now() - _KEPT
            self._tickets = {token: one for token, one in self._tickets.items() if one.issued_at > forgotten}
            theirs = [one for one in self._tickets.values() if one.person_id == ticket.person_id]
            for old in theirs[: max(0, len(theirs) + 1 - _MOST_OF_ONE)]:
                old.void()
                del self._tickets[old.token]
            return self._tickets.setdefault(ticket.token, ticket)


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
    tickets = tickets_of(request)
    ticket = await tickets.find_in_thread(token)
    if await request.is_disconnected():
        ticket.void()
    watch = asyncio.create_task(_void_when_gone(request, tickets, ticket))
    try:
        yield ticket
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def _void_when_gone(request: Request, tickets: Tickets, ticket: Ticket) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
    # Here at once; the other servers hear of it from a thread that may have to wait for the database.
    ticket.void()
    await to_thread.run_sync(tickets.give_up, ticket)


TicketDep = Annotated[Ticket, Depends(_find_shown)]
"""The ticket that a request shows; the route redeems it."""

FormTicketDep = Annotated[Ticket, Depends(_find_in_form)]
"""The ticket in the field `ticket` of a form; without a script that asked for one it is good for nothing."""
