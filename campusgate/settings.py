"""Settings of every process, read once at the rim from the environment (`CAMPUSGATE_…`) and an optional TOML file.

Rooms never read the environment: they take values as arguments. Secrets have no defaults; a process that needs one
calls `require`, which names the variable and how to make a value.
"""

import base64
import binascii
import os
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from accounts.channel_tokens import LEAST_SECRET_BYTES
from accounts.vocabulary import Channel


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and how to mend it."""


class MqttSettings(BaseModel):
    """How to reach the broker. TLS is on as soon as `ca_file` is given."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _client_certificate_needs_its_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("mqtt.cert_file and mqtt.key_file go together: give both or neither")
        return self


class MailSettings(BaseModel):
    """The campus's mail server, and who is written to of alarms."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    starttls: bool = True
    sender: str
    recipients: list[str] = Field(min_length=1)
    wardens: list[str] = Field(default=[], description="are written to at once of returns and exits within a curfew")


class AlarmSettings(BaseModel):
    """From when on a condition is an alarm, and who is told when nobody acknowledges one."""

    offline_after: timedelta = timedelta(seconds=60)
    lag_after: timedelta = timedelta(seconds=60)
    escalate_after: timedelta = timedelta(minutes=5)
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    webhook_after: timedelta = Field(default=timedelta(0), description="0: told of every alarm at once")
    mail: MailSettings | None = None

    @model_validator(mode="after")
    def _a_webhook_is_signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("alarms.webhook_url needs alarms.webhook_secret, which the receiver knows too")
        return self


class EnrollmentSettings(BaseModel):
    """Photos and templates: which rules apply, and how long what is kept."""

    limits_file: Path | None = Field(default=None, description="TOML file with other limits for the photo rules")
    consent_version: str = Field(
        default="1", min_length=1, max_length=32, description="names the notice in force; a new one asks everybody anew"
    )
    keep_pictures: bool = Field(default=False, description="keep approved photos' pictures, for another face model")
    keep_thumbnails: bool = Field(default=True, description="keep small ones, for comparison with look-alikes")
    keep_rejected: timedelta = timedelta(days=30)
    keep_after_leaving: timedelta = timedelta(days=7)
    keep_notices: timedelta = timedelta(days=365)
    next_embedder: str | None = Field(
        default=None, description="the embedder the campus moves to: photos handed in get its templates too"
    )
    mail_address: str | None = Field(
        default=None, pattern=r"^[^@\s]*\{number\}[^@\s]*@[^@\s]+$", description="of everyone: {number}@campus.example"
    )
    webhook_url: str | None = Field(default=None, description="is told of each notice: enterprise WeChat, SMS")
    webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _a_webhook_is_signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("enrollment.webhook_url needs enrollment.webhook_secret, which the receiver knows too")
        return self


class PhoneCodeSettings(BaseModel):
    """The campus's SMS gateway, which brings confirmation codes to phones."""

    webhook_url: str
    webhook_secret: SecretStr


class OidcSettings(BaseModel):
    """The registration of this server at the university's identity provider, for sign-in of staff."""

    issuer: str
    client_id: str
    client_secret: SecretStr
    redirect_uri: str
    number_claim: str = Field(default="preferred_username", description="the claim that holds the staff number")


class MealSettings(BaseModel):
    """A meal by the campus's clock; it may run past midnight."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")
    begins: time
    ends: time


class SpendingSettings(BaseModel):
    """What may be spent without the consumption password where the holder chose nothing else, and when a meal is."""

    meal_limit: int = Field(default=3_000, ge=0, description="fen")
    day_limit: int = Field(default=10_000, ge=0, le=1_000_000, description="fen")
    meals: list[MealSettings] = Field(default=[], description="none: breakfast, lunch, dinner and late")

    @model_validator(mode="after")
    def _a_meal_costs_no_more_than_a_day(self) -> Self:
        if self.meal_limit > self.day_limit:
            raise ValueError("spending.meal_limit must not be above spending.day_limit")
        if len({meal.name for meal in self.meals}) != len(self.meals):
            raise ValueError("spending.meals: each meal has a name of its own")
        return self


class Settings(BaseSettings):
    """All settings. Nested ones are written with two underscores: `CAMPUSGATE_MQTT__HOST`."""

    model_config = SettingsConfigDict(env_prefix="CAMPUSGATE_", env_nested_delimiter="__", extra="ignore")

    data_dir: Path = Path(platformdirs.user_data_dir("campusgate", appauthor=False))
    cache_dir: Path = Path(platformdirs.user_cache_dir("campusgate", appauthor=False))
    model_mirror: Path | None = None

    site: str = Field(default="main", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    time_zone: ZoneInfo = ZoneInfo("Asia/Shanghai")
    first_password_prefix: str = Field(
        default="Campus@#", description="stands before the last six of the national ID in the portal's first password"
    )

    phone_codes: PhoneCodeSettings | None = None
    channel_secrets: dict[Channel, SecretStr] = Field(
        default_factory=dict, description="shared with the apps that sign in holders of virtual cards, by channel"
    )
    oidc: OidcSettings | None = None
    spending: SpendingSettings = SpendingSettings()

    database_url: str | None = None
    server_host: str = "127.0.0.1"
    server_port: int = Field(default=8080, ge=0, le=65535)
    server_url: str = "http://127.0.0.1:8080"

    mqtt: MqttSettings = MqttSettings()

    gate: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    device_token: SecretStr | None = None
    signing_key_file: Path | None = None
    trusted_keys_file: Path | None = None
    template_key: SecretStr | None = None
    template_key_number: int = Field(default=1, ge=1, le=255)
    previous_template_keys: dict[int, SecretStr] = Field(
        default_factory=dict, description="keys that still open what was sealed before, by number"
    )
    token_secret: SecretStr | None = None
    credential_key: SecretStr | None = None

    two_person_orders: bool = Field(
        default=False, description="lockdown, hold and release of many gates wait for a second person"
    )

    enrollment: EnrollmentSettings = EnrollmentSettings()
    alarms: AlarmSettings = AlarmSettings()
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="opens GET /metrics; without it there are no metrics"
    )

    embedder: str = Field(default="fused", description="the embedder of server and edges, the same for all of them")
    engine_threads: int = Field(default=0, ge=0, description="threads of the face engine; 0 = one for each core")
    sync_interval: timedelta = timedelta(seconds=15)
    demonstration: bool = Field(default=False, description="set only by `campusgate demo`")

    @field_validator("channel_secrets")
    @classmethod
    def _long_enough(cls, value: dict[Channel, SecretStr]) -> dict[Channel, SecretStr]:
        for channel, secret in value.items():
            if len(secret.get_secret_value().encode()) < LEAST_SECRET_BYTES:
                raise ValueError(f"channel_secrets: the secret of {channel} has less than {LEAST_SECRET_BYTES} bytes")
        return value

    @model_validator(mode="after")
    def _mail_needs_a_server(self) -> Self:
        if self.enrollment.mail_address is not None and self.alarms.mail is None:
            raise ValueError("enrollment.mail_address needs the mail server of alarms.mail")
        return self

    @field_validator("time_zone", mode="before")
    @classmethod
    def _known_zone(cls, value: Any) -> ZoneInfo:
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(str(value))
        except (KeyError, ValueError) as error:
            raise ValueError(f"unknown time zone {value!r}; use a name such as Asia/Shanghai") from error

    @property
    def resolved_database_url(self) -> str:
        """The configured database, or an SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir / 'campusgate.db'}"

    def require(self, name: str) -> Any:
        """Return the setting `name`, unwrapped when secret.

        Raises:
            SettingsError: it is not set.
        """
        value = getattr(self, name)
        if value is None:
            hint = _HOW_TO_MAKE.get(name, "")
            raise SettingsError(f"CAMPUSGATE_{name.upper()} is not set{hint}")
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def require_key(self, name: str) -> bytes:
        """Return the 32 bytes of the base64 setting `name`.

        Raises:
            SettingsError: it is not set, is no base64, or has another length.
        """
        return _key(self.require(name), f"CAMPUSGATE_{name.upper()}", _HOW_TO_MAKE[name])

    def older_template_keys(self) -> dict[int, bytes]:
        """Return the 32 bytes of each key in `previous_template_keys`, by number.

        Raises:
            SettingsError: one is no base64 or has another length.
        """
        name = "CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS"
        return {
            number: _key(text.get_secret_value(), f"{name}: key {number}", "")
            for number, text in self.previous_template_keys.items()
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before the TOML file named by `CAMPUSGATE_CONFIG`."""
        del dotenv_settings
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings, file_secret_settings)
        if path := os.environ.get("CAMPUSGATE_CONFIG"):
            if not Path(path).is_file():
                raise SettingsError(f"CAMPUSGATE_CONFIG names {path}, which is not a file")
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=path),)
        return sources


def _key(text: str, name: str, hint: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"{name} is not base64{hint}") from error
    if len(key) != 32:
        raise SettingsError(f"{name} holds {len(key)} bytes, 32 are needed{hint}")
    return key


_MAKE_KEY = "; make one with: python -c 'import base64,os; print(base64.b64encode(os.urandom(32)).decode())'"
_HOW_TO_MAKE = {
    "template_key": _MAKE_KEY,
    "token_secret": _MAKE_KEY,
    "credential_key": _MAKE_KEY + "; server and gates of a site share it",
    "device_token": "; issue one with: campusgate devices add",
    "gate": "; it is the name of the gate this process serves",
    "signing_key_file": "; make one with: campusgate keys make FILE",
    "trusted_keys_file": "; it lists the public keys this controller obeys, one JSON object: {sender: base64 key}",
}
