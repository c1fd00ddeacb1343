"""Times that a request may carry."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]
"""A time that calendar arithmetic in any zone can bear."""
