"""One list's part of a publication: compares, gives out revisions, keeps the sums of digests in step."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from directory import gate_models
from directory.entry_rows import Content, Held, Sums, is_same, read_rows, replace_rows, to_row
from directory.list_tables import PastList, SharedEntry, SharedList, SharedModel
from directory.records import Cut
from directory.tables import DirectoryState


class Revisions:
    """Gives out revisions: one counter for all, under the lock of the publisher's state."""

    def __init__(self, state: DirectoryState) -> None:
        self._state = state

    @property
    def last(self) -> int:
        """The last one given out."""
        return self._state.revision

    def next(self) -> int:
        """Give out the next one."""
        self._state.revision += 1
        return self._state.revision


class ListPublication:
    """Open within one transaction that holds the publisher's state; `close` writes the list back."""

    def __init__(
        self, session: Session, record: SharedList, revisions: Revisions, now: datetime, *, is_new: bool
    ) -> None:
        """`is_new`: nobody has seen the list yet, as it was before this publication."""
        self.record = record
        self.cut = Cut.from_json(record.cut)
        self.gates: dict[str, int] = {}
        """The gates that share it, with the revision of what is their own."""
        self._session = session
        self._revisions = revisions
        self._now = now
        self.is_new = is_new
        self._before = (record.revision, record.full_total, record.cards_total)
        self._sums = Sums(record.full_total, record.cards_total)

    def recut(self, cut: Cut) -> None:
        """Let the list be of another cut from now on; its entries are written anew after this."""
        self.cut, self.record.cut = cut, cut.to_json()

    def write(self, contents: Mapping[UUID, Content | None], held: Held) -> dict[UUID, int]:
        """Bring people from what is `held` of them to `contents`; return the revisions of those who changed."""
        rows, changed = [], dict[UUID, int]()
        for person, content in contents.items():
            before = held.get(person)
            if is_same(before, content):
                continue
            self._sums.subtract(before)
            self._sums.add(content)
            changed[person] = self._revisions.next()
            rows.append(to_row(person, content, changed[person], self._now))
        gone = [person for person in changed if person in held]
        replace_rows(self._session, SharedEntry, {"list_id": self.record.id}, gone, rows)
        if rows:
            self.record.revision = self._revisions.last
        return changed

    def read(self) -> dict[UUID, Content]:
        """Return everybody whom the list lets pass."""
        held = read_rows(self._session, SharedEntry, SharedEntry.list_id == self.record.id).get(self.record.id, {})
        return {person: content for person, content in held.items() if content is not None}

    def revision_of(self, gate: str) -> int:
        """Return the revision of a gate that shares it."""
        return max(self.gates[gate], self.record.revision)

    def close(self) -> bool:
        """Write the sums back, and return whether the list has a new revision."""
        if self.record.revision == self._before[0]:
            return False
        self._keep_past(*self._before)
        gate_models.count(self._session, SharedModel, self.record.id, self._sums.people, self._now)
        self.record.full_total, self.record.cards_total = self._sums.stored("full"), self._sums.stored("cards")
        self.record.published_at = self._now
        return True

    def remove(self) -> None:
        """Remove a list that no gate shares any more; a device may still acknowledge it."""
        self._keep_past(*self._before)
        for table in (SharedEntry, SharedModel):
            self._session.execute(delete(table).where(table.list_id == self.record.id))
        self._session.flush()
        self._session.delete(self.record)

    def _keep_past(self, revision: int, full: bytes, cards: bytes) -> None:
        if self.is_new:
            return
        past = {"revision": revision, "full_total": full, "cards_total": cards, "replaced_at": self._now}
        self._session.add(PastList(list_id=self.record.id, **past))
