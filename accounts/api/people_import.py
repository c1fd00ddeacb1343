"""Import of people over HTTP, for the registry's own system; `campusgate people import` does the same with a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, AdminDep, NowDep, ServicesDep
from accounts.api.disclosures import record_disclosure
from accounts.api.people import GroupName, Number
from accounts.people_import import records
from accounts.people_import.importer import Importer, RowOutcome, RowResult
from accounts.people_import.people_list import parse, without_repeats
from accounts.vocabulary import PersonKind, PersonState
from web.problems import responses
from web.text import Line, OptionalLine

router = APIRouter(prefix="/api/v1", tags=["people"])


class ImportRow(BaseModel):
    """A person as the registry gives them; what is left out stays as it is stored."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    name: Line | None = None
    kind: PersonKind | None = None
    department: OptionalLine | None = None
    groups: list[GroupName] | None = Field(default=None, max_length=100)
    valid_from: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="a date of the campus, or a time with its zone", examples=["2026-09-01"]
    )
    valid_until: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="the last day; empty for no end", examples=["2030-06-30"]
    )
    state: PersonState | None = None
    national_id: Annotated[str, Field(max_length=32)] | None = Field(
        default=None, description="its last six characters become the first passwords, and are not stored"
    )


class ImportIn(BaseModel):
    """A part of a list."""

    model_config = ConfigDict(extra="forbid")

    rows: list[ImportRow] = Field(min_length=1, max_length=500)


class ImportedRow(BaseModel):
    """What became of a row; `differences` is {field: [stored, wanted]}, `line` the position in the list, from 1."""

    line: int
    number: str
    outcome: RowOutcome
    differences: dict[str, tuple[Any, Any]]
    first_passwords: bool
    why: str

    @classmethod
    def of(cls, result: RowResult) -> "ImportedRow":
        """Show `result`."""
        differences = {
            name: (records.plain(old), records.plain(new)) for name, (old, new) in result.differences.items()
        }
        return cls(
            line=result.line,
            number=result.number,
            outcome=result.outcome,
            differences=differences,
            first_passwords=result.first_passwords,
            why=result.why,
        )


class ImportOut(BaseModel):
    """The results, in the order of the rows."""

    dry_run: bool
    rows: list[ImportedRow]


@router.post(
    "/people/import",
    dependencies=[record_disclosure("people.compare", "people:list")],
    responses=responses(*ROLE_ERRORS),
)
def import_people(
    admin: AdminDep,
    services: ServicesDep,
    now: NowDep,
    body: ImportIn,
    dry_run: Annotated[bool, Query(description="only say what would change")] = False,
) -> ImportOut:
    """Bring accounts to what the rows say. Sending them again changes nothing.

    A row that would change the account of whoever sends it is invalid. People with a role get no first passwords.
    """
    raw = (row.model_dump(mode="json", exclude_none=True) for row in body.rows)
    rows = without_repeats(parse(position, row, services.zone) for position, row in enumerate(raw, 1))
    importer = Importer(services.database, services.hasher, services.first_passwords, admin.actor, admin.person_id)
    results = importer.run(rows, now=now, dry_run=dry_run)
    return ImportOut(dry_run=dry_run, rows=[ImportedRow.of(result) for result in results])
