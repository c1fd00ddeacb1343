"""Security of one's own: limits, passwords, the PIN, the phone number, and where one is signed in."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import own_phone, passwords, people
from accounts.own_limits import change_own_limits
from accounts.own_passwords import change_own_password
from accounts.payments import limits
from accounts.payments.limits import Limits
from accounts.people import sign_ins
from accounts.principals import Principal
from accounts.vocabulary import PasswordPurpose
from console.amounts import AmountError, read_yuan
from console.dependencies import HASHING, HolderDep, ServicesDep
from console.passwords import explain_password_problem
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from directory.people import has_pin, set_pin
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/security", include_in_schema=False, dependencies=[Depends(forbid_storing)])

Typed = Annotated[str, Form(max_length=128)]
Digits = Literal[PasswordPurpose.QUERY, PasswordPurpose.CONSUMPTION]


@dataclass(frozen=True, slots=True)
class _Refused:
    """What a form was refused for: the form, the key of the words, and what was typed that is no secret."""

    form: str
    problem: str
    typed: dict[str, str]


@router.get("", response_class=HTMLResponse)
def security_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show what protects one's account."""
    return _render(request, services, me)


@router.post("/limits", name="security_limits", dependencies=[HASHING])
def change_limits(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    meal: Typed,
    day: Typed,
    consumption_password: Typed,
) -> Response:
    """Change what is paid without the consumption password."""
    typed = {"meal": meal, "day": day}
    try:
        wanted = Limits(read_yuan(meal, least=0), read_yuan(day, least=0))
        change_own_limits(services.money, me, wanted, consumption_password, now=services.now())
    except AmountError as error:
        return _render(request, services, me, refused=_Refused("limits", error.words, typed), status=422)
    except ProblemError as error:
        problem = explain_password_problem(error, PasswordPurpose.CONSUMPTION)
        return _render(request, services, me, refused=_Refused("limits", problem, typed), status=error.status)
    return done(request, "security_page", "limits_changed")


@router.post("/passwords/{purpose}", name="security_password", dependencies=[HASHING])
def change_digits(
    request: Request,
    purpose: Digits,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    current: Typed,
    new: Typed,
    repeated: Typed,
) -> Response:
    """Change the query or the consumption password."""
    if new != repeated:
        refused = _Refused(purpose.value, "password_page.differs", {})
        return _render(request, services, me, refused=refused, status=422)
    try:
        change_own_password(services.accounts, me, purpose, current=current, new=new, now=services.now())
    except ProblemError as error:
        refused = _Refused(purpose.value, explain_password_problem(error, purpose), {})
        return _render(request, services, me, refused=refused, status=error.status)
    return done(request, "security_page", f"{purpose.value}_password_changed")


@router.post("/pin", name="security_pin")
def change_pin(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    pin: Typed = "",
    repeated: Typed = "",
    remove: Annotated[bool, Form()] = False,
) -> Response:
    """Choose the PIN for gates, or take it away."""
    if pin != repeated and not remove:
        refused = _Refused("pin", "me_security.pins_differ", {})
        return _render(request, services, me, refused=refused, status=422)
    try:
        with services.database.begin() as session:
            key = services.directory.credential_key
            wanted = None if remove else pin
            set_pin(session, me.person_id, wanted, credential_key=key, by=me.actor, now=services.now())
    except ProblemError as error:
        refused = _Refused("pin", f"problem.{error.code}", {})
        return _render(request, services, me, refused=refused, status=error.status)
    return done(request, "security_page", "pin_removed" if remove else "pin_changed")


@router.post("/phone", name="security_phone")
def send_phone_code(
    request: Request, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep, phone: Typed
) -> Response:
    """Send a code to a phone number."""
    try:
        own_phone.send_code(services.accounts, me, phone, now=services.now())
    except ProblemError as error:
        refused = _Refused("phone", f"problem.{error.code}", {"phone": phone})
        return _render(request, services, me, refused=refused, status=error.status)
    return _render(request, services, me, code_sent_to=phone)


@router.post("/phone/confirm", name="security_phone_confirm")
def confirm_phone(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    code: Typed,
    phone: Typed = "",
) -> Response:
    """Confirm the number with the code that arrived there."""
    try:
        own_phone.confirm(services.accounts, me, code.strip(), now=services.now())
    except ProblemError as error:
        refused = _Refused("phone_code", f"problem.{error.code}", {})
        return _render(request, services, me, refused=refused, code_sent_to=phone, status=error.status)
    return done(request, "security_page", "phone_confirmed")


@router.post("/sign-ins/end", name="security_end_sign_ins")
def end_other_sign_ins(request: Request, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> Response:
    """End every sign-in but this one."""
    with services.database.begin() as session:
        sign_ins.end_all(session, me.person_id, but=me.sign_in_id, now=services.now())
    return done(request, "security_page", "sign_ins_ended")


def _render(
    request: Request, services: ConsoleServices, me: Principal, *, refused: _Refused | None = None, **more: Any
) -> HTMLResponse:
    with services.database.read() as session:
        return render_page(
            request,
            "mine/security.html",
            person=people.get(session, me.person_id),
            limits=limits.of_person(session, me.person_id, services.money.default_limits),
            must_change=passwords.find_all(session, me.person_id),
            has_pin=has_pin(session, me.person_id),
            can_send_codes=services.accounts.code_sender is not None,
            sign_ins=sign_ins.find_running(session, me.person_id, now=services.now()),
            mine=me.sign_in_id,
            refused=refused,
            **more,
        )
