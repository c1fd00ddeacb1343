"""One's own cards: state, loss reported and released, virtual cards unbound."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import cards, own_cards, passwords
from accounts.cards import virtual_cards
from accounts.ledger import find_account
from accounts.own_passwords import change_own_password
from accounts.principals import Principal
from accounts.vocabulary import PasswordPurpose
from console.dependencies import HASHING, HolderDep, ServicesDep
from console.passwords import explain_password_problem
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.own_cards import find_own_cards
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/cards", include_in_schema=False, dependencies=[Depends(forbid_storing)])

Typed = Annotated[str, Form(max_length=128)]


@router.get("", response_class=HTMLResponse)
def cards_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show one's cards, and what may be done with each."""
    return _render(request, services, me)


@router.post("/loss", name="cards_report_loss")
def report_loss(request: Request, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> Response:
    """Report the physical card lost; the virtual ones stop with it."""
    try:
        own_cards.report_loss(services.accounts, me, now=services.now())
    except ProblemError as error:
        return _render(request, services, me, status=error.status, problem=f"problem.{error.code}")
    return done(request, "cards_page", "own_loss_reported")


@router.post("/loss/release", name="cards_release_loss", dependencies=[HASHING])
def release_loss(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    query_password: Typed,
    new: Typed = "",
    repeated: Typed = "",
) -> Response:
    """The card was found: it and the virtual ones work again. A first query password is changed on the way."""
    if new != repeated:
        return _render(request, services, me, status=422, release_problem="password_page.differs")
    purpose, now = PasswordPurpose.QUERY, services.now()
    try:
        if new:
            change_own_password(services.accounts, me, purpose, current=query_password, new=new, now=now)
        own_cards.release_loss(services.accounts, me, new or query_password, now=now)
    except ProblemError as error:
        problem = explain_password_problem(error, purpose)
        return _render(request, services, me, status=error.status, release_problem=problem)
    return done(request, "cards_page", "own_loss_released")


@router.post("/{card_id}/unbind", name="cards_unbind")
def unbind(
    request: Request, card_id: UUID, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep
) -> Response:
    """Unbind a virtual card; another can be claimed afterwards."""
    try:
        with services.database.begin() as session:
            card = own_cards.find_virtual_card(session, me, card_id)
            virtual_cards.unbind(session, card, by=me.actor, now=services.now())
    except ProblemError as error:
        return _render(request, services, me, status=error.status, problem=f"problem.{error.code}")
    return done(request, "cards_page", "virtual_card_unbound")


def _render(request: Request, services: ConsoleServices, me: Principal, **more: Any) -> HTMLResponse:
    with services.database.read() as session:
        found = find_own_cards(session, me.person_id)
        must_change = passwords.find_all(session, me.person_id)
        wallet = find_account(session, me.person_id)
        return render_page(
            request,
            "mine/cards.html",
            cards=found,
            history=[] if found.physical is None else cards.history(session, found.physical.id),
            available=0 if wallet is None else wallet.available,
            has_query_password=PasswordPurpose.QUERY in must_change,
            is_first_password=must_change.get(PasswordPurpose.QUERY, False),
            now=services.now(),
            **more,
        )
