"""Gates that come to a list of another cut: their own one is cut anew where all who share it go the same way."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from database import new_id
from directory.entry_rows import Content, Contents, is_same, read_rows
from directory.gate_publication import GatePublication
from directory.list_publication import ListPublication
from directory.list_tables import NO_TOTAL, GateEntry, SharedList
from directory.records import EXPIRED_GRACE, MOST_PEOPLE, Cut, PersonRecord
from directory.tables import DirectoryPerson, VisitorPass

if TYPE_CHECKING:
    from directory.publication import Publication


class ListChanges:
    """Within one publication."""

    def __init__(self, publication: "Publication") -> None:
        """Begin with the lists as they are."""
        self._publication = publication
        self._session = publication.session
        self._contents: dict[UUID, Mapping[UUID, Content]] = {}

    def bring(self, wanted: Mapping[Cut, Sequence[GatePublication]]) -> None:
        """Bring gates to lists of the cuts that they want."""
        targets = self._find_targets(wanted)
        joining = [(gate, targets[cut]) for cut, gates in wanted.items() for gate in gates]
        joining = [(gate, target) for gate, target in joining if gate.record.name not in target.gates]
        guests = self._find_guests() if joining else {}
        for gate, target in joining:
            self._join(gate, target, guests.get(gate.record.name, set()))

    def _find_targets(self, wanted: Mapping[Cut, Sequence[GatePublication]]) -> dict[Cut, ListPublication]:
        """Return a list for each cut; a new one, or one that is cut anew, is written."""
        lists, list_of = self._publication.lists, self._publication.list_of
        targets = {one.cut: one for one in lists.values() if one.cut in wanted}
        written = []
        for cut, gates in wanted.items():
            if cut in targets:
                continue
            going = {gate.record.name for gate in gates}
            shared = [list_of[name] for name in sorted(going & list_of.keys())]
            left = next((one for one in shared if one.gates.keys() <= going and one not in targets.values()), None)
            if left is not None:
                left.recut(cut)
            targets[cut] = left or self._add(cut)
            written.append(targets[cut])
        if written:
            people = self._session.scalars(select(DirectoryPerson.person_id)).all()
            for start in range(0, len(people), MOST_PEOPLE):
                records = self._publication.read_records(people[start : start + MOST_PEOPLE])
                self._publication.write(written, list(records), records)
        return targets

    def _add(self, cut: Cut) -> ListPublication:
        record = SharedList(id=new_id(), cut=cut.to_json(), revision=0, full_total=NO_TOTAL, cards_total=NO_TOTAL)
        self._session.add(record)
        self._session.flush()
        shared = self._publication.lists[record.id] = self._publication.open_list(record, is_new=True)
        return shared

    def _join(self, gate: GatePublication, target: ListPublication, guests: Collection[UUID]) -> None:
        name = gate.record.name
        left = self._publication.list_of.get(name)
        shared = self._read(target)
        own = read_rows(self._session, GateEntry, GateEntry.gate == name).get(name, {})
        apart = {person for person, content in own.items() if not is_same(content, shared.get(person))}.union(guests)
        here: dict[UUID, Content | None] = {}
        contents = Contents()
        for person, record in self._open_records(apart):
            here[person] = contents.of(record.for_cut(target.cut, record.grants.get(name, ())), target.cut)
        gate.join(target.record, before=self._read(left) if left is not None else {}, shared=shared, own=own, here=here)
        if left is not None:
            del left.gates[name]
        self._publication.list_of[name] = target
        target.gates[name] = gate.record.own_revision

    def _read(self, shared: ListPublication) -> Mapping[UUID, Content]:
        """Return everybody whom a list lets pass; many gates may leave the same one."""
        if shared.record.id not in self._contents:
            self._contents[shared.record.id] = shared.read()
        return self._contents[shared.record.id]

    def _find_guests(self) -> Mapping[str, set[UUID]]:
        """Return whoever may have a pass, by gate."""
        found: defaultdict[str, set[UUID]] = defaultdict(set)
        good = (VisitorPass.ended_at.is_(None), VisitorPass.valid_until > self._publication.now - EXPIRED_GRACE)
        for person, gates in self._session.execute(select(VisitorPass.person_id, VisitorPass.gates).where(*good)):
            for gate in gates:
                found[gate].add(person)
        return found

    def _open_records(self, people: Collection[UUID]) -> Iterator[tuple[UUID, PersonRecord]]:
        wanted = list(people)
        for start in range(0, len(wanted), MOST_PEOPLE):
            yield from self._publication.read_records(wanted[start : start + MOST_PEOPLE]).items()
