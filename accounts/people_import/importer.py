"""Import and update of people from a list: idempotent, in small transactions, with a dry run that shows the difference.

A second run of the same list changes nothing. A run that was killed is finished by running it again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import passwords, people
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords, NationalIdError
from accounts.people import authority
from accounts.people_import import spreadsheet_damage
from accounts.people_import.people_list import ListedPerson, RowError, Unreadable
from accounts.tables import Person
from accounts.vocabulary import PasswordPurpose, PersonState, Role
from database import Database
from web.problems import ProblemError

ROWS_IN_ONE_TRANSACTION = 200

Progress = Callable[[int, int], None]
"""Called with the number of rows done and of all rows."""


class RowOutcome(StrEnum):
    """What an import does with one row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became, or in a dry run would become, of one row; `differences` is {field: (stored, wanted)}."""

    line: int
    number: str
    outcome: RowOutcome
    differences: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    first_passwords: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Importer:
    """Brings the accounts to what a list says."""

    database: Database
    hasher: Hasher
    first_passwords: FirstPasswords
    by: str
    acting: UUID | None = None
    """The person who imports, whose own row changes nothing; None for the command line."""

    def run(
        self,
        rows: Sequence[ListedPerson | Unreadable],
        *,
        now: datetime,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> list[RowResult]:
        """Import `rows`, or with `dry_run` only say what would change; one result for each row, in order."""
        results: list[RowResult] = []
        for start in range(0, len(rows), ROWS_IN_ONE_TRANSACTION):
            part = rows[start : start + ROWS_IN_ONE_TRANSACTION]
            with self.database.read() as session:
                planned = self._plan(session, part, now)
            if not dry_run:
                hashes = self._hashed(
                    [row for row, result in zip(part, planned, strict=True) if result.first_passwords]
                )
                with self.database.begin() as session:
                    planned = self._write(session, part, hashes, now)
            results += planned
            if progress:
                progress(len(results), len(rows))
        return results

    def _plan(self, session: Session, rows: Sequence[ListedPerson | Unreadable], now: datetime) -> list[RowResult]:
        known = people.by_numbers(session, [row.number for row in rows])
        cut = _cut_numbers(session, [row.number for row in rows if row.number not in known])
        results = []
        for row in rows:
            person = known.get(row.number)
            result = _planned(session, row, person, self.first_passwords, now)
            if person is not None and person.id == self.acting and result.outcome is RowOutcome.UPDATED:
                result = RowResult(row.line, row.number, RowOutcome.INVALID, why=authority.OwnAccountError.title)
            elif result.outcome is RowOutcome.CREATED and row.number in cut:
                result = RowResult(row.line, row.number, RowOutcome.INVALID, why=cut[row.number])
            results.append(result)
        return results

    def _hashed(self, rows: Sequence[ListedPerson | Unreadable]) -> dict[str, dict[PasswordPurpose, str]]:
        """Hash first passwords side by side, outside of any transaction; equal ones of one person once."""

        def one(row: ListedPerson) -> tuple[str, dict[PasswordPurpose, str]]:
            plain = self.first_passwords.of(row.national_id or "")
            hashed = {word: self.hasher.hash(word) for word in set(plain.values())}
            return row.number, {purpose: hashed[word] for purpose, word in plain.items()}

        with ThreadPoolExecutor(thread_name_prefix="hashing") as pool:
            return dict(pool.map(one, (row for row in rows if isinstance(row, ListedPerson))))

    def _write(
        self,
        session: Session,
        rows: Sequence[ListedPerson | Unreadable],
        hashes: dict[str, dict[PasswordPurpose, str]],
        now: datetime,
    ) -> list[RowResult]:
        # Planned again inside the transaction: somebody may have changed these people meanwhile.
        planned = self._plan(session, rows, now)
        known = people.by_numbers(session, [row.number for row in rows])
        for row, result in zip(rows, planned, strict=True):
            if isinstance(row, ListedPerson) and result.outcome in {RowOutcome.CREATED, RowOutcome.UPDATED}:
                self._write_one(session, row, known.get(row.number), hashes.get(row.number), now)
        return planned

    def _write_one(
        self,
        session: Session,
        row: ListedPerson,
        person: Person | None,
        hashes: dict[PasswordPurpose, str] | None,
        now: datetime,
    ) -> None:
        particulars = row.particulars(person, now)
        if person is None:
            person = people.create(session, particulars, by=self.by, now=now)
        else:
            people.update(session, person, particulars, by=self.by, now=now)
        if row.state is not None:
            people.set_state(session, person, row.state, by=self.by, now=now)
        if hashes:
            missing = passwords.find_missing(session, person.id)
            wanted = {purpose: hashed for purpose, hashed in hashes.items() if purpose in missing}
            if wanted:
                passwords.store(session, person.id, wanted, must_change=True, by=self.by, now=now)


def _cut_numbers(session: Session, unknown: Sequence[str]) -> dict[str, str]:
    """Return why numbers that nobody has are those of people whose numbers begin with zeros, by number."""
    before = spreadsheet_damage.with_zeros(unknown)
    there = people.by_numbers(session, [one for longer in before.values() for one in longer])
    return {
        number: f"number: a spreadsheet cut its zeros, {one} is there; {spreadsheet_damage.AS_TEXT}"
        for number, longer in before.items()
        for one in longer
        if one in there
    }


def _planned(
    session: Session, row: ListedPerson | Unreadable, person: Person | None, first: FirstPasswords, now: datetime
) -> RowResult:
    if isinstance(row, Unreadable):
        return RowResult(row.line, row.number, RowOutcome.INVALID, why=row.why)
    try:
        particulars = row.particulars(person, now)
        if row.national_id is not None:
            first.of(row.national_id)
    except (RowError, NationalIdError) as error:
        return RowResult(row.line, row.number, RowOutcome.INVALID, why=str(error))
    except ProblemError as error:
        return RowResult(row.line, row.number, RowOutcome.INVALID, why=error.detail or error.title)
    if person is None:
        wants_first = row.national_id is not None
        return RowResult(row.line, row.number, RowOutcome.CREATED, first_passwords=wants_first)
    differences = particulars.differences(person)
    if row.state is not None and row.state is not person.state:
        if person.state is PersonState.CLOSED:
            return RowResult(row.line, row.number, RowOutcome.INVALID, why="state: the account is closed for good")
        differences["state"] = (person.state, row.state)
    # Whoever knows the ID document of a member of staff must not hold a password that opens their roles.
    is_plain = person.roles == {Role.HOLDER}
    wants_first = row.national_id is not None and is_plain and bool(passwords.find_missing(session, person.id))
    outcome = RowOutcome.UPDATED if differences or wants_first else RowOutcome.UNCHANGED
    return RowResult(row.line, row.number, outcome, differences, first_passwords=wants_first)
