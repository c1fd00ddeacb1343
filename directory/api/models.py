"""For administrators: which face models the campus and each gate match with, and how far a change has come."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, AdminDep, NowDep
from directory import gate_models, gates, model_progress
from directory.api.dependencies import GateName, ServicesDep
from directory.api.gates import TICKET
from web import tickets
from web.problems import NotFoundError, responses
from web.tickets import TicketDep

router = APIRouter(prefix="/api/v1/directory", tags=["face models"])


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True, protected_namespaces=())


class ModelCoverageOut(_Out):
    """The people whom a model recognises and no model before it does."""

    model_id: str
    people: int
    with_picture: int = Field(description="of those, whose other templates can be made from a kept picture")


class CoverageOut(_Out):
    """Everybody whose account is not closed, each counted once."""

    people: int
    models: list[ModelCoverageOut]
    without: int = Field(description="people without a template of any of the models")


class MatchedPeopleOut(_Out):
    """How many people a gate matches by a model."""

    model_id: str
    people: int
    changed_at: datetime


class EdgeAbilityOut(_Out):
    """What an edge can run."""

    device_id: UUID
    name: str
    models: list[str] | None = Field(description="null: it did not say, so it runs one")
    said_at: datetime | None


class GateProgressOut(_Out):
    """One gate that asks for faces."""

    gate: str
    title: str
    model_id: str | None = Field(description="the model that it should match with")
    is_own_choice: bool = Field(description="chosen for this gate; otherwise it is the campus's")
    is_done: bool = Field(description="everybody with a face here is matched by that model")
    matched: list[MatchedPeopleOut]
    edges: list[EdgeAbilityOut]
    missing: list[str] = Field(description="models that people need and that an edge of this gate cannot run")


class ProgressOut(_Out):
    """How far the campus has come."""

    models: list[str] = Field(description="those that the campus uses, the one it moves to or stays with first")
    forgettable: list[str] = Field(description="models whose templates nobody needs any more")
    people: CoverageOut
    gates: list[GateProgressOut]


class GateModelIn(BaseModel):
    """A face model, or null for the campus's."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model_id: str | None = Field(max_length=255)


class GateModelOut(_Out):
    """What was chosen."""

    gate: str
    model_id: str | None


@router.get("/face-models", responses=responses(*ROLE_ERRORS))
def show_progress(_admin: AdminDep, services: ServicesDep) -> ProgressOut:
    """Show people by face model, and what each gate matches with."""
    with services.database.read() as session:
        return ProgressOut.model_validate(model_progress.find_progress(session))


@router.put(
    "/gates/{gate}/face-model",
    responses=responses(*ROLE_ERRORS, *tickets.ERRORS, NotFoundError, gate_models.UnknownFaceModelError),
)
def set_model(
    gate: GateName, admin: AdminDep, services: ServicesDep, now: NowDep, *, ticket: TicketDep, body: GateModelIn
) -> GateModelOut:
    """Choose the face model of a gate, or take back the choice. With a ticket for `gate`.

    Whoever has no template of it is still matched by another model of the campus.
    """
    with services.database.begin() as session:
        ticket.redeem(admin.person_id, TICKET)
        record = gates.get(session, gate, for_change=True)
        gate_models.set_model(session, record, body.model_id, by=admin.actor, now=now)
        return GateModelOut(gate=gate, model_id=record.model_id)
