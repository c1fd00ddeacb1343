"""The faces that a replica holds: taken from its entries, and put into galleries when somebody searches."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from access.replica.page import ReplicaError
from access.snapshot import PersonEntry

if TYPE_CHECKING:
    from access.gallery import ChangedFaces, Galleries, Gallery


class ReplicaFaces:
    """What changed since the galleries were last asked for. Not safe for threads by itself.

    NumPy is imported with the first template: a controller's directory has none, and NumPy takes 11 MB.
    """

    def __init__(self, models: Collection[str]) -> None:
        """Templates of other models than `models` are passed over: they cannot be run here."""
        self._models = frozenset(models)
        self._changed: ChangedFaces = {}
        self._galleries: Galleries | None = None

    def read(self, entries: "Sequence[tuple[PersonEntry, str | None]]") -> "ChangedFaces":
        """Return for each person the templates with their model, with which they come here.

        None without any, or where the model cannot be run here.

        Raises:
            ReplicaError: they are no templates.
        """
        found: ChangedFaces = {entry.person_id: None for entry, _ in entries}
        if not any(entry.templates for entry, _ in entries):
            return found
        from access.templates import TemplateError, read_templates  # noqa: PLC0415 - see the class

        try:
            read = read_templates({entry.person_id: entry.templates for entry, _ in entries if entry.templates})
        except TemplateError as error:
            raise ReplicaError(str(error)) from error
        for entry, model_id in entries:
            if entry.templates and model_id is not None and model_id in self._models:
                found[entry.person_id] = model_id, read[entry.person_id]
        return found

    def update(self, changed: "ChangedFaces") -> None:
        """Take over what `read` returned for the people whose entries changed, None for those who are gone."""
        self._changed.update(changed)

    def galleries(self, revision: int) -> "Mapping[str, Gallery]":
        """Return all faces by the model of their templates, as they are at `revision`."""
        from access.gallery import Galleries  # noqa: PLC0415 - see the class

        before = self._galleries or Galleries()
        if self._galleries is None or self._changed or before.revision != revision:
            self._galleries, self._changed = before.after(self._changed, revision), {}
        return self._galleries.by_model

    def gallery(self, model_id: str | None, revision: int) -> "Gallery":
        """Return the faces whose templates are of that model, as they are at `revision`."""
        from access.gallery import Gallery  # noqa: PLC0415 - see the class

        return self.galleries(revision).get(model_id or "", Gallery(revision=revision))

    def clear(self) -> None:
        """Forget all of them."""
        self._changed, self._galleries = {}, None
