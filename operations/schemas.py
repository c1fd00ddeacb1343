"""What staff ask for and what they are answered, as JSON: the same at the API and on the pages."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from operations.order_service import OrderTarget
from operations.orders import OrderAction, OrderState
from operations.tables import StaffOrder
from web import tickets
from web.text import Slug, line
from web.tickets import Ticket

TicketAction = Literal[
    "open", "hold", "lock", "lockdown", "release", "evacuate", "confirm", "forgive", "gate", "pass", "supply"
]


class TicketIn(BaseModel):
    """What the ticket is for."""

    model_config = ConfigDict(extra="forbid")

    action: TicketAction = Field(
        description="an order's action; `confirm` another person's order; `forgive` passages; change or remove "
        "a `gate` or give it a rule; issue or end a `pass`; on the pages, cut off or arm a room's `supply`"
    )


class TicketOut(BaseModel):
    """A ticket. Send it as the header `Door-Ticket` of one request, at once."""

    ticket: str
    action: str
    issued_at: datetime = Field(description="by the server's clock")
    lives_ms: int = Field(description="from `issued_at` on; no clock of the client's is asked")

    @classmethod
    def of(cls, ticket: Ticket) -> "TicketOut":
        """Show `ticket`."""
        lives_ms = round(tickets.LIFE.total_seconds() * 1000)
        return cls(ticket=ticket.token, action=ticket.action, issued_at=ticket.issued_at, lives_ms=lives_ms)


class OrderIn(BaseModel):
    """What is to be done, and where: at `gates`, at every gate of `zone`, or everywhere."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["open", "hold", "lock", "lockdown", "release", "evacuate"] = Field(
        description="`open` once; `hold` open; `lock` (the way out stays free); `lockdown`; `release` ends all three; "
        "`evacuate` holds every door open, also those in lockdown"
    )
    gates: list[Slug] = Field(default_factory=list, max_length=500)
    zone: Slug | None = None
    everywhere: bool = False
    note: Annotated[str, line(200)] | None = None

    @property
    def order_action(self) -> OrderAction:
        """The order asked for."""
        return OrderAction(self.action)

    @property
    def target(self) -> OrderTarget:
        """The gates it is for."""
        return OrderTarget(self.gates, self.zone, self.everywhere)


class GateEffect(BaseModel):
    """What the order did at one gate."""

    gate: str
    effect: str
    detail: str | None = None
    command: UUID | None = Field(default=None, description="what was sent; the `command_id` of the gate's events")


class OrderOut(BaseModel):
    """An order and what became of it."""

    id: UUID
    action: str
    gates: list[str]
    note: str
    state: OrderState
    asked_by: UUID
    asked_at: datetime
    confirmed_by: UUID | None
    carried_out_at: datetime | None
    results: list[GateEffect]

    @classmethod
    def of(cls, order: StaffOrder) -> "OrderOut":
        """Show `order`."""
        return cls.model_validate(order, from_attributes=True)


class AcknowledgementIn(BaseModel):
    """What the person who looks after it wants to say."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, line(200, min_length=0)] = ""


class TogetherIn(AcknowledgementIn):
    """The alarms that one person looks after together."""

    ids: list[UUID] = Field(min_length=1, max_length=500)
