"""Import and update of people from a list: idempotent, in small transactions, with a dry run that shows the difference.

A second run of the same list changes nothing. A run that was killed is finished by running it again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import passwords, people
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords, NationalIdError
from accounts.people import authority
from accounts.people_import import spreadsheet_damage
from accounts.people_import.people_list import ListedPerson, RowError, RowReason, Unreadable
from accounts.tables import Person
from accounts.vocabulary import PasswordPurpose, PersonState, Role
from database import Database
from database.patience import write_patiently

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
    code: str = ""
    """The reason of `why`, a `people_list.RowReason`."""
    name: str = ""
    """What the person is to be called."""

    @classmethod
    def refused(cls, row: ListedPerson | Unreadable, reason: RowReason, why: str) -> "RowResult":
        """Make the result of a row that is not used."""
        return cls(row.line, row.number, RowOutcome.INVALID, why=why, code=reason.value)


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row that was dealt with, and whose account it is; None where there is none."""

    result: RowResult
    person_id: UUID | None


OnWritten = Callable[[Session, Sequence[WrittenRow]], None]
"""Called in the transaction that wrote the rows."""


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
        on_written: OnWritten | None = None,
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

                written = write_patiently(self.database, partial(self._write_part, part, hashes, now, on_written))
                planned = [one.result for one in written]
            results += planned
            if progress:
                progress(len(results), len(rows))
        return results

    def _write_part(
        self,
        part: Sequence[ListedPerson | Unreadable],
        hashes: dict[str, dict[PasswordPurpose, str]],
        now: datetime,
        on_written: OnWritten | None,
        session: Session,
    ) -> list[WrittenRow]:
        written = self._write(session, part, hashes, now)
        if on_written:
            on_written(session, written)
        return written

    def _plan(self, session: Session, rows: Sequence[ListedPerson | Unreadable], now: datetime) -> list[RowResult]:
        known = people.by_numbers(session, [row.number for row in rows])
        cut = _cut_numbers(session, [row.number for row in rows if row.number not in known])
        results = []
        for row in rows:
            person = known.get(row.number)
            result = _planned(session, row, person, self.first_passwords, now)
            if person is not None and person.id == self.acting and result.outcome is RowOutcome.UPDATED:
                result = RowResult.refused(row, RowReason.OWN_ACCOUNT, authority.OwnAccountError.title)
            elif result.outcome is RowOutcome.CREATED and row.number in cut:
                result = RowResult.refused(row, RowReason.NUMBER_CUT, cut[row.number])
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
    ) -> list[WrittenRow]:
        # Planned again inside the transaction: somebody may have changed these people meanwhile.
        planned = self._plan(session, rows, now)
        known = people.by_numbers(session, [row.number for row in rows])
        new = [
            row.particulars(None, now)
            for row, result in zip(rows, planned, strict=True)
            if isinstance(row, ListedPerson) and result.outcome is RowOutcome.CREATED
        ]
        known |= {person.number: person for person in people.create_many(session, new, by=self.by, now=now)}
        written = []
        for row, result in zip(rows, planned, strict=True):
            person = known.get(row.number)
            if isinstance(row, ListedPerson) and person is not None:
                if result.outcome is RowOutcome.UPDATED:
                    people.update(session, person, row.particulars(person, now), by=self.by, now=now)
                if result.outcome in {RowOutcome.CREATED, RowOutcome.UPDATED}:
                    self._write_rest(session, row, person, hashes.get(row.number), now)
            written.append(WrittenRow(result, person.id if person is not None else None))
        return written

    def _write_rest(
        self,
        session: Session,
        row: ListedPerson,
        person: Person,
        hashes: dict[PasswordPurpose, str] | None,
        now: datetime,
    ) -> None:
        """Write what stands beside a person's particulars."""
        if row.state is not None:
            people.set_state(session, person, row.state, by=self.by, now=now)
        if hashes:
            missing = passwords.find_missing(session, person.id)
            wanted = {purpose: hashed for purpose, hashed in hashes.items() if purpose in missing}
            if wanted:
                passwords.store(session, person.id, wanted, must_change=True, by=self.by, now=now)


_REASON_OF_FIELD = {
    "number": RowReason.INVALID_NUMBER,
    "name": RowReason.INVALID_NAME,
    "department": RowReason.INVALID_DEPARTMENT,
    "groups": RowReason.INVALID_GROUPS,
    "valid_from": RowReason.INVALID_DATES,
    "valid_until": RowReason.INVALID_DATES,
}


def reason_of(error: RowError | NationalIdError | people.InvalidPersonError) -> RowReason:
    """Return the code of what is wrong with a row."""
    match error:
        case RowError():
            return error.reason
        case people.InvalidPersonError():
            return _REASON_OF_FIELD[error.members["field"]]
    return RowReason.NATIONAL_ID_END


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
        return RowResult.refused(row, row.reason, row.why)
    try:
        particulars = row.particulars(person, now)
        if row.national_id is not None:
            first.of(row.national_id)
    except (RowError, NationalIdError, people.InvalidPersonError) as error:
        return RowResult.refused(row, reason_of(error), str(error))
    if person is None:
        wants_first = row.national_id is not None
        return RowResult(row.line, row.number, RowOutcome.CREATED, first_passwords=wants_first, name=particulars.name)
    differences = particulars.differences(person)
    if row.state is not None and row.state is not person.state:
        if person.state is PersonState.CLOSED:
            return RowResult.refused(row, RowReason.ACCOUNT_CLOSED, "state: the account is closed for good")
        differences["state"] = (person.state, row.state)
    # Whoever knows the ID document of a member of staff must not hold a password that opens their roles.
    is_plain = person.roles == {Role.HOLDER}
    wants_first = row.national_id is not None and is_plain and bool(passwords.find_missing(session, person.id))
    outcome = RowOutcome.UPDATED if differences or wants_first else RowOutcome.UNCHANGED
    return RowResult(row.line, row.number, outcome, differences, first_passwords=wants_first, name=particulars.name)
