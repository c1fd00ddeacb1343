"""All routes of the operations."""

from operations.api import alarms, orders, tickets, views, zones
from web.routes import gather

_PARTS = (views, alarms, tickets, orders, zones)
router = gather("/api/v1/operations", (part.router for part in _PARTS), tags=["operations"])
