"""The counter: finding somebody by card, number or name. What was typed stays out of addresses, it may be a card."""

import contextlib
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards.uid_forms import possible_uids
from accounts.principals import Principal
from accounts.tables import Person
from accounts.topup import cash_book, cash_requests
from accounts.topup.cash import counter_of
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import forbid_storing, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import money as views

router = APIRouter(prefix="/console/money", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST = 20
_REQUESTS = 5
_LAST, _SHIFT = 6, timedelta(hours=12)
"""Movements shown below the search, and since when: enough to look again at the receipt of who just left."""


@router.get(
    "",
    dependencies=[record_disclosure("cash_requests.read", "cash_requests:list")],
    response_class=HTMLResponse,
    name="money_counter_page",
)
def show(request: Request, me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show where a person is looked for, and what became of one's own requests for cash above the ceiling."""
    return _render(request, me, services, typed="", found=None)


@router.post("/find", dependencies=[record_disclosure("people.read", "people:list")], name="money_find")
def find(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    typed: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Look for a card in use, then for a number, then for a part of a name; who is the only one is shown at once."""
    with services.database.read() as session:
        found = _search(session, typed.strip())
    if len(found) == 1:
        return lead_to(request, path_to(request, "money_person_page", person_id=found[0].id))
    return _render(request, me, services, typed=typed, found=found)


def _search(session: Session, typed: str) -> list[Person]:
    if not typed:
        return []
    if (person := people.by_number(session, typed)) is not None:
        return [person]
    found = _by_card(session, typed)
    return found or list(people.find(session, search=typed, limit=_MOST + 1))


def _by_card(session: Session, typed: str) -> list[Person]:
    """Return whose card has this number, in whichever form the reader at the desk types it."""
    holders: dict[UUID, Person] = {}
    for _, uid in possible_uids(typed):
        with contextlib.suppress(cards.UnknownCardError):
            card = cards.by_uid(session, uid)
            holders[card.person_id] = people.get(session, card.person_id)
    return list(holders.values())


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    typed: str,
    found: list[Person] | None,
) -> HTMLResponse:
    box = counter_of(me.person_id)
    now = services.now()
    with services.database.read() as session:
        asked = cash_requests.find_recent(session, box=box, limit=_REQUESTS)
        last = cash_book.lines_of(session, box, now - _SHIFT, now)[-_LAST:][::-1] if found is None else []
        persons = people.by_ids(session, {one.person_id for one in asked} | {one.person_id for one in last})
        described = [views.describe_request(session, one, persons) for one in asked]
    return render_page(
        request,
        "money/counter.html",
        # A card's number is not written back into the page.
        typed=typed if found else "",
        found=None if found is None else found[:_MOST],
        more=found is not None and len(found) > _MOST,
        asked=described,
        last=[(one, persons.get(one.person_id)) for one in last],
    )
