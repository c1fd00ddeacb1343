"""All routes of the directory, below `/api/v1/directory`."""

from directory.api import gate_setup, gates, hosting, models, people, probe_offers, receipts, synchronisation
from web.routes import gather

_PARTS = (synchronisation, probe_offers, gates, models, people, hosting, receipts, gate_setup)
router = gather("/api/v1/directory", (part.router for part in _PARTS))
