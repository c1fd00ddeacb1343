"""A new key: everything sealed is opened with the key it was sealed under and sealed again under the current one."""

from collections.abc import Callable

from sqlalchemy import select

from database import Database, Sealer
from enrollment import photos, templates
from enrollment.tables import PhotoImage, TemplateRecord

_BATCH = 200

Progress = Callable[[int, int], None]
"""Called with the number of values done and of all."""


def reseal(database: Database, sealer: Sealer, current_key: int, *, progress: Progress | None = None) -> int:
    """Bring every template and picture under the key with the number `current_key`; return how many were changed.

    Each batch is a transaction, and what lies under the current key already is left alone: stopped, it goes on where
    it was. The key before may be taken out of the settings once this returns 0.

    Raises:
        database.SealingError: a value lies under a key that is not configured; nothing of its batch was changed.
    """
    waiting: list[tuple[type[TemplateRecord | PhotoImage], object]] = []
    with database.read() as session:
        for template_id, sealed in session.execute(select(TemplateRecord.id, TemplateRecord.sealed)):
            if sealed is not None and sealer.key_number(sealed) != current_key:
                waiting.append((TemplateRecord, template_id))
        for photo_id, sealed in session.execute(select(PhotoImage.photo_id, PhotoImage.sealed)):
            if sealer.key_number(sealed) != current_key:
                waiting.append((PhotoImage, photo_id))
    for start in range(0, len(waiting), _BATCH):
        with database.begin() as session:
            for table, key in waiting[start : start + _BATCH]:
                record = session.get(table, key, with_for_update=True)
                if isinstance(record, TemplateRecord) and record.sealed is not None:
                    record.sealed = sealer.seal(
                        sealer.open(record.sealed, templates.context(record.id)), templates.context(record.id)
                    )
                elif isinstance(record, PhotoImage):
                    context = photos.context(record.photo_id)
                    record.sealed = sealer.seal(sealer.open(record.sealed, context), context)
        if progress:
            progress(min(start + _BATCH, len(waiting)), len(waiting))
    return len(waiting)
