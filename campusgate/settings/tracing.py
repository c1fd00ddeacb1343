"""Settings of the traces of passages, for the server."""

from pydantic import BaseModel, Field, SecretStr


class TracingSettings(BaseModel):
    """Where the traces of passages go; without an address none are made."""

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+(/[^?#\s]*)?$",
        description="a collector that takes OTLP over HTTP: its address, without /v1/traces",
    )
    share: float = Field(default=1.0, ge=0, le=1, description="of passages that are traced, 0 to 1")
    token: SecretStr | None = Field(default=None, description="sent to the collector as a bearer token")
