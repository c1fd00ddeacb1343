"""The start of a kiosk, the two ways to become known there, and what the holder may then do."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import cards, people
from accounts.cards import identity, loss, virtual_code
from accounts.cards.identity import Presented
from accounts.cards.uid_forms import to_uid
from accounts.kiosk_holders import identify_holder
from accounts.ledger import find_account
from console import kiosk_cookies
from console.dependencies import HASHING, KioskDep, ServicesDep
from console.kiosk_cookies import Means, Visit
from console.pages.kiosk.screens import VisitDep, begin_visit, go_on, lead_on, mask, render_screen
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from web.problems import ProblemError

router = APIRouter(prefix="/console/kiosk", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_TOLD_S = 20


@router.get("", response_class=HTMLResponse, name="kiosk_page")
def show(request: Request, kiosk: KioskDep, services: ServicesDep) -> HTMLResponse:
    """Show the start; whoever stood there before is forgotten."""
    answer = render_screen(request, services, "kiosk/start.html", problem=None, kiosk=kiosk)
    # The token's cookie is kept for as long as browsers allow from now on.
    token, reader = kiosk_cookies.read_device(request)
    kiosk_cookies.set_device(answer, token, reader, secure=services.secure_cookies)
    return answer


@router.post("/card", name="kiosk_card")
def identify_by_card(
    _same_origin: SameOriginDep,
    request: Request,
    kiosk: KioskDep,
    services: ServicesDep,
    credential: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """Begin a visit by a card or a virtual card's code; a lost card is known too, its money is its holder's."""
    typed = virtual_code.payment_code_of(credential.strip())
    is_code = typed.isascii() and typed.isdigit() and len(typed) == virtual_code.LENGTH
    _, reader = kiosk_cookies.read_device(request)
    try:
        presented = Presented(code=typed) if is_code else Presented(uid=to_uid(typed, reader))
        opened = services.database.begin if is_code else services.database.read
        with opened() as session:
            holder = identity.find(session, presented, services.accounts.code_key, now=services.now())
            person_id = holder.person.id
    except ProblemError as error:
        problem = f"problem.{error.code}" if is_code else "kiosk.card_unknown"
        # What was wrong with one person's card is not for the next to read.
        return render_screen(
            request,
            services,
            "kiosk/start.html",
            status=error.status,
            problem=problem,
            kiosk=kiosk,
            is_form=True,
            idle_s=_TOLD_S,
            warned_s=0,
        )
    return lead_on(request, services, "kiosk_menu_page", begin_visit(services, kiosk, person_id, Means.CARD))


@router.get("/number", response_class=HTMLResponse, name="kiosk_number_page")
def ask_number(request: Request, _kiosk: KioskDep, services: ServicesDep) -> HTMLResponse:
    """Ask for number and query password."""
    return render_screen(request, services, "kiosk/number.html", problem=None, number="", is_form=True)


@router.post("/number", dependencies=[HASHING], name="kiosk_number")
def identify_by_number(
    _same_origin: SameOriginDep,
    request: Request,
    kiosk: KioskDep,
    services: ServicesDep,
    number: Annotated[str, Form(max_length=32)] = "",
    query_password: Annotated[str, Form(max_length=128)] = "",
) -> Response:
    """Begin a visit by number and query password."""
    try:
        person_id = identify_holder(services.accounts, kiosk, number, query_password, services.now())
    except ProblemError as error:
        return render_screen(
            request,
            services,
            "kiosk/number.html",
            problem=f"problem.{error.code}",
            number=number,
            is_form=True,
            status=422,
        )
    return lead_on(request, services, "kiosk_menu_page", begin_visit(services, kiosk, person_id, Means.NUMBER))


@router.get("/menu", response_class=HTMLResponse, name="kiosk_menu_page")
def menu(request: Request, visit: VisitDep, services: ServicesDep) -> HTMLResponse:
    """Show what can be done: top up for a card; balance, loss and a new card too for who gave the password."""
    return render_screen(request, services, "kiosk/menu.html", visit=visit, **describe_holder(services, visit))


@router.post("/stay", status_code=204, name="kiosk_stay")
def stay(_same_origin: SameOriginDep, visit: VisitDep, services: ServicesDep) -> Response:
    """Let the visit go on: somebody touches the screen without sending anything."""
    return go_on(services, Response(status_code=204), visit)


def describe_holder(services: ConsoleServices, visit: Visit) -> dict[str, Any]:
    """Return what the screen may show: a masked name, and money and cards to who gave the password."""
    with services.database.read() as session:
        person = people.get(session, visit.person_id)
        found: dict[str, Any] = {
            "name": mask(person.name),
            "standing": people.standing(person, services.now()),
            "is_known": visit.means is Means.NUMBER,
            "has_channels": bool(services.money.channels),
            "has_library": services.fines is not None,
        }
        if visit.means is not Means.NUMBER:
            return found
        report = loss.open_loss(session, person.id)
        wallet = find_account(session, person.id)
        lost = None if report is None else loss.describe(report)
        return found | {
            "balance": 0 if wallet is None else wallet.balance,
            "available": 0 if wallet is None else wallet.available,
            "loss": lost,
            "may_reissue": lost is not None and services.now() >= lost.reissue_possible_at,
            "has_card": any(one.kind.value == "physical" for one in cards.of_person(session, person.id)),
        }
