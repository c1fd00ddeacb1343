"""All routes of the operations."""

from operations.api import alarm_pictures, alarms, orders, tickets, views, zones
from web.routes import join

_PARTS = (views, alarms, alarm_pictures, tickets, orders, zones)
router = join(part.router for part in _PARTS)
