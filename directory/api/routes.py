"""All routes of the directory, below `/api/v1/directory`."""

from directory.api import gate_setup, gates, hosting, models, people, probe_offers, receipts, synchronisation
from web.routes import join

_PARTS = (synchronisation, probe_offers, gates, models, people, hosting, receipts, gate_setup)
router = join(part.router for part in _PARTS)
