"""Whose credential is it? Asked by devices with a token."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from accounts import cards
from accounts.api.cards import Uid
from accounts.api.dependencies import DEVICE_ERRORS, IdentifyingDep, NowDep, ServicesDep
from accounts.cards import identity, virtual_cards, virtual_code
from accounts.cards.identity import Presented, Trust
from accounts.people import Standing
from accounts.vocabulary import CardState, PersonKind
from web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["identify"])


ScannedCode = Annotated[
    str,
    Field(
        pattern=rf"^[0-9]{{18}}(?:[0-9]{{{virtual_code.SIGNED_LENGTH - virtual_code.LENGTH}}})?$",
        description="the digits that were scanned: a payment code, or a signed code, which begins with one",
    ),
    AfterValidator(virtual_code.payment_code_of),
]


class CredentialIn(BaseModel):
    """What was presented: a card's UID, or the code of a virtual card."""

    model_config = ConfigDict(extra="forbid")

    uid: Uid | None = None
    proved_key: int | None = Field(
        default=None, ge=0, le=255, description="number of the issuer key that the card proved to the reader"
    )
    code: ScannedCode | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.uid is None) == (self.code is None):
            raise ValueError("give either uid or code")
        return self

    def presented(self) -> Presented:
        """Return the credential."""
        return Presented(uid=self.uid, proved_key=self.proved_key, code=self.code)


class IdentityOut(BaseModel):
    """Whose credential it is, as far as the device's role may know; the rest is null."""

    person_id: UUID
    standing: Standing
    card_state: CardState
    trust: Trust = Field(description="`uid_only` identifies, but a UID can be copied")
    key_expected: bool = Field(description="the card has an issuer key, so `uid_only` should not be trusted")
    name: str | None
    number: str | None
    kind: PersonKind | None
    department: str | None


CREDENTIAL_ERRORS = (
    cards.UnknownCardError,
    cards.InvalidUidError,
    cards.CardNotUsableError,
    virtual_code.InvalidCodeError,
    virtual_cards.CodeUsedError,
    virtual_cards.LeaseEndedError,
)


@router.post("/identify", responses=responses(*DEVICE_ERRORS, *CREDENTIAL_ERRORS))
def identify(device: IdentifyingDep, services: ServicesDep, now: NowDep, body: CredentialIn) -> IdentityOut:
    """Say whose credential this is and whether the account is good, showing only what the device's role may see.

    A card that is lost or suspended is answered with its state, for the desk to act on; a code is used up by this.
    """
    # Only a code is used up; a card at a desk waits for no writer.
    opened = services.database.begin if body.code is not None else services.database.read
    with opened() as session:
        holder = identity.find(session, body.presented(), services.code_key, now=now)
        return IdentityOut.model_validate(identity.shown_to(device.role, holder, now=now), from_attributes=True)
