"""The audit trail, for the administration."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from accounts import audit
from accounts.api.dependencies import ROLE_ERRORS, AdminDep, DatabaseDep
from accounts.api.disclosures import record_disclosure
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import responses
from web.text import line

router = APIRouter(prefix="/api/v1", tags=["audit"])


class AuditFilter(BaseModel):
    """Which lines are listed."""

    actor: Annotated[str, line(80)] | None = Field(default=None, description="`person:<id>`, `device:<id>`, `system`")
    action: Annotated[str, line(40)] | None = None
    subject: Annotated[str, line(80)] | None = Field(default=None, description="`<kind>:<id>`, such as `card:…`")


class AuditLine(BaseModel):
    """A line of the trail: ids and words, no names, numbers or secrets."""

    serial: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    digest: str


@router.get(
    "/audit",
    dependencies=[record_disclosure("audit.read", "audit:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_audit(
    _admin: AdminDep, database: DatabaseDep, page: PageDep, wanted: Annotated[AuditFilter, Query()]
) -> Page[AuditLine]:
    """List the trail, newest first."""
    with database.read() as session:
        found = audit.find(session, before=page.after(int), limit=page.limit + 1, **wanted.model_dump())
        rows, following = page.cut(found, lambda entry: entry.serial)
        items = [
            AuditLine(
                serial=entry.serial,
                at=entry.at,
                actor=entry.actor,
                action=entry.action,
                subject=entry.subject,
                details=json.loads(entry.details),
                digest=entry.digest.hex(),
            )
            for entry in rows
        ]
        return Page(items=items, next=following)
