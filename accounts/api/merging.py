"""Two accounts of one person: what merging them would move and what stands in the way, and merging them."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import merging
from accounts.api.dependencies import OVER_ERRORS, ROLE_ERRORS, AdminDep, NowDep, ServicesDep
from accounts.api.disclosures import record_disclosure
from accounts.people.merge_parts import Foreseen, MergeMove, MergeObstacle
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["people"])

_READS = record_disclosure("person.read", "person:{person_id}")


class MergeIn(BaseModel):
    """The other account of the same person."""

    model_config = ConfigDict(extra="forbid")

    gone_id: UUID = Field(description="the account that is closed; what belongs to it moves")


class MergeOut(BaseModel):
    """What a merge moves, and what stands in its way."""

    obstacles: list[MergeObstacle]
    moves: dict[MergeMove, int] = Field(description="numbers by what becomes of them; `money` in fen")

    @classmethod
    def of(cls, foreseen: Foreseen) -> "MergeOut":
        """Show `foreseen`."""
        return cls(obstacles=sorted(foreseen.obstacles), moves=dict(foreseen.moves))


@router.get("/people/{person_id}/merge", dependencies=[_READS], responses=responses(*ROLE_ERRORS, NotFoundError))
def foresee_merge(_admin: AdminDep, services: ServicesDep, now: NowDep, person_id: UUID, gone_id: UUID) -> MergeOut:
    """Say what merging the account `gone_id` into this one would move, and what stands in the way; changes nothing."""
    with services.database.read() as session:
        return MergeOut.of(merging.foresee(session, person_id, gone_id, services.merge_parts, now=now))


@router.post(
    "/people/{person_id}/merge",
    dependencies=[_READS],
    responses=responses(*OVER_ERRORS, NotFoundError, merging.MergeRefusedError),
)
def merge_accounts(admin: AdminDep, services: ServicesDep, now: NowDep, person_id: UUID, body: MergeIn) -> MergeOut:
    """Merge the account `gone_id` into this one, for good. Sign-ins of both end; they are told."""
    with services.database.begin() as session:
        moved = merging.merge(
            session, admin, person_id, body.gone_id, services.merge_parts, notify=services.notify, now=now
        )
        return MergeOut.of(moved)
