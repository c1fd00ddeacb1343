"""Settings of the way to the broker."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator


class MqttSettings(BaseModel):
    """How to reach the broker. TLS is on as soon as `ca_file` is given."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    public_host: str | None = Field(
        default=None, description="how gates find the broker, where the server's way differs"
    )
    public_port: int | None = Field(default=None, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    orders_username: str | None = Field(default=None, description="the server's second user, which gives the orders")
    orders_password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _client_certificate_needs_its_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("mqtt.cert_file and mqtt.key_file go together: give both or neither")
        return self

    @model_validator(mode="after")
    def _orders_have_a_user_of_their_own(self) -> Self:
        if self.orders_password is not None and self.orders_username is None:
            raise ValueError("mqtt.orders_password needs mqtt.orders_username")
        if self.orders_username is not None and self.orders_username == self.username:
            raise ValueError("mqtt.orders_username must be another user than mqtt.username: a user has one connection")
        return self
