import base64
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from campusgate.settings import MqttSettings, Settings, SettingsError

KEY = base64.b64encode(bytes(range(32))).decode()


def test_nested_settings_come_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_MQTT__HOST", "broker.example")
    monkeypatch.setenv("CAMPUSGATE_MQTT__PORT", "8883")
    assert (Settings().mqtt.host, Settings().mqtt.port) == ("broker.example", 8883)


def test_the_environment_goes_before_the_file(monkeypatch, tmp_path) -> None:
    file = tmp_path / "campusgate.toml"
    file.write_text('site = "north-campus"\ntime_zone = "Asia/Tokyo"\n')
    monkeypatch.setenv("CAMPUSGATE_CONFIG", str(file))
    monkeypatch.setenv("CAMPUSGATE_SITE", "south-campus")
    settings = Settings()
    assert settings.site == "south-campus"
    assert settings.time_zone == ZoneInfo("Asia/Tokyo")


def test_a_missing_file_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CAMPUSGATE_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(SettingsError, match=r"absent\.toml, which is not a file"):
        Settings()


def test_a_missing_secret_is_named_with_the_way_to_make_one() -> None:
    with pytest.raises(SettingsError, match="CAMPUSGATE_TEMPLATE_KEY is not set; make one with"):
        Settings().require_key("template_key")


@pytest.mark.parametrize(("value", "complaint"), [("no base64!", "not base64"), ("c2hvcnQ=", "holds 5 bytes, 32")])
def test_a_key_of_another_form_is_refused_without_showing_it(monkeypatch, value: str, complaint: str) -> None:
    monkeypatch.setenv("CAMPUSGATE_TEMPLATE_KEY", value)
    with pytest.raises(SettingsError, match=complaint) as refused:
        Settings().require_key("template_key")
    assert value not in str(refused.value)


def test_a_key_comes_back_as_bytes(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_TEMPLATE_KEY", KEY)
    assert Settings().require_key("template_key") == bytes(range(32))


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_TEMPLATE_KEY", KEY)
    monkeypatch.setenv("CAMPUSGATE_MQTT__PASSWORD", "hunter2hunter2")
    assert KEY not in repr(Settings())
    assert "hunter2" not in repr(Settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [("TIME_ZONE", "Mars/Olympus"), ("SITE", "Main Campus"), ("SERVER_PORT", "99999"), ("MQTT__CERT_FILE", "a.pem")],
)
def test_impossible_settings_are_refused(monkeypatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CAMPUSGATE_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_the_deployment_page_names_every_setting() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "deployment.md").read_text(encoding="utf-8")
    own = {name for name in Settings.model_fields if name not in {"mqtt", "demonstration"}}
    missing = [name for name in own if f"CAMPUSGATE_{name.upper()}" not in page]
    assert missing + [name for name in MqttSettings.model_fields if f"__{name.upper()}`" not in page] == []
