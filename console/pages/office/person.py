"""One person: what is known, and what the office does to the account."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import password_reset, people
from accounts.ledger import chart
from accounts.people import administration
from accounts.vocabulary import PasswordPurpose, PersonState, Role
from console.dependencies import HASHING, AdminDep, CashierDep, ServicesDep, StaffDep, principal_of
from console.disclosures import record_disclosure
from console.forms import FormKey
from console.rendering import done, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.office_person import view_person
from database import new_id
from directory import gates
from operations import event_store
from web.paging import PageDep
from web.problems import ProblemError

router = APIRouter(prefix="/console/office/people", include_in_schema=False)

_READS = record_disclosure("person.read", "person:{person_id}")
Reason = Annotated[str, Form(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


@router.get("/{person_id}", response_class=HTMLResponse, name="office_person_page", dependencies=[_READS])
def show_person(request: Request, cashier: CashierDep, services: ServicesDep, person_id: UUID) -> HTMLResponse:
    """Show a person's account."""
    return _render(request, services, cashier.roles, person_id)


@router.post("/{person_id}/state", name="office_set_state", response_model=None, dependencies=[_READS])
def set_state(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    state: Annotated[PersonState, Form()],
    reason: Reason = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Suspend an account, release it, or close it for good; closing needs a tick."""
    if state is PersonState.CLOSED and not sure:
        return _render(request, services, admin.roles, person_id, problem="office.close_unsure", status=422)
    try:
        with services.database.begin() as session:
            administration.set_state(
                session,
                admin,
                person_id,
                state,
                reason=reason.strip(),
                notify=services.accounts.notify,
                now=services.now(),
            )
    except ProblemError as error:
        return _refuse(request, services, admin.roles, person_id, error)
    return done(request, "office_person_page", f"account_{state.value}", person_id=person_id)


@router.post("/{person_id}/roles", name="office_set_roles", response_model=None, dependencies=[_READS])
def set_roles(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    roles: Annotated[list[Role] | None, Form()] = None,
    shown: Annotated[str | None, Form(max_length=200)] = None,
) -> Response:
    """Give and take the roles whose ticks were changed from what was `shown`; others stay as they are now."""
    ticked = set(roles or ())
    try:
        with services.database.begin() as session:
            held = people.get(session, person_id, lock=True).roles
            before = held if shown is None else frozenset(role for role in Role if role.value in shown.split())
            wanted = (held - (before - ticked)) | (ticked - before)
            administration.set_roles(
                session, admin, person_id, wanted, notify=services.accounts.notify, now=services.now()
            )
    except ProblemError as error:
        return _refuse(request, services, admin.roles, person_id, error)
    return done(request, "office_person_page", "roles_set", person_id=person_id)


@router.post(
    "/{person_id}/passwords/{purpose}",
    name="office_reset_password",
    response_class=HTMLResponse,
    dependencies=[HASHING, _READS],
)
def reset_password(
    request: Request,
    cashier: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    purpose: PasswordPurpose,
    key: FormKey = None,
) -> HTMLResponse:
    """Set a random password and show it this once, as a slip to print."""
    now = services.now()

    def write() -> tuple[str]:
        return (password_reset.reset_password(services.accounts, cashier, person_id, purpose, now=now),)

    try:
        (password,) = services.shown_once.make(cashier.person_id, key, (person_id, purpose), write)
    except ProblemError as error:
        return _refuse(request, services, cashier.roles, person_id, error)
    with services.database.read() as session:
        person = people.get(session, person_id)
    return render_page(
        request, "office/password_slip.html", person=person, purpose=purpose.value, password=password, at=now
    )


@router.get(
    "/{person_id}/balance",
    response_class=HTMLResponse,
    name="office_balance_page",
    dependencies=[record_disclosure("wallet.read", "person:{person_id}")],
)
def show_balance(request: Request, _cashier: CashierDep, services: ServicesDep, person_id: UUID) -> HTMLResponse:
    """Show how much there is in a person's wallet: a look of its own."""
    with services.database.read() as session:
        person = people.get(session, person_id)
        wallet = chart.account(session, person_id)
    return render_page(request, "office/balance.html", person=person, wallet=wallet)


@router.get(
    "/{person_id}/passages",
    response_class=HTMLResponse,
    name="office_passages_page",
    dependencies=[record_disclosure("events.read", "person:{person_id}")],
)
def show_passages(
    request: Request,
    *,
    staff: StaffDep,
    services: ServicesDep,
    page: PageDep,
    person_id: UUID,
) -> HTMLResponse:
    """Show where a person passed last, to those who may see what happens at gates: a look of its own."""
    with services.database.read() as session:
        person = people.get(session, person_id)
        found = event_store.latest(session, before=page.after(int), limit=page.limit + 1, person_id=person_id)
        rows, following = page.cut(found, lambda one: one.sequence)
        titles = gates.find_titles(session)
    return render_page(
        request,
        "office/passages.html",
        person=person,
        passages=rows,
        titles=titles,
        cursor=following,
        may_see_person=bool(principal_of(staff).roles & {Role.CASHIER, Role.ADMIN}),
    )


def _refuse(
    request: Request, services: ConsoleServices, roles: frozenset[Role], person_id: UUID, error: ProblemError
) -> HTMLResponse:
    return _render(request, services, roles, person_id, problem=f"problem.{error.code}", status=error.status)


def _render(
    request: Request, services: ConsoleServices, roles: frozenset[Role], person_id: UUID, **more: Any
) -> HTMLResponse:
    now: datetime = services.now()
    with services.database.read() as session:
        view = view_person(session, person_id, zone=services.zone, now=now)
    return render_page(
        request,
        "office/person.html",
        view=view,
        person=view.person,
        is_admin=Role.ADMIN in roles,
        may_review=bool(roles & {Role.REVIEWER, Role.ADMIN}),
        roles=[role for role in Role if role is not Role.HOLDER],
        purposes=list(PasswordPurpose),
        new_key=new_id,
        **more,
    )
