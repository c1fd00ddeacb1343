"""The holder's side: wallet, statement, and limits changed at a terminal."""

from fastapi import APIRouter

from accounts import cards, people
from accounts.api.dependencies import DEVICE_ERRORS, HASHING, PERSON_ERRORS, NowDep, PrincipalDep, TerminalDep
from accounts.api.money import MoneyDep
from accounts.api.payments.bodies import HoldOut, LimitsIn, LimitsOut, MyLimitsIn, StatementLineOut, WalletOut
from accounts.api.payments.payments import CREDENTIAL_ERRORS, PASSWORD_ERRORS
from accounts.cards import identity
from accounts.ledger import chart
from accounts.ledger.statement import open_holds, statement
from accounts.own_limits import change_own_limits
from accounts.payments import limits, wallet
from accounts.payments.limits import Limits
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["wallet"])


@router.put(
    "/terminal/limits",
    responses=responses(*DEVICE_ERRORS, *CREDENTIAL_ERRORS, *PASSWORD_ERRORS, NotFoundError, limits.InvalidLimitsError),
)
def change_limits(services: MoneyDep, device: TerminalDep, now: NowDep, body: LimitsIn) -> LimitsOut:
    """Change the holder's limits at a terminal, with card and consumption password."""
    wanted = Limits(body.meal, body.day)
    with services.database.read() as session:
        holder = identity.find(session, body.card.presented(), services.accounts.code_key, now=now)
        cards.require_usable(holder.card)
        cards.require_key(holder.card, body.card.proved_key)
        people.require_usable(holder.person, now)
        person_id, card_id = holder.person.id, holder.card.id
    wallet.check_password(services, person_id, card_id, body.consumption_password, now=now)
    with services.database.begin() as session:
        limits.change(session, person_id, wanted, by=device.actor, now=now)
    return LimitsOut(meal=wanted.meal, day=wanted.day)


@router.put(
    "/me/limits",
    dependencies=[HASHING],
    responses=responses(*PERSON_ERRORS, *PASSWORD_ERRORS, limits.InvalidLimitsError),
)
def change_my_limits(services: MoneyDep, principal: PrincipalDep, now: NowDep, body: MyLimitsIn) -> LimitsOut:
    """Change the holder's limits in the app, with the consumption password."""
    change_own_limits(services, principal, Limits(body.meal, body.day), body.consumption_password, now=now)
    return LimitsOut(meal=body.meal, day=body.day)


@router.get("/me/wallet", responses=responses(*PERSON_ERRORS, NotFoundError))
def read_wallet(services: MoneyDep, principal: PrincipalDep) -> WalletOut:
    """Show the holder's balance, holds and limits."""
    with services.database.read() as session:
        try:
            found = chart.account(session, principal.person_id)
        except chart.AccountError as error:
            raise NotFoundError("you have no wallet") from error
        own = limits.of_person(session, principal.person_id, services.default_limits)
        return WalletOut(
            balance=found.balance,
            available=found.available,
            state=found.state.value,
            holds=[
                HoldOut(id=hold.id, amount=hold.amount, expires_at=hold.expires_at)
                for hold in open_holds(session, principal.person_id)
            ],
            limits=LimitsOut(meal=own.meal, day=own.day),
        )


@router.get("/me/statement", responses=responses(*PERSON_ERRORS, InvalidCursorError))
def read_statement(services: MoneyDep, principal: PrincipalDep, page: PageDep) -> Page[StatementLineOut]:
    """List what moved the holder's money, newest first, with the balance after each line."""
    with services.database.read() as session:
        rows = statement(session, principal.person_id, before=page.after(int), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: row.serial)
    items = [
        StatementLineOut(
            id=row.entry.id,
            at=row.entry.occurred_at,
            purpose=row.entry.purpose,
            amount=row.amount,
            balance=row.balance,
            corrects=row.entry.corrects,
        )
        for row in shown
    ]
    return Page(items=items, next=following)
