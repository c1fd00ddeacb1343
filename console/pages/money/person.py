"""One account at the counter: cash in and out, a new card for a lost one, and the way to refunds and receipts."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from accounts import people
from accounts.cards.uid_forms import to_uid
from accounts.ledger.transfer import Entry
from accounts.people import authority
from accounts.principals import Principal
from accounts.reissue import reissue
from accounts.topup import cash, cash_requests
from console import desk_reader
from console.amounts import AmountError, read_yuan
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import money as views
from database import new_id
from web.idempotency import RequestKey, digest
from web.paging import PageRequest
from web.problems import NotFoundError, ProblemError

router = APIRouter(
    prefix="/console/money/people/{person_id}", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

_LINES = 20
Typed = Annotated[str, Form(max_length=40)]
Key = Annotated[UUID, Form()]


class Issued(BaseModel):
    """What is kept of a reissue, so that the same form sent again finds it."""

    card_id: UUID


@router.get(
    "",
    dependencies=[record_disclosure("person.read", "person:{person_id}")],
    response_class=HTMLResponse,
    name="money_person_page",
)
def show(
    person_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    cursor: str | None = None,
) -> HTMLResponse:
    """Show somebody's money, and what can be done at the counter."""
    return _render(request, me, services, person_id, cursor=cursor)


@router.post("/cash-in", name="money_cash_in")
def pay_in(
    person_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Key,
    amount: Typed = "",
) -> Response:
    """Credit cash that was paid in; above the ceiling it waits for a second person."""
    asked = _Asked(person_id, "cash_in", key, amount)
    return _move(request, me, services, asked)


@router.post("/cash-out", name="money_cash_out")
def pay_out(
    person_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Key,
    amount: Typed = "",
) -> Response:
    """Pay a part of the balance out; above the ceiling it waits for a second person."""
    asked = _Asked(person_id, "cash_out", key, amount)
    return _move(request, me, services, asked)


@router.post("/reissue", name="money_reissue")
def issue_anew(
    person_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Key,
    uid: Typed = "",
) -> Response:
    """Issue the card that was read for a lost one, against the fee; the same form again issues nothing more."""
    once = RequestKey(str(key), digest(request.method, request.url.path, uid.strip().encode()))
    now = services.now()
    try:
        wanted = to_uid(uid, desk_reader.form_of(request))
        with services.database.begin() as session:
            authority.require(session, me, person_id)

            def write() -> Issued:
                made = reissue(services.accounts, session, person_id, wanted, by=me.actor, now=now)
                return Issued(card_id=made.id)

            once.answer(session, Issued, write, scope=me.actor, now=now)
    except NotFoundError:
        raise
    except ProblemError as error:
        problem = {"reissue": f"problem.{error.code}"}
        return _render(request, me, services, person_id, status=error.status, problems=problem)
    return done(request, "money_person_page", "reissued", person_id=person_id)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A form for cash as it was sent: `which` is `cash_in` or `cash_out`."""

    person_id: UUID
    which: Literal["cash_in", "cash_out"]
    key: UUID
    typed: str


def _move(request: Request, me: Principal, services: ConsoleServices, asked: _Asked) -> Response:
    do = cash.pay_in if asked.which == "cash_in" else cash.pay_out
    try:
        amount = read_yuan(asked.typed)
        with services.database.read() as session:
            wanted = cash.at_counter(session, me, asked.key, asked.person_id, amount)
        moved = do(services.money, wanted, by=me.actor, now=services.now())
    except AmountError as error:
        refused, status = error.words, 422
    except NotFoundError:
        raise
    except ProblemError as error:
        refused, status = f"problem.{error.code}", error.status
    else:
        is_done = isinstance(moved, Entry) or moved.state == cash_requests.DONE
        words = asked.which if is_done else "cash_asked"
        return done(request, "money_receipt_page", words, transfer_id=asked.key)
    return _render(
        request,
        me,
        services,
        asked.person_id,
        status=status,
        problems={asked.which: refused},
        typed={asked.which: asked.typed},
    )


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    person_id: UUID,
    *,
    cursor: str | None = None,
    problems: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    page = PageRequest(_LINES, cursor)
    with services.database.read() as session:
        person = people.get(session, person_id)
        shown: dict[str, Any] = views.describe_person(session, person, page, services.now())
        waiting = cash_requests.find_recent(session, person_id=person_id, is_waiting=True, limit=5)
        persons = {person_id: person}
        shown["waiting"] = [views.describe_request(session, one, persons) for one in waiting]
    return render_page(
        request,
        "money/person.html",
        status=status,
        is_own=me.person_id == person_id,
        # One for each form: sent twice it moves money once.
        keys={which: new_id() for which in ("cash_in", "cash_out", "reissue")},
        problems=problems or {},
        typed=typed or {},
        ceiling=services.money.ceilings.cash_day,
        **shown,
    )
