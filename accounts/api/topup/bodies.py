"""What the bodies of top-ups share."""

from typing import Annotated

from pydantic import Field

Fen = Annotated[int, Field(ge=1, le=1_000_000, description="fen; at most 10,000 yuan")]
