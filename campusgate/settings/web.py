"""Settings of the server's HTTP: what one network address may hold."""

from pydantic import BaseModel, Field


class WebSettings(BaseModel):
    """Limits of one network address. Behind a proxy or a shared address everybody counts as one: raise them."""

    connections_per_address: int = Field(default=512, ge=4, description="open connections of one network address")
    requests_per_address: int = Field(default=128, ge=4, description="its requests under way, live pages included")
    unbounded_addresses: frozenset[str] = Field(
        default=frozenset(), description="of proxies that bound connections themselves"
    )
