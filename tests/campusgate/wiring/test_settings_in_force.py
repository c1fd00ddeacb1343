"""What the page of settings is told: every setting, where it came from, and no secret."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from campusgate.settings import MqttSettings, Settings
from campusgate.wiring.settings_in_force import list_settings
from console.server_facts import SettingInForce, SettingSource
from console.texts import TEXTS

SECRET = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


def found(settings: Settings, environment: dict[str, str] | None = None) -> dict[str, SettingInForce]:
    return {one.name.removeprefix("CAMPUSGATE_"): one for one in list_settings(settings, environment or {})}


def test_every_setting_stands_there_with_its_meaning() -> None:
    names = set(found(Settings()))
    assert {"SITE", "MQTT__HOST", "ALARMS__MAIL__HOST", "OIDC__CLIENT_SECRET"} <= names
    assert "DEMONSTRATION" not in names
    assert {f"setting.{name.lower()}" for name in names} <= set(TEXTS)
    rooms = {name.partition("__")[0].lower() for name in names if "__" in name}
    assert {f"setting_room.{room}" for room in rooms} <= set(TEXTS)


def test_a_secret_is_only_said_to_be_set() -> None:
    settings = Settings(
        token_secret=SecretStr(SECRET),
        database_url="postgresql://campus:a-long-word-of-its-own@db/campus",
        mqtt=MqttSettings(password=SecretStr("a-word-between-machines")),
        channel_secrets={"wecom": SecretStr("w" * 8 + "0123456789abcdefghijklmnopqrstuv")},
    )
    shown = found(settings)
    for name in ("TOKEN_SECRET", "DATABASE_URL", "MQTT__PASSWORD", "CHANNEL_SECRETS"):
        assert (shown[name].is_secret, shown[name].is_set, shown[name].value) == (True, True, None), name
    assert (shown["METRICS_TOKEN"].is_secret, shown["METRICS_TOKEN"].is_set) == (True, False)
    assert "a-long-word" not in repr(shown)
    assert shown["OIDC__ISSUER"].is_set is False


def test_it_is_known_where_a_value_came_from(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "campusgate.toml"
    file.write_text('site = "west"\n[mqtt]\nhost = "broker.example"\n', encoding="utf-8")
    environment = {"CAMPUSGATE_CONFIG": str(file), "CAMPUSGATE_SYNC_INTERVAL": "PT30S", "CAMPUSGATE_SITE": ""}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = found(Settings(), environment)
    assert (shown["SITE"].value, shown["SITE"].source) == ("west", SettingSource.FILE)
    assert (shown["MQTT__HOST"].value, shown["MQTT__HOST"].source) == ("broker.example", SettingSource.FILE)
    assert (shown["SYNC_INTERVAL"].value, shown["SYNC_INTERVAL"].source) == (
        str(timedelta(seconds=30)),
        SettingSource.ENVIRONMENT,
    )
    assert shown["SERVER_PORT"].source is SettingSource.DEFAULT
