"""Settings of the process at a kiosk's card dispenser."""

from pathlib import Path

from pydantic import BaseModel, Field


class DispenserSettings(BaseModel):
    """Where the dispenser is, and how it is spoken to."""

    device: Path | None = Field(default=None, description="the serial port that it is at, by its lasting name")
    driver: str = Field(default="crt571", description="what it is")
    address: int = Field(default=0, ge=0, le=255, description="its address on the line")
