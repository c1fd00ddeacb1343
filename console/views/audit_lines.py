"""Lines of the audit trail in the reader's words, with the names that the trail itself does not hold."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.tables import AuditEntry
from console.services import ConsoleServices
from console.texts import TEXTS, Translate
from console.views.actors import person_of

ACTIONS = tuple(key.removeprefix("audit_action.") for key in TEXTS if key.startswith("audit_action."))
"""What the trail may tell of, in the order of its words."""


@dataclass(frozen=True, slots=True)
class AuditLineView:
    """A line as the page shows it."""

    serial: int
    at: datetime
    who: str
    who_id: UUID | None
    code: str
    action: str
    about: str
    about_id: UUID | None
    """Whose page the reader may go to; None where it is about no person."""
    details: tuple[tuple[str, str], ...]
    raw: dict[str, Any]
    digest: str

    @property
    def details_text(self) -> str:
        """All details in one line."""
        return "; ".join(f"{name}: {value}" for name, value in self.details)


def describe_lines(
    services: ConsoleServices, entries: Sequence[AuditEntry], translate: Translate
) -> list[AuditLineView]:
    """Return what the page shows of lines, in their order; only for those who may see the names."""
    ids = {found for one in entries for found in (person_of(one.actor), person_of(one.subject)) if found}
    names = services.names(ids)
    return [_describe(one, names, translate) for one in entries]


def _describe(entry: AuditEntry, names: Any, translate: Translate) -> AuditLineView:
    details = json.loads(entry.details)
    return AuditLineView(
        serial=entry.serial,
        at=entry.at,
        who=_name(entry.actor, names, translate),
        who_id=person_of(entry.actor),
        code=entry.action,
        action=_word("audit_action", entry.action, entry.action, translate),
        about=_name(entry.subject, names, translate),
        about_id=person_of(entry.subject),
        details=tuple(_details(details, translate)),
        raw=details,
        digest=entry.digest.hex(),
    )


def _details(details: dict[str, Any], translate: Translate) -> Iterable[tuple[str, str]]:
    for name, value in details.items():
        if value not in (None, "", []):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield _word("audit_detail", name, name, translate), shown


def _name(who: str, names: Any, translate: Translate) -> str:
    person_id = person_of(who)
    if person_id is not None and person_id in names:
        return str(names[person_id])
    kind, _, rest = who.partition(":")
    shown = _word("audit_subject", kind, kind, translate)
    if rest == "list":
        return shown
    return f"{shown} {rest[:8]}…" if len(rest) > 20 else f"{shown} {rest}".strip()


def _word(table: str, key: str, code: str, translate: Translate) -> str:
    return translate(f"{table}.{key}") if f"{table}.{key}" in TEXTS else code
