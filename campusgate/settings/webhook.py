"""A webhook of the campus, and the secret its messages are signed with."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator


class WebhookSettings(BaseModel):
    """Settings of a room that may post to a webhook; without an address nothing is sent."""

    webhook_url: str | None = Field(default=None, repr=False)
    webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _a_webhook_is_signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_url needs webhook_secret, which the receiver knows too")
        return self
