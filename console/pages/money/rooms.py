"""Money of a room given back: a top-up to whoever paid it, or all that is left of a room that everybody has left."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from accounts import people
from accounts.people import authority
from accounts.principals import Principal
from console.amounts import AmountError, read_yuan, write_yuan
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from metering.billing import settlement, top_up
from metering.billing.credit import find_credit
from metering.billing.tables import RoomTopUp
from metering.rooms import registry
from web.idempotency import RequestKey, digest
from web.problems import NotFoundError, ProblemError
from web.text import line

router = APIRouter(
    prefix="/console/money/room-top-ups/{top_up_id}",
    include_in_schema=False,
    dependencies=[Depends(forbid_storing)],
)

_REASON: TypeAdapter[str] = TypeAdapter(Annotated[str, line(100)])
Key = Annotated[UUID, Form()]


class GivenBack(BaseModel):
    """What is kept of it, so that the same form sent again finds it."""

    fen: int


@router.get(
    "",
    dependencies=[record_disclosure("room_top_up.read", "room_top_up:{top_up_id}")],
    response_class=HTMLResponse,
    name="money_room_top_up_page",
)
def show(top_up_id: UUID, request: Request, me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show what somebody paid for a room, and what of it can go back."""
    return _render(request, me, services, top_up_id)


@router.post("/refunds", name="money_refund_room")
def refund(
    top_up_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Key,
    amount: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Give a part of it back to whoever paid, as far as the room has not used it."""
    now = services.now()
    try:
        fen, said = read_yuan(amount), _REASON.validate_python(reason)
        once = RequestKey(str(key), digest("POST", request.url.path, f"{fen} {said}".encode()))

        def work(session: Session, _: object) -> GivenBack:
            paid = _find(session, top_up_id)
            authority.require(session, me, paid.person_id)

            def give_back() -> GivenBack:
                entry = top_up.refund(session, services.money, top_up_id, fen, reason=said, by=me.actor, now=now)
                return GivenBack(fen=entry.amount)

            return once.answer(session, GivenBack, give_back, scope=me.actor, now=now)

        services.money.writer.run(work)
    except AmountError as error:
        refused, status = {"amount": error.words}, 422
    except ValidationError:
        refused, status = {"reason": "money.reason_missing"}, 422
    except NotFoundError:
        raise
    except ProblemError as error:
        refused, status = {"amount": f"problem.{error.code}"}, error.status
    else:
        return done(request, "money_room_top_up_page", "room_refunded", top_up_id=top_up_id)
    typed = {"amount": amount, "reason": reason}
    return _render(request, me, services, top_up_id, problems=refused, typed=typed, status=status)


@router.post("/credit-return", name="money_return_credit")
def return_credit(
    top_up_id: UUID,
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Key,
) -> Response:
    """Give all that is left of the room back to who paid it, once nobody lives there any more."""
    now = services.now()
    once = RequestKey(str(key), digest("POST", request.url.path, b""))

    def work(session: Session, _: object) -> GivenBack:
        room_id = _find(session, top_up_id).room_id

        def give_back() -> GivenBack:
            found = settlement.give_credit_back(session, services.money, room_id, by=me.actor, now=now)
            return GivenBack(fen=sum(one.fen for one in found))

        return once.answer(session, GivenBack, give_back, scope=me.actor, now=now)

    try:
        services.money.writer.run(work)
    except NotFoundError:
        raise
    except ProblemError as error:
        problems = {"credit": f"problem.{error.code}"}
        return _render(request, me, services, top_up_id, problems=problems, status=error.status)
    return done(request, "money_room_top_up_page", "credit_returned", top_up_id=top_up_id)


def _find(session: Session, top_up_id: UUID) -> RoomTopUp:
    found = session.get(RoomTopUp, top_up_id)
    if found is None:
        raise NotFoundError("there is no top-up with this id")
    return found


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    top_up_id: UUID,
    *,
    problems: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        paid = _find(session, top_up_id)
        left = top_up.left_of(session, paid)
        has = max(0, find_credit(session, paid.room_id, services.now(), services.zone).available)
        building, number = registry.find_names(session, [paid.room_id])[paid.room_id]
        person = people.get(session, paid.person_id)
    return render_page(
        request,
        "money/room_top_up.html",
        status=status,
        paid=paid,
        left=left,
        has=has,
        room=f"{building} {number}",
        person=person,
        keys={which: new_id() for which in ("refund", "credit")},
        problems=problems or {},
        typed=typed or {"amount": write_yuan(min(left, has)), "reason": ""},
        is_own=me.person_id == paid.person_id,
        may_refund=min(left, has) > 0,
    )
