"""All routes of the directory, below `/api/v1/directory`."""

from directory.api import gates, models, people, receipts, synchronisation
from web.routes import gather

_PARTS = (synchronisation, gates, models, people, receipts)
router = gather("/api/v1/directory", (part.router for part in _PARTS))
