"""What a consumption terminal does beside payments: a card's first tap, the consumption password."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from accounts import cards, passwords, people
from accounts.api.dependencies import DEVICE_ERRORS, HASHING, NowDep, ServicesDep, TerminalDep
from accounts.api.identify import CREDENTIAL_ERRORS, CredentialIn, IdentityOut
from accounts.api.me import PASSWORD_ERRORS
from accounts.api.sign_in import Secret
from accounts.cards import identity
from accounts.cards.identity import Trust
from accounts.passwords import Claimant
from accounts.sign_in.service import change_password
from accounts.vocabulary import PasswordPurpose
from web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["terminal"])


class FirstTapOut(IdentityOut):
    """The identity to be checked by its holder; `first`: this was the card's first tap."""

    first: bool


class ConsumptionPasswordIn(BaseModel):
    """A new consumption password, on the terminal's keypad."""

    model_config = ConfigDict(extra="forbid")

    card: CredentialIn
    current: Secret
    new: Secret


@router.post(
    "/terminal/first-tap",
    responses=responses(*DEVICE_ERRORS, *CREDENTIAL_ERRORS, people.AccountNotUsableError),
)
def first_tap(terminal: TerminalDep, services: ServicesDep, now: NowDep, body: CredentialIn) -> FirstTapOut:
    """Show a new card's identity, for its holder to check, and note that it was checked."""
    with services.database.begin() as session:
        holder = identity.find(session, body.presented(), services.code_key, now=now)
        cards.require_usable(holder.card)
        people.require_usable(holder.person, now)
        first = cards.first_tap(session, holder.card, by=terminal.actor, now=now)
        shown = identity.shown_to(terminal.role, holder, now=now)
    return FirstTapOut(**IdentityOut.model_validate(shown, from_attributes=True).model_dump(), first=first)


@router.put(
    "/terminal/consumption-password",
    dependencies=[HASHING],
    status_code=204,
    responses=responses(
        *DEVICE_ERRORS,
        *CREDENTIAL_ERRORS,
        *PASSWORD_ERRORS,
        cards.CardKeyRequiredError,
        passwords.WeakPasswordError,
        people.AccountNotUsableError,
    ),
)
def change_consumption_password(
    terminal: TerminalDep, services: ServicesDep, now: NowDep, body: ConsumptionPasswordIn
) -> None:
    """Change the consumption password at a terminal: card or code, the present password, the new one."""
    with services.database.begin() as session:
        holder = identity.find(session, body.card.presented(), services.code_key, now=now)
    if holder.trust is not Trust.CODE:
        cards.require_key(holder.card, body.card.proved_key)
    cards.require_usable(holder.card)
    people.require_usable(holder.person, now)
    purpose = PasswordPurpose.CONSUMPTION
    source = f"card {holder.card.id}"
    services.passwords.require(Claimant.known(holder.person.id), purpose, body.current, source=source, now=now)
    passwords.require_strong(purpose, body.new, current=body.current, number=holder.person.number)
    hashed = services.hasher.hash(body.new)
    with services.database.begin() as session:
        change_password(session, holder.person, purpose, hashed, by=terminal.actor, now=now)
