"""One's virtual card: claimed with the query password, then shown as a code that changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from accounts import own_cards, passwords
from accounts.own_passwords import change_own_password
from accounts.principals import Principal
from accounts.vocabulary import CardState, PasswordPurpose
from console import texts
from console.dependencies import HASHING, HolderDep, ServicesDep
from console.passwords import explain_password_problem
from console.qr import Squares
from console.rendering import done, forbid_storing, language_of, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.own_cards import OwnCards, find_own_cards
from console.views.virtual_card_codes import make_codes
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/virtual-card", include_in_schema=False, dependencies=[Depends(forbid_storing)])

Typed = Annotated[str, Form(max_length=128)]


class CardIn(BaseModel):
    """The virtual card that codes are wanted of."""

    model_config = ConfigDict(extra="forbid")

    card_id: UUID


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands between somebody and their code."""

    cards: OwnCards
    has_query_password: bool
    is_first_password: bool
    """The query password opens nothing until it is changed."""

    @property
    def is_suspended(self) -> bool:
        return bool(self.cards.virtual) and all(card.state is not CardState.ACTIVE for card in self.cards.virtual)


@router.get("", response_class=HTMLResponse)
def virtual_card_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show the code, or what is needed for one."""
    return _render(request, services, me)


@router.post("", name="virtual_card_claim", dependencies=[HASHING])
def claim(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    query_password: Typed,
    new: Typed = "",
    repeated: Typed = "",
) -> Response:
    """Claim the virtual card; a first query password is changed on the way."""
    if new != repeated:
        return _render(request, services, me, status=422, claim_problem="password_page.differs")
    try:
        _claim(services, me, query_password, new, services.now())
    except ProblemError as error:
        problem = explain_password_problem(error, PasswordPurpose.QUERY)
        return _render(request, services, me, status=error.status, claim_problem=problem)
    return done(request, "virtual_card_page", "virtual_card_bound")


@router.post("/codes", name="virtual_card_codes")
def codes(wanted: CardIn, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> dict[str, Any]:
    """Return the codes of the next minutes."""
    return _make_codes(services, me, wanted.card_id, services.now())[1]


def _claim(services: ConsoleServices, me: Principal, query_password: str, new: str, now: datetime) -> None:
    if new:
        purpose = PasswordPurpose.QUERY
        change_own_password(services.accounts, me, purpose, current=query_password, new=new, now=now)
    own_cards.claim_virtual_card(services.accounts, me, new or query_password, now=now)


def _make_codes(
    services: ConsoleServices, me: Principal, card_id: UUID, now: datetime
) -> tuple[Squares, dict[str, Any]]:
    with services.database.begin() as session:
        card = own_cards.find_usable_virtual_card(session, me, card_id, now=now)
        return make_codes(session, card, services.accounts.code_key, sign=services.accounts.sign_code, now=now)


def _find_standing(services: ConsoleServices, me: Principal) -> _Standing:
    with services.database.read() as session:
        must_change = passwords.find_all(session, me.person_id)
        return _Standing(
            cards=find_own_cards(session, me.person_id),
            has_query_password=PasswordPurpose.QUERY in must_change,
            is_first_password=must_change.get(PasswordPurpose.QUERY, False),
        )


def _render(request: Request, services: ConsoleServices, me: Principal, **more: Any) -> HTMLResponse:
    standing = _find_standing(services, me)
    card = standing.cards.usable_virtual
    squares, batch = (None, None) if card is None else _make_codes(services, me, card.id, services.now())
    return render_page(
        request,
        "mine/virtual_card.html",
        standing=standing,
        card=card,
        squares=squares,
        batch=batch,
        opens_gates=services.accounts.sign_code is not None,
        texts=texts.texts_beginning(language_of(request), ("virtual_card.", "failed", "offline")),
        **more,
    )
