"""Paying for a room: chosen from lists and seen first, then paid once; and what tops one's own room up by itself."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from console.dependencies import HASHING, HolderDep, ServicesDep
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from metering import room_payments
from metering.billing.automatic import Agreement
from metering.billing.top_up import LEAST, MOST
from metering.room_payments import QuotedPayment, RoomTopUpOut
from metering.rooms import registry
from web.idempotency import OnceDep

router = APIRouter(prefix="/console/me/usage", include_in_schema=False, dependencies=[Depends(forbid_storing)])

Fen = Annotated[int, Field(ge=LEAST, le=MOST)]
Secret = Annotated[str, Field(min_length=1, max_length=128)]

_MOST_ROOMS = 5_000


class PaymentIn(BaseModel):
    """A payment for the room that `quote` names."""

    model_config = ConfigDict(extra="forbid")

    fen: Fen
    quote: Annotated[str, Field(min_length=1, max_length=100)]
    consumption_password: Secret | None = None


class AgreementIn(BaseModel):
    """What a resident agrees to, with their consumption password."""

    model_config = ConfigDict(extra="forbid")

    below_fen: Annotated[int, Field(ge=0, le=MOST)]
    fen: Fen
    month_limit_fen: Annotated[int, Field(ge=LEAST, le=10 * MOST)]
    consumption_password: Secret


@router.get("/buildings", name="usage_buildings")
def buildings(_me: HolderDep, services: ServicesDep) -> list[dict[str, Any]]:
    """Return the buildings, to choose one."""
    with services.database.read() as session:
        return [{"id": str(one.id), "name": one.name} for one in registry.find_buildings(session)]


@router.get("/buildings/{building_id}/rooms", name="usage_rooms")
def rooms(building_id: UUID, _me: HolderDep, services: ServicesDep) -> list[dict[str, Any]]:
    """Return a building's rooms that are in use, to choose one."""
    with services.database.read() as session:
        found = registry.find_rooms(session, building_id, limit=_MOST_ROOMS)
        return [{"id": str(one.id), "number": one.number} for one in found if one.closed_at is None]


@router.get("/rooms/{room_id}/preview", name="usage_room_preview")
def preview(room_id: UUID, me: HolderDep, services: ServicesDep) -> dict[str, Any]:
    """Return whom a room is: building, number, residents' initials, and what a payment quotes."""
    label, quote = room_payments.preview(services.metering, me, room_id, services.now())
    return {
        "room_id": str(room_id),
        "building": label.building,
        "number": label.number,
        "residents": list(label.residents),
        "quote": quote,
    }


@router.post("/rooms/{room_id}/top-ups", dependencies=[HASHING], name="usage_room_top_up")
def pay(
    room_id: UUID, body: PaymentIn, me: HolderDep, services: ServicesDep, once: OnceDep, _same_origin: SameOriginDep
) -> RoomTopUpOut:
    """Pay for a room from one's own wallet; the same request again is the same payment."""
    wanted = QuotedPayment(room_id, body.fen, body.quote, body.consumption_password)
    return room_payments.pay(services.metering, me, wanted, once, services.now())


@router.put("/automatic-top-up", status_code=204, dependencies=[HASHING], name="usage_automatic")
def agree(body: AgreementIn, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> None:
    """Agree that one's room is topped up by itself."""
    agreement = Agreement(body.below_fen, body.fen, body.month_limit_fen)
    room_payments.agree_to_automatic(services.metering, me, agreement, body.consumption_password, services.now())


@router.delete("/automatic-top-up", status_code=204, name="usage_automatic_revoke")
def revoke(me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> None:
    """Revoke it; nothing is paid by it from now on."""
    room_payments.revoke_automatic(services.metering, me, services.now())
