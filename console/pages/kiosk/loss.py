"""A lost card at a kiosk: reported at once, and from 24 hours on replaced by the card in the dispenser."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from accounts import people
from accounts.cards import loss
from accounts.cards.uid_forms import to_uid
from accounts.principals import DevicePrincipal
from accounts.reissue import reissue
from card_dispensing import issues, sightings
from card_dispensing.issues import WantedCard
from console import kiosk_cookies
from console.dependencies import KioskDep, ServicesDep
from console.kiosk_cookies import Visit
from console.pages.kiosk.screens import KnownDep, lead_on, render_screen
from console.pages.kiosk.start import describe_holder
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from web.idempotency import RequestKey, digest
from web.problems import ProblemError

router = APIRouter(prefix="/console/kiosk", include_in_schema=False, dependencies=[Depends(forbid_storing)])


class Issued(BaseModel):
    """What is kept of a reissue, so that the same form sent again finds it."""

    card_id: UUID


@router.get("/loss", response_class=HTMLResponse, name="kiosk_loss_page")
def ask(request: Request, visit: KnownDep, services: ServicesDep) -> HTMLResponse:
    """Ask whether the card is really lost."""
    return render_screen(
        request, services, "kiosk/loss.html", visit=visit, problem=None, **describe_holder(services, visit)
    )


@router.post("/loss", name="kiosk_loss")
def report(
    _same_origin: SameOriginDep, request: Request, kiosk: KioskDep, visit: KnownDep, services: ServicesDep
) -> Response:
    """Report the physical card lost; the virtual ones are suspended with it. Reported twice it is reported."""
    try:
        with services.database.begin() as session:
            person = people.get(session, visit.person_id, lock=True)
            loss.report(session, person, through="kiosk", by=kiosk.actor, now=services.now())
    except loss.LossReportedError:
        pass
    except ProblemError as error:
        return render_screen(
            request,
            services,
            "kiosk/loss.html",
            visit=visit,
            status=error.status,
            problem=f"problem.{error.code}",
            **describe_holder(services, visit),
        )
    return lead_on(request, services, "kiosk_loss_page", visit)


@router.get("/reissue", response_class=HTMLResponse, name="kiosk_reissue_page")
def ask_for_card(request: Request, kiosk: KioskDep, visit: KnownDep, services: ServicesDep) -> HTMLResponse:
    """Show the fee and when it is possible, and offer a card: of the dispenser, or by its number from the reader."""
    return _render_offer(request, kiosk, visit, services)


@router.post("/reissue", name="kiosk_reissue")
def issue_anew(
    _same_origin: SameOriginDep,
    request: Request,
    kiosk: KioskDep,
    visit: KnownDep,
    services: ServicesDep,
    *,
    key: Annotated[UUID, Form()],
    uid: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Issue a card against the fee: the dispenser's, or by its number; the same form again issues nothing more."""
    now = services.now()
    try:
        with services.database.begin() as session:
            has_dispenser = sightings.find_dispenser(session, kiosk.device_id) is not None
            if has_dispenser:
                issues.ask(session, WantedCard(key, visit.person_id, kiosk.device_id), now)
        if has_dispenser:
            return lead_on(request, services, "kiosk_issue_page", visit, issue_id=key)
        _issue_by_number(request, kiosk, visit, services, key=key, uid=uid)
    except ProblemError as error:
        return _render_offer(request, kiosk, visit, services, refusal=error)
    return lead_on(request, services, "kiosk_reissued_page", visit)


@router.get("/reissued", response_class=HTMLResponse, name="kiosk_reissued_page")
def tell(request: Request, visit: KnownDep, services: ServicesDep) -> HTMLResponse:
    """Say that the new card is in use."""
    return render_screen(request, services, "kiosk/reissued.html", visit=visit, **describe_holder(services, visit))


def _issue_by_number(
    request: Request, kiosk: DevicePrincipal, visit: Visit, services: ConsoleServices, *, key: UUID, uid: str
) -> None:
    once = RequestKey(str(key), digest(request.method, request.url.path, f"{visit.person_id} {uid.strip()}".encode()))
    now = services.now()
    _, reader = kiosk_cookies.read_device(request)
    number = to_uid(uid, reader)
    with services.database.begin() as session:

        def write() -> Issued:
            made = reissue(services.accounts, session, visit.person_id, number, by=kiosk.actor, now=now)
            return Issued(card_id=made.id)

        once.answer(session, Issued, write, scope=kiosk.actor, now=now)


def _render_offer(
    request: Request,
    kiosk: DevicePrincipal,
    visit: Visit,
    services: ConsoleServices,
    *,
    refusal: ProblemError | None = None,
) -> HTMLResponse:
    with services.database.read() as session:
        dispenser = sightings.find_dispenser(session, kiosk.device_id)
        unready = None if dispenser is None else sightings.find_unreadiness(session, dispenser.id, services.now())
    return render_screen(
        request,
        services,
        "kiosk/reissue.html",
        visit=visit,
        status=200 if refusal is None else refusal.status,
        problem=None if refusal is None else f"problem.{refusal.code}",
        key=new_id(),
        has_dispenser=dispenser is not None,
        unready=unready,
        **describe_holder(services, visit),
    )
