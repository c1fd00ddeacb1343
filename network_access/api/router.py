"""All routes of network access, below `/api/v1`."""

from network_access.api import radius, sessions
from web.routes import join

router = join(part.router for part in (radius, sessions))
