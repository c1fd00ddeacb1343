"""All routes of the operations."""

from operations.api import alarms, orders, tickets, views, zones
from web.routes import join

_PARTS = (views, alarms, tickets, orders, zones)
router = join(part.router for part in _PARTS)
