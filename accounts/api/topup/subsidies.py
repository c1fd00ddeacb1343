"""Subsidies, paid from a fund to many people at once."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, AdminDep, NowDep
from accounts.api.money import MoneyDep
from accounts.api.topup.bodies import Fen
from accounts.people.authority import OwnAccountError
from accounts.topup import subsidies
from accounts.topup.subsidies import Grant, RepeatedPersonError
from web.problems import responses
from web.text import Slug

router = APIRouter(prefix="/api/v1", tags=["card centre"])


class GrantIn(BaseModel):
    """One person of a list."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    amount: Fen


class SubsidyIn(BaseModel):
    """A list of subsidies from one fund. Send it again when the answer was lost; each person is credited once."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    fund: Slug
    grants: list[GrantIn] = Field(min_length=1, max_length=10_000)


class GrantOut(BaseModel):
    """What became of one of them."""

    person_id: UUID
    amount: int
    credited: bool
    reason: str | None


@router.post("/subsidies", responses=responses(*ROLE_ERRORS, OwnAccountError, RepeatedPersonError))
def pay_subsidies(services: MoneyDep, admin: AdminDep, now: NowDep, body: SubsidyIn) -> list[GrantOut]:
    """Credit a list of people from a fund."""
    grants = [Grant(grant.person_id, grant.amount) for grant in body.grants]
    subsidies.require_payable(admin, grants)
    results = subsidies.pay(services, body.id, body.fund, grants, by=admin.actor, now=now)
    return [
        GrantOut(person_id=one.person_id, amount=one.amount, credited=one.credited, reason=one.reason)
        for one in results
    ]
