"""Routes about the money of the room one lives in, and paying for a room."""

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from accounts import passwords, people
from accounts.api.dependencies import HASHING, PERSON_ERRORS, NowDep, PrincipalDep
from accounts.payments.problems import (
    ConsumptionPasswordRequiredError,
    InsufficientFundsError,
    LedgerRefusedError,
    WalletNotUsableError,
)
from accounts.principals import Principal
from metering import room_payments
from metering.api.charge_bodies import ChargeOut
from metering.api.dependencies import MeteringDep
from metering.api.room_money_bodies import (
    AutomaticTopUpIn,
    AutomaticTopUpOut,
    RoomMoneyOut,
    RoomPreviewOut,
    RoomTopUpIn,
    TopUpLineOut,
)
from metering.billing import automatic, charges, top_up
from metering.billing.automatic import Agreement, NotResidentError
from metering.billing.credit import AHEAD, find_credit, find_days_left
from metering.billing.room_labels import RoomNotSeenError, initials
from metering.room_payments import QuotedPayment, RoomTopUpOut
from metering.rooms import registry, residents
from metering.rooms.registry import RoomClosedError
from metering.rooms.tables import Residence
from metering.services import MeteringServices
from metering.tariffs.electricity_credit import warning_level
from web import idempotency
from web.idempotency import OnceDep
from web.paging import InvalidCursorError, Page, PageDep, PageRequest
from web.problems import NotFoundError, responses
from web.rate_limits import TooManyTriesError

router = APIRouter(prefix="/api/v1", tags=["rooms"])

PASSWORD_ERRORS = (passwords.PasswordWrongError, passwords.PasswordLockedError, passwords.PasswordNotSetError)


@router.get("/me/room/money", responses=responses(*PERSON_ERRORS, NotFoundError))
def show_my_rooms_money(services: MeteringDep, me: PrincipalDep, now: NowDep) -> RoomMoneyOut:
    """Show what one's room has left, until now, for how many days, and at which price."""
    with services.database.read() as session:
        return money_of(session, services, _home(session, services, me, now).room_id, now)


@router.get("/me/room/charges", responses=responses(*PERSON_ERRORS, NotFoundError, InvalidCursorError))
def list_my_rooms_charges(services: MeteringDep, me: PrincipalDep, now: NowDep, page: PageDep) -> Page[ChargeOut]:
    """List the charges of the days that one lived in one's room, newest first, with readings and prices."""
    with services.database.read() as session:
        home = _home(session, services, me, now)
        return charges_page(session, home.room_id, page, since=home.moved_in)


@router.get("/me/room/top-ups", responses=responses(*PERSON_ERRORS, NotFoundError, InvalidCursorError))
def list_my_rooms_top_ups(services: MeteringDep, me: PrincipalDep, now: NowDep, page: PageDep) -> Page[TopUpLineOut]:
    """List who topped one's room up, newest first, by initials."""
    with services.database.read() as session:
        return top_ups_page(session, _home(session, services, me, now).room_id, page)


@router.get(
    "/rooms/{room_id}/preview",
    responses=responses(*PERSON_ERRORS, NotFoundError, RoomClosedError, TooManyTriesError),
)
def preview_room(services: MeteringDep, me: PrincipalDep, now: NowDep, room_id: UUID) -> RoomPreviewOut:
    """Show whom a room is before it is paid for: building, number, residents' initials, and what a payment quotes."""
    label, quote = room_payments.preview(services, me, room_id, now)
    return RoomPreviewOut(
        room_id=room_id,
        building=label.building,
        number=label.number,
        residents=list(label.residents),
        quote=quote,
    )


@router.post(
    "/rooms/{room_id}/top-ups",
    status_code=201,
    dependencies=[HASHING],
    responses=responses(
        *PERSON_ERRORS,
        *PASSWORD_ERRORS,
        *idempotency.ERRORS,
        people.AccountNotUsableError,
        NotFoundError,
        RoomClosedError,
        RoomNotSeenError,
        ConsumptionPasswordRequiredError,
        InsufficientFundsError,
        WalletNotUsableError,
        LedgerRefusedError,
    ),
)
def top_up_room(
    *, services: MeteringDep, me: PrincipalDep, now: NowDep, room_id: UUID, body: RoomTopUpIn, once: OnceDep
) -> RoomTopUpOut:
    """Pay for a room from one's own wallet. It counts at once; where the room was dark, its meter is armed.

    Above one's day limit, which payments to rooms have for themselves, the consumption password is needed.
    """
    wanted = QuotedPayment(room_id, body.fen, body.quote, body.consumption_password)
    return room_payments.pay(services, me, wanted, once, now)


@router.get("/me/room/automatic-top-up", responses=responses(*PERSON_ERRORS, NotFoundError))
def show_my_automatic_top_up(services: MeteringDep, me: PrincipalDep, now: NowDep) -> AutomaticTopUpOut:
    """Show what one agreed to for one's room."""
    with services.database.read() as session:
        row = automatic.find(session, _home(session, services, me, now).room_id, me.person_id)
        if row is None:
            raise NotFoundError("you agreed to no automatic top-up of this room")
        return AutomaticTopUpOut.of(row)


@router.put(
    "/me/room/automatic-top-up",
    dependencies=[HASHING],
    responses=responses(*PERSON_ERRORS, *PASSWORD_ERRORS, NotFoundError, NotResidentError),
)
def agree_to_automatic_top_up(
    services: MeteringDep, me: PrincipalDep, now: NowDep, body: AutomaticTopUpIn
) -> AutomaticTopUpOut:
    """Agree that one's room is topped up from one's wallet whenever it falls below a level, up to a limit a month."""
    agreement = Agreement(body.below_fen, body.fen, body.month_limit_fen)
    row = room_payments.agree_to_automatic(services, me, agreement, body.consumption_password, now)
    return AutomaticTopUpOut.of(row)


@router.delete("/me/room/automatic-top-up", status_code=204, responses=responses(*PERSON_ERRORS, NotFoundError))
def revoke_automatic_top_up(services: MeteringDep, me: PrincipalDep, now: NowDep) -> None:
    """Revoke what one agreed to; nothing is paid by it from now on."""
    room_payments.revoke_automatic(services, me, now)


def money_of(session: Session, services: MeteringServices, room_id: UUID, now: datetime) -> RoomMoneyOut:
    """Return what a room has left.

    Raises:
        NotFoundError: there is no such room.
    """
    beds = registry.get_room(session, room_id).beds
    found = find_credit(session, room_id, now, services.zone, ahead=AHEAD)
    return RoomMoneyOut.of(found, find_days_left(session, found, services.zone), warning_level(beds))


def charges_page(session: Session, room_id: UUID, page: PageRequest, *, since: date | None = None) -> Page[ChargeOut]:
    """Return a page of a room's charges, newest first, withdrawn ones too."""
    before = page.after(tuple[date, int])
    rows = charges.find_latest(session, room_id, since=since, before=before, limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: (row.day, row.revision))
    return Page(items=[ChargeOut.of(row) for row in shown], next=following)


def top_ups_page(session: Session, room_id: UUID, page: PageRequest) -> Page[TopUpLineOut]:
    """Return a page of a room's top-ups, newest first."""
    rows = top_up.find_of_room(session, room_id, before=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: row[0].id)
    items = [
        TopUpLineOut(
            id=row.id,
            fen=row.fen,
            paid_by=initials(name),
            is_automatic=row.by_rule is not None,
            paid_at=row.paid_at,
            refunded_fen=row.fen - top_up.left_of(session, row),
        )
        for row, name in shown
    ]
    return Page(items=items, next=following)


def _home(session: Session, services: MeteringServices, me: Principal, now: datetime) -> Residence:
    return residents.get_residence(session, me.person_id, now.astimezone(services.zone).date())
