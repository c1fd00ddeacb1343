"""The bodies of the payments' API."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from accounts.cards import virtual_code
from accounts.cards.identity import Presented
from accounts.defaults import HIGHEST_LIMIT
from accounts.payments.holds import HoldState
from accounts.payments.offline_states import Flag, OfflineState
from web.text import line
from web.times import Moment

Fen = Annotated[int, Field(gt=0, le=10_000_000, description="fen; at most 100,000 yuan")]
Uid = Annotated[
    str, line(40), Field(description="3, 4, 5, 7, 8 or 10 bytes in hexadecimal", examples=["04A1B2C3D4E580"])
]
Code = Annotated[
    str,
    Field(
        pattern=rf"^[0-9]{{16,24}}$|^{virtual_code.PREFIX}[0-9]{{{virtual_code.SIGNED_LENGTH - 2}}}$",
        description="the digits that were scanned; a virtual card's signed code begins with its payment code",
    ),
    AfterValidator(virtual_code.payment_code_of),
]
Pin = Annotated[str, Field(min_length=1, max_length=128, description="the consumption password")]


class CardShown(BaseModel):
    """A physical card as a reader reports it."""

    model_config = ConfigDict(extra="forbid")

    uid: Uid
    proved_key: int | None = Field(default=None, ge=0, le=255, description="the issuer key the card proved")

    def presented(self) -> Presented:
        """Return it as a credential."""
        return Presented(uid=self.uid, proved_key=self.proved_key)


class PaymentIn(BaseModel):
    """A payment. Send the same body again when the answer was lost."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="made by the terminal; makes repeating safe")
    amount: Fen
    card: CardShown | None = None
    code: Code | None = None
    consumption_password: Pin | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> "PaymentIn":
        if (self.card is None) == (self.code is None):
            raise ValueError("give a card or a code, one of them")
        return self

    def presented(self) -> Presented:
        """Return what was shown as a credential."""
        return Presented(code=self.code) if self.card is None else self.card.presented()


class HoldIn(PaymentIn):
    """Money to be reserved. Send the same body again when the answer was lost."""

    seconds: int = Field(ge=30, le=86_400, description="after which the money is free again by itself")


class TakeIn(BaseModel):
    """What a hold has come to."""

    model_config = ConfigDict(extra="forbid")

    amount: Fen


class ExtendIn(BaseModel):
    """What a hold shall be in all; it never becomes smaller or ends earlier. The same body again changes nothing."""

    model_config = ConfigDict(extra="forbid")

    amount: Fen
    seconds: int = Field(ge=30, le=86_400, description="from now on, after which the money is free again by itself")


class SettleIn(BaseModel):
    """What a hold was made for came to in all, however much that is and however late. Again takes only what is more."""

    model_config = ConfigDict(extra="forbid")

    amount: int = Field(ge=0, le=10_000_000, description="fen, also what was taken before")
    at: Moment = Field(description="when it was used")


class HeldOut(BaseModel):
    """A hold as it stands. `taken` is what was posted of it, and `payment_id` the line that did.

    `late` is what was charged beyond it or after it; `extended_by` is the hold in the place of an extended one.
    """

    id: UUID
    state: HoldState
    amount: int
    expires_at: datetime
    person_id: UUID
    taken: int | None = None
    payment_id: UUID | None = None
    late: int = 0
    extended_by: UUID | None = None


class PaymentOut(BaseModel):
    """A payment as it stands. `balance` is the wallet's right after it; third-party payments have none."""

    id: UUID
    state: Literal["paid", "pending", "refused", "cancelled", "reversed"]
    amount: int
    channel: str = Field(description="`wallet`, or the third party's name")
    person_id: UUID | None = None
    name: str | None = None
    balance: int | None = None
    at: datetime
    reason: str | None = None


class RefundIn(BaseModel):
    """Money to give back."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="made by the terminal; makes repeating safe")
    amount: Fen | None = Field(default=None, description="all that is left of the payment where it is not given")


class CorrectionOut(BaseModel):
    """Money that went back: a refund, or a reversal. `cancelled`: the payment had not arrived and never will."""

    id: UUID
    payment_id: UUID
    state: Literal["paid", "pending", "refused", "cancelled", "reversed"]
    amount: int


class CounterRefundIn(BaseModel):
    """A payment to be given back at the counter, and why; the same id again gives it back once."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    amount: Fen
    reason: Annotated[str, line(200)]


class OfflineItemIn(BaseModel):
    """A payment taken while the server was out of reach."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    amount: Fen
    card: CardShown
    at: Moment = Field(description="the terminal's own time of the payment")


class OfflineBatchIn(BaseModel):
    """What a terminal kept, in its order."""

    model_config = ConfigDict(extra="forbid")

    items: list[OfflineItemIn] = Field(min_length=1, max_length=500)


class DecisionIn(BaseModel):
    """What a person decides about what waits."""

    model_config = ConfigDict(extra="forbid")

    accept: bool


class OfflineResultOut(BaseModel):
    """What became of one of them."""

    id: UUID
    state: OfflineState
    flags: list[Flag]


class LimitsOut(BaseModel):
    """Spending limits in fen."""

    meal: int
    day: int


class LimitsIn(BaseModel):
    """New limits, which the holder types at a terminal."""

    model_config = ConfigDict(extra="forbid")

    card: CardShown
    consumption_password: Pin
    meal: int = Field(ge=0, le=HIGHEST_LIMIT)
    day: int = Field(ge=0, le=HIGHEST_LIMIT)


class MyLimitsIn(BaseModel):
    """New limits, which the holder types in the app."""

    model_config = ConfigDict(extra="forbid")

    consumption_password: Pin
    meal: int = Field(ge=0, le=HIGHEST_LIMIT)
    day: int = Field(ge=0, le=HIGHEST_LIMIT)


class HoldOut(BaseModel):
    """Money reserved, by a shower for example."""

    id: UUID
    amount: int
    expires_at: datetime


class WalletOut(BaseModel):
    """A wallet, in fen. `available` is the balance less what is held."""

    balance: int
    available: int
    state: str
    holds: list[HoldOut]
    limits: LimitsOut


class StatementLineOut(BaseModel):
    """One line of a statement: `amount` in (positive) or out (negative), `balance` after it."""

    id: UUID
    at: datetime
    purpose: str
    amount: int
    balance: int
    corrects: UUID | None
