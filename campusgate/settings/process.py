"""Everything a process is given from outside: the fields of the campus, and each room's nested settings."""

import ipaddress
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from accounts import defaults
from accounts.vocabulary import Channel
from campusgate.settings.accounts import (
    CardCentreSettings,
    CeilingSettings,
    PhoneCodeSettings,
    SpendingSettings,
)
from campusgate.settings.alarm_pictures import AlarmPictureSettings
from campusgate.settings.bus import MqttSettings
from campusgate.settings.dispenser import DispenserSettings
from campusgate.settings.embedder_name import EmbedderName
from campusgate.settings.enrollment import EnrollmentSettings
from campusgate.settings.errors import SettingsError
from campusgate.settings.keys import HOW_TO_MAKE, decode_key
from campusgate.settings.library import LibrarySettings
from campusgate.settings.library_fines import LibraryFineSettings
from campusgate.settings.meters import MeterSettings
from campusgate.settings.names import require_known_variables
from campusgate.settings.network import NetworkSettings
from campusgate.settings.operations import AlarmSettings
from campusgate.settings.payment_channels import PaymentChannelSettings
from campusgate.settings.sign_in import CasSettings, OidcSettings, WecomSettings
from campusgate.settings.strength import require_strong
from campusgate.settings.supply import SupplySettings
from campusgate.settings.toml_file import read_toml
from campusgate.settings.tracing import TracingSettings
from campusgate.settings.visitors import VisitorSettings
from campusgate.settings.web import WebSettings

_WIDEST = {4: 8, 6: 32}
"""A private network is no wider than 10.0.0.0/8, and an operator's IPv6 no wider than a /32."""


class Settings(BaseSettings):
    """All settings. Nested ones are written with two underscores: `CAMPUSGATE_MQTT__HOST`.

    An empty variable counts as not set: the example files leave secrets empty, and an empty path would be the folder
    that a process happens to stand in.
    """

    model_config = SettingsConfigDict(
        env_prefix="CAMPUSGATE_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    data_dir: Path = Path(platformdirs.user_data_dir("campusgate", appauthor=False))
    cache_dir: Path = Path(platformdirs.user_cache_dir("campusgate", appauthor=False))
    model_mirror: Path | None = None

    site: str = Field(default="main", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    time_zone: ZoneInfo = defaults.TIME_ZONE
    first_password_prefix: str = Field(
        default=defaults.FIRST_PASSWORD_PREFIX,
        description="stands before the last six of the national ID in the portal's first password",
    )

    longest_sign_in: timedelta = Field(
        default=defaults.LONGEST_SIGN_IN,
        gt=timedelta(0),
        description="a sign-in ends then, however often it was refreshed",
    )
    phone_codes: PhoneCodeSettings | None = None
    channel_secrets: dict[Channel, SecretStr] = Field(
        default_factory=dict, description="shared with the apps that sign in holders of virtual cards, by channel"
    )
    oidc: OidcSettings | None = None
    cas: CasSettings | None = None
    wecom: WecomSettings | None = None
    payment_channels: PaymentChannelSettings = PaymentChannelSettings()
    card_centre: CardCentreSettings | None = Field(
        default=None, description="what the pages say of the card centre: place, hours, telephone"
    )
    spending: SpendingSettings = SpendingSettings()
    ceilings: CeilingSettings = CeilingSettings()

    database_url: str | None = Field(default=None, repr=False)
    database_direct_url: str | None = Field(
        default=None, repr=False, description="PostgreSQL itself, where the database's address is a pooler's"
    )
    record_dir: Path | None = Field(
        default=None, description="the copy of the audit trail; on another disk than the database's"
    )
    server_host: str = "127.0.0.1"
    server_port: int = Field(default=8080, ge=0, le=65535)
    trusted_proxies: list[str] = Field(
        default=[], description="addresses or networks of proxies whose X-Forwarded-For is believed"
    )
    server_cert_file: Path | None = Field(default=None, description="the server speaks TLS with it; else a proxy does")
    server_key_file: Path | None = None
    server_url: str = "http://127.0.0.1:8080"
    server_ca_file: Path | None = Field(
        default=None, description="a device believes this authority alone that the server is the server"
    )
    web: WebSettings = WebSettings()

    mqtt: MqttSettings = MqttSettings()

    gate: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    camera: SecretStr | None = Field(default=None, description="the edge's camera; its address may hold a password")
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
    password_key: SecretStr | None = Field(
        default=None, description="seals the hashes of passwords; follows from token_secret where it is not set"
    )

    previous_password_key: SecretStr | None = Field(
        default=None, description="the password key before: what lies under it is sealed anew at the next start"
    )
    previous_token_secret: SecretStr | None = Field(
        default=None, description="the token secret before, where no password key was set: for the passwords alone"
    )

    two_person_orders: bool = Field(
        default=False, description="lockdown, hold and release of many gates wait for a second person"
    )

    enrollment: EnrollmentSettings = EnrollmentSettings()
    alarms: AlarmSettings = AlarmSettings()
    alarm_pictures: AlarmPictureSettings = AlarmPictureSettings()
    dispenser: DispenserSettings = DispenserSettings()
    library: LibrarySettings = LibrarySettings()
    library_fines: LibraryFineSettings | None = None
    meters: MeterSettings = MeterSettings()
    network: NetworkSettings = NetworkSettings()
    supply: SupplySettings = SupplySettings()
    visitors: VisitorSettings = VisitorSettings()
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="opens GET /metrics; without it there are no metrics"
    )

    tracing: TracingSettings = TracingSettings()

    embedder: EmbedderName = Field(
        default="mobilefacenet+sface", description="the embedder of server and edges, the same for all of them"
    )
    engine_threads: int = Field(default=0, ge=0, description="threads of the face engine; 0 = one for each core")
    sync_interval: timedelta = timedelta(seconds=15)
    heartbeat_file: Path | None = Field(
        default=None, description="touched while the process makes progress, for the health check of a container"
    )
    demonstration: bool = Field(default=False, description="set only by `campusgate demo`")

    @model_validator(mode="after")
    def _notices_have_a_way(self) -> Self:
        if self.enrollment.mail_address is not None and self.alarms.mail is None:
            raise ValueError("enrollment.mail_address needs the mail server of alarms.mail")
        if self.enrollment.by_wecom and self.wecom is None:
            raise ValueError("enrollment.by_wecom needs the app of wecom (CAMPUSGATE_WECOM__…)")
        return self

    @model_validator(mode="after")
    def _certificate_needs_its_key(self) -> Self:
        if (self.server_cert_file is None) != (self.server_key_file is None):
            raise ValueError("server_cert_file and server_key_file go together: give both or neither")
        return self

    @model_validator(mode="after")
    def _secrets_are_secret(self) -> Self:
        require_strong(self)
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for one in value:
            try:
                network = ipaddress.ip_network(one)
            except ValueError as error:
                raise ValueError(f"{one!r} is no address and no network such as 172.30.8.0/24") from error
            if network.prefixlen < _WIDEST[network.version]:
                raise ValueError(f"{one!r} trusts whoever calls to say where they call from; name the proxies alone")
        return value

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

    @property
    def resolved_direct_url(self) -> str:
        """The configured database without a pooler before it."""
        return self.database_direct_url or self.resolved_database_url

    @property
    def resolved_record_dir(self) -> Path:
        """The configured folder of the trail's copy, or one in the data directory."""
        return self.record_dir or self.data_dir / "record"

    def require(self, name: str) -> Any:
        """Return the setting `name`, unwrapped when secret.

        Raises:
            SettingsError: it is not set.
        """
        value = getattr(self, name)
        if value is None:
            hint = HOW_TO_MAKE.get(name, "")
            raise SettingsError(f"CAMPUSGATE_{name.upper()} is not set{hint}")
        return value.get_secret_value() if isinstance(value, SecretStr) else value

    def require_key(self, name: str) -> bytes:
        """Return the 32 bytes of the base64 setting `name`.

        Raises:
            SettingsError: it is not set, is no base64, or has another length.
        """
        return decode_key(self.require(name), f"CAMPUSGATE_{name.upper()}", HOW_TO_MAKE[name])

    def key_if_set(self, name: str) -> bytes | None:
        """Return the 32 bytes of the base64 setting `name`, or None where it is not set.

        Raises:
            SettingsError: it is no base64, or has another length.
        """
        return None if getattr(self, name) is None else self.require_key(name)

    def older_template_keys(self) -> dict[int, bytes]:
        """Return the 32 bytes of each key in `previous_template_keys`, by number.

        Raises:
            SettingsError: one is no base64 or has another length.
        """
        keys = {}
        for number, text in self.previous_template_keys.items():
            keys[number] = decode_key(text.get_secret_value(), f"CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS: key {number}")
        return keys

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
        require_known_variables(os.environ, cls)
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings, file_secret_settings)
        if path := os.environ.get("CAMPUSGATE_CONFIG"):
            if not Path(path).is_file():
                raise SettingsError(f"CAMPUSGATE_CONFIG names {path}, which is not a file")
            # Checked here, with our words; the source reads it again.
            read_toml(Path(path), cls, dict, SettingsError)
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=path),)
        return sources
