"""Cards at the counter: whose a card is, issue, the check after it, loss, release, reissue, return, history."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards import counter, loss
from accounts.cards.card_states import CardAction
from accounts.cards.uid_forms import UidForm, possible_uids, to_uid
from accounts.ledger import chart
from accounts.people import authority
from accounts.principals import Principal
from accounts.reissue import reissue
from accounts.tables import Card
from accounts.vocabulary import CardKind, CardState, Role
from card_dispensing import unsettled
from console import desk_reader
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.actors import name_actors
from web.problems import NotFoundError, ProblemError

router = APIRouter(prefix="/console/office", include_in_schema=False)

_READS = record_disclosure("cards.read", "person:{person_id}")
Typed = Annotated[str, Form(max_length=60)]
Reader = Annotated[UidForm, Form()]
Note = Annotated[str, Form(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class CardElsewhereError(ProblemError):
    """The card that was tapped is another account's, or nobody's."""

    code = "card_of_somebody_else"
    status = 409
    title = "The card that was tapped is not this person's"


@router.get("/cards", response_class=HTMLResponse, name="office_cards_page")
def show_finder(request: Request, _cashier: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show the field that waits for a card, and what kiosks left to be settled: where and since when, not whose."""
    return _render_finder(request, services)


@router.post("/cards/find", name="office_find_card", response_model=None)
def find_card(
    request: Request,
    _cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    uid: Typed = "",
    reader: Reader = UidForm.HEXADECIMAL,
) -> Response:
    """Lead to the cards of whose card was tapped; a form that the reader was not known to write is found out."""
    with services.database.read() as session:
        known = _known_as(session, uid, reader)
    if known is None:
        return _render_finder(
            request, services, status=404, typed=uid, reader=reader, possible=list(possible_uids(uid)), missed=True
        )
    form, person_id = known
    answer = done(
        request, "office_person_cards_page", "reader_found" if form is not reader else "card_found", person_id=person_id
    )
    desk_reader.remember(answer, form)
    return answer


@router.get(
    "/people/{person_id}/cards",
    response_class=HTMLResponse,
    name="office_person_cards_page",
    dependencies=[_READS],
)
def show_cards(request: Request, cashier: CashierDep, services: ServicesDep, person_id: UUID) -> HTMLResponse:
    """Show a person's cards, and what can be done with them now."""
    return _render(request, services, person_id, cashier.roles)


@router.post("/people/{person_id}/cards", name="office_issue_card", response_model=None, dependencies=[_READS])
def issue_card(
    request: Request,
    cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    uid: Typed = "",
    reader: Reader = UidForm.HEXADECIMAL,
) -> Response:
    """Hand out the first card; a tap that the reader types twice issues it once."""

    def work(session: Session, now: datetime) -> None:
        wanted = to_uid(uid, reader)
        if not _has_card(session, person_id, wanted):
            counter.issue(session, cashier, person_id, wanted, notify=services.accounts.notify, now=now)

    return _do(request, services, cashier, person_id, words="card_issued", work=work, typed=uid, reader=reader)


@router.post("/people/{person_id}/cards/check", name="office_check_card", response_model=None, dependencies=[_READS])
def check_card(
    request: Request,
    cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    uid: Typed = "",
    reader: Reader = UidForm.HEXADECIMAL,
) -> Response:
    """Check that the card in hand is this person's, and note its first tap."""

    def work(session: Session, now: datetime) -> None:
        authority.require_another(cashier, person_id)
        wanted = to_uid(uid, reader)
        try:
            card = cards.by_uid(session, wanted)
        except cards.UnknownCardError as error:
            raise CardElsewhereError from error
        if card.person_id != person_id:
            raise CardElsewhereError
        cards.first_tap(session, card, by=cashier.actor, now=now)

    return _do(request, services, cashier, person_id, words="card_checked", work=work, typed=uid, reader=reader)


@router.post("/people/{person_id}/loss", name="office_report_loss", response_model=None, dependencies=[_READS])
def report_loss(
    request: Request, cashier: CashierDep, services: ServicesDep, _same_origin: SameOriginDep, person_id: UUID
) -> Response:
    """Report a loss, after a look at the ID document."""

    def work(session: Session, now: datetime) -> None:
        counter.report_loss(session, cashier, person_id, now=now)

    return _do(request, services, cashier, person_id, words="loss_reported", work=work)


@router.post("/people/{person_id}/loss/release", name="office_release_loss", response_model=None, dependencies=[_READS])
def release_loss(
    request: Request, cashier: CashierDep, services: ServicesDep, _same_origin: SameOriginDep, person_id: UUID
) -> Response:
    """The card was found: it and the virtual ones work again."""

    def work(session: Session, now: datetime) -> None:
        counter.release_loss(session, cashier, person_id, now=now)

    return _do(request, services, cashier, person_id, words="loss_released", work=work)


@router.post("/people/{person_id}/reissue", name="office_reissue_card", response_model=None, dependencies=[_READS])
def reissue_card(
    request: Request,
    cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    uid: Typed = "",
    reader: Reader = UidForm.HEXADECIMAL,
) -> Response:
    """Issue a new card for a lost one against the fee; one report, one fee, however often the form is sent."""

    def work(session: Session, now: datetime) -> None:
        authority.require(session, cashier, person_id)
        wanted = to_uid(uid, reader)
        if loss.open_loss(session, person_id) is None and _has_card(session, person_id, wanted):
            return
        reissue(services.accounts, session, person_id, wanted, by=cashier.actor, now=now)

    return _do(request, services, cashier, person_id, words="card_reissued", work=work, typed=uid, reader=reader)


@router.post(
    "/people/{person_id}/card-issues/{issue_id}/{outcome}",
    name="office_settle_issue",
    response_model=None,
    dependencies=[_READS],
)
def settle_issue(
    request: Request,
    cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    issue_id: UUID,
    outcome: Literal["fee_returned", "card_is_there", "card_never_came"],
) -> Response:
    """Settle what a kiosk left: give a fee back, or say whether the holder has a card that is gone from it."""

    def work(session: Session, now: datetime) -> None:
        if outcome == "fee_returned":
            unsettled.return_fee(services.accounts, session, cashier, person_id, issue_id, now=now)
        else:
            has_card = outcome == "card_is_there"
            unsettled.settle_gone(services.accounts, session, cashier, person_id, issue_id, has_card=has_card, now=now)

    return _do(request, services, cashier, person_id, words=outcome, work=work)


@router.post(
    "/people/{person_id}/cards/{card_id}/{action}", name="office_card_step", response_model=None, dependencies=[_READS]
)
def take_step(
    request: Request,
    cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    card_id: UUID,
    action: Literal["suspend", "release", "return"],
    note: Note = "",
) -> Response:
    """Suspend a card, lift its suspension, or take it back."""

    def work(session: Session, now: datetime) -> None:
        if cards.get(session, card_id).person_id != person_id:
            raise NotFoundError("this person has no such card")
        counter.take_step(session, cashier, card_id, CardAction(action), note=note.strip(), now=now)

    return _do(request, services, cashier, person_id, words=f"card_{action}", work=work)


@router.get(
    "/cards/{card_id}",
    response_class=HTMLResponse,
    name="office_card_history_page",
    dependencies=[record_disclosure("card.read", "card:{card_id}")],
)
def show_history(request: Request, _cashier: CashierDep, services: ServicesDep, card_id: UUID) -> HTMLResponse:
    """Show what happened to a card, oldest first."""
    with services.database.read() as session:
        card = cards.get(session, card_id)
        person = people.get(session, card.person_id)
        events = cards.history(session, card_id)
    return render_page(
        request,
        "office/card_history.html",
        card=card,
        person=person,
        events=events,
        names=name_actors(services.names, {one.actor for one in events}),
    )


def _known_as(session: Session, typed: str, reader: UidForm) -> tuple[UidForm, UUID] | None:
    """Return in which form a card in use was typed, the reader's own before others, and whose it is."""
    possible = sorted(possible_uids(typed), key=lambda one: one[0] is not reader)
    for form, uid in possible:
        try:
            return form, cards.by_uid(session, uid).person_id
        except cards.UnknownCardError:
            continue
    return None


def _has_card(session: Session, person_id: UUID, uid: str) -> bool:
    """Tell whether the person has this very card already: the form was sent twice."""
    try:
        card = cards.by_uid(session, uid)
    except cards.UnknownCardError:
        return False
    return card.person_id == person_id and card.state is CardState.ACTIVE


def _do(
    request: Request,
    services: ConsoleServices,
    cashier: Principal,
    person_id: UUID,
    *,
    words: str,
    work: Callable[[Session, datetime], None],
    typed: str = "",
    reader: UidForm | None = None,
) -> Response:
    """Do something in a transaction and lead on, or show the page again with what stood in the way."""
    try:
        with services.database.begin() as session:
            work(session, services.now())
    except ProblemError as error:
        return _render(
            request,
            services,
            person_id,
            cashier.roles,
            status=error.status,
            problem=error,
            typed=typed,
            reader=reader,
            possible=list(possible_uids(typed)) if isinstance(error, cards.InvalidUidError) else [],
        )
    answer = done(request, "office_person_cards_page", words, person_id=person_id)
    if reader is not None:
        desk_reader.remember(answer, reader)
    return answer


def _render_finder(
    request: Request, services: ConsoleServices, *, reader: UidForm | None = None, **more: Any
) -> HTMLResponse:
    with services.database.read() as session:
        left = unsettled.find_unsettled(session)
    return render_page(
        request,
        "office/cards.html",
        forms=list(UidForm),
        reader=reader or desk_reader.form_of(request),
        unsettled=left,
        **more,
    )


def _render(
    request: Request,
    services: ConsoleServices,
    person_id: UUID,
    roles: frozenset[Role],
    *,
    reader: UidForm | None = None,
    **more: Any,
) -> HTMLResponse:
    now = services.now()
    with services.database.read() as session:
        person = people.get(session, person_id)
        every: list[Card] = list(cards.of_person(session, person_id, ended=True))
        report = loss.open_loss(session, person_id)
        available = chart.account(session, person_id).available
        left = unsettled.find_unsettled(session, person_id)
    live = [card for card in every if card.ended_at is None]
    return render_page(
        request,
        "office/person_cards.html",
        person=person,
        standing=people.standing(person, now),
        physical=next((card for card in live if card.kind is CardKind.PHYSICAL), None),
        virtual=[card for card in live if card.kind is CardKind.VIRTUAL],
        ended=[card for card in reversed(every) if card.ended_at is not None],
        report=loss.describe(report) if report is not None else None,
        fee=loss.FEE_FEN,
        can_pay_fee=available >= loss.FEE_FEN,
        unsettled=left,
        now=now,
        is_admin=Role.ADMIN in roles,
        forms=list(UidForm),
        reader=reader or desk_reader.form_of(request),
        **more,
    )
