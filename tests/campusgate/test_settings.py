import base64
import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import get_args, get_origin
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ValidationError

from accounts.payments.limits import Limits, MealPeriod
from accounts.people.phone_webhook import WebhookCodeSender
from campusgate.settings import Settings, SettingsError
from campusgate.settings.accounts import MealSettings
from campusgate.settings.door_file import read_door_file
from campusgate.wiring.accounts import make_accounts, make_money
from database import Database
from gate_controller.door_file import DoorFileError
from models.embedders.registry import DEFAULT_EMBEDDER, EMBEDDERS
from tests.keys import key, key_text

KEY = key_text("templates")


def test_the_embedder_is_the_default_one_of_the_models() -> None:
    assert Settings().embedder == DEFAULT_EMBEDDER


def test_the_former_name_of_an_embedder_is_understood(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_EMBEDDER", "fused")
    monkeypatch.setenv("CAMPUSGATE_ENROLLMENT__NEXT_EMBEDDER", "fused")
    settings = Settings()
    assert settings.embedder == settings.enrollment.next_embedder == "mobilefacenet+dlib-resnet"
    assert settings.embedder in EMBEDDERS


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
    assert Settings().require_key("template_key") == key("templates")


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


def _variables(model: type[BaseModel], prefix: str = "CAMPUSGATE_") -> Iterator[str]:
    """Every variable that can be set, as it is written; a list or map of settings is one variable."""
    for name, field in model.model_fields.items():
        nested = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_model(kind)]
        is_one = get_origin(field.annotation) in {list, dict}
        for kind in [] if is_one else nested:
            yield from _variables(kind, f"{prefix}{name.upper()}__")
        if is_one or not nested:
            yield f"{prefix}{name.upper()}"


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _named_on(page: str) -> set[str]:
    """Every variable that the page's tables name, where `__REST` stands for the one before it with another end."""
    named, stem = set(), ""
    for word in re.findall(r"`((?:CAMPUSGATE|_)_[A-Z_]+)`", page):
        stem = word.rpartition("__")[0] if word.startswith("CAMPUSGATE") else stem
        named.add(word if word.startswith("CAMPUSGATE") else stem + word)
    return named


def test_the_deployment_page_names_every_setting_and_no_other() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "deployment.md").read_text(encoding="utf-8")
    settings = set(_variables(Settings)) - {"CAMPUSGATE_DEMONSTRATION"}
    rows = "\n".join(line for line in page.splitlines() if line.startswith("| `CAMPUSGATE_"))
    assert _named_on(rows) == settings


def test_a_webhook_without_the_secret_it_is_signed_with_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_ALARMS__WEBHOOK_URL", "https://duty.example/alarms")
    with pytest.raises(ValidationError, match=r"alarms\n.*webhook_url needs webhook_secret"):
        Settings()


@pytest.mark.parametrize("ends", ["24:00", "23:59", "00:00"])
def test_a_meal_may_last_until_the_end_of_the_day(ends: str) -> None:
    meal = MealSettings(name="supper", begins="21:00", ends=ends)
    period = MealPeriod(meal.name, meal.begins, meal.ends)
    late = datetime(2026, 9, 7, 23, 59, 30, tzinfo=UTC)
    assert period.date_of(late) == late.date()
    assert period.date_of(late + timedelta(seconds=30)) is None
    assert MealPeriod("all", time(0), time(0)).date_of(late) == late.date()


def test_meals_and_limits_are_configured(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CAMPUSGATE_SPENDING__MEAL_LIMIT", "2000")
    monkeypatch.setenv("CAMPUSGATE_SPENDING__MEALS", '[{"name": "lunch", "begins": "11:00", "ends": "13:30"}]')
    monkeypatch.setenv("CAMPUSGATE_PHONE_CODES__WEBHOOK_URL", "https://sms.example/codes")
    monkeypatch.setenv("CAMPUSGATE_PHONE_CODES__WEBHOOK_SECRET", "shared by two")
    settings = Settings()
    database = Database(f"sqlite:///{tmp_path / 'one.db'}")
    accounts = make_accounts(settings, database, bytes(32))
    money = make_money(settings, accounts)
    money.writer.close()
    database.close()
    assert money.default_limits == Limits(2_000, 10_000)
    assert money.meals == (MealPeriod("lunch", time(11), time(13, 30)),)
    assert isinstance(accounts.code_sender, WebhookCodeSender)


def test_a_meal_may_not_cost_more_than_a_day(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_SPENDING__MEAL_LIMIT", "10001")
    with pytest.raises(ValidationError, match="must not be above"):
        Settings()


SAID = "was not drawn by lot"


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        (bytes(32), "repeats the same bytes"),
        (b"\xa7" * 32, "repeats the same bytes"),
        (bytes(range(4)) * 8, "repeats the same bytes"),
        (bytes(range(32)), "counts"),
        (bytes(range(255, 223, -1)), "counts"),
        (bytes(range(1, 80, 5)) * 2, "repeats the same bytes"),
        (bytes(range(1, 80, 5)) + bytes(range(76, 0, -5)), "repeats the same bytes"),
        (b"correct horse battery staple, 42", "is readable text"),
        ("校园门禁系统的密钥二〇".encode()[:30] + b"26", "is readable text"),
    ],
)
@pytest.mark.parametrize("name", ["template_key", "token_secret", "credential_key"])
def test_a_key_that_nobody_drew_by_lot_is_refused_without_showing_it(monkeypatch, name: str, weak: bytes, why) -> None:
    text = base64.b64encode(weak).decode()
    monkeypatch.setenv(f"CAMPUSGATE_{name.upper()}", text)
    with pytest.raises(SettingsError, match=f"CAMPUSGATE_{name.upper()} {why}: it {SAID}; make one with") as refused:
        Settings().require_key(name)
    assert text not in str(refused.value)


def test_a_weak_key_of_before_is_refused_too(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS", json.dumps({"1": base64.b64encode(bytes(32)).decode()}))
    with pytest.raises(SettingsError, match=SAID):
        Settings().older_template_keys()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TEMPLATE_KEY", "TOKEN_SECRET"),
        ("TEMPLATE_KEY", "CREDENTIAL_KEY"),
        ("TOKEN_SECRET", "CREDENTIAL_KEY"),
        ("TOKEN_SECRET", "METRICS_TOKEN"),
        ("MQTT__PASSWORD", "ALARMS__WEBHOOK_SECRET"),
    ],
)
def test_one_secret_for_two_purposes_is_refused(monkeypatch, one: str, other: str) -> None:
    for name in (one, other):
        monkeypatch.setenv(f"CAMPUSGATE_{name}", KEY)
    with pytest.raises(SettingsError, match="are the same") as refused:
        Settings()
    assert f"CAMPUSGATE_{one}" in str(refused.value)
    assert f"CAMPUSGATE_{other}" in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_password_that_is_its_users_name_is_refused(monkeypatch) -> None:
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"CAMPUSGATE_MQTT__{name}", "gates-of-the-north")
    with pytest.raises(SettingsError, match="CAMPUSGATE_MQTT__PASSWORD is the name of something"):
        Settings()


def test_a_library_that_wants_no_password_is_given_none(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_LIBRARY_FINES__HOST", "127.0.0.1")
    assert Settings().library_fines.password.get_secret_value() == ""


def test_one_key_written_in_two_ways_is_one_key(monkeypatch) -> None:
    # 32 bytes end in a group of two characters and a "=", of which the last two bits mean nothing.
    end = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(KEY[-2])
    other = KEY[:-2] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[end + 1] + "="
    assert base64.b64decode(other) == base64.b64decode(KEY)
    monkeypatch.setenv("CAMPUSGATE_TOKEN_SECRET", KEY)
    monkeypatch.setenv("CAMPUSGATE_CREDENTIAL_KEY", other)
    with pytest.raises(SettingsError, match="are the same"):
        Settings()


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3"])
def test_half_the_internet_is_no_proxy(monkeypatch, network: str) -> None:
    monkeypatch.setenv("CAMPUSGATE_TRUSTED_PROXIES", json.dumps([network]))
    with pytest.raises(ValidationError, match="name the proxies alone"):
        Settings()


def test_a_key_in_its_own_past_is_one_secret_twice(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_TEMPLATE_KEY", KEY)
    monkeypatch.setenv("CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS", json.dumps({"7": KEY}))
    with pytest.raises(SettingsError, match="are the same"):
        Settings()


@pytest.mark.parametrize(
    "weak",
    ["password", "Password1", "P@ssword123", "passw0rd!", "12345678", "0123456789", "987654321", "changeme",
     "change-me", "secret12", "aaaaaaaaaaaa", "abababab", "abcdefgh", "campusgate", "campusgate1", "qwerty123",
     "admin1234", "short", "1q2w3e4r5t6y", "1qaz2wsx3edc", "administrator", "mosquitto2026", "iloveyou1234",
     "Server-Orders", "202609012026", "woaini1314520", "welcome2026!!", "abc123456789"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["MQTT__PASSWORD", "ALARMS__WEBHOOK_SECRET"])
def test_a_password_that_everybody_tries_first_is_refused_without_showing_it(monkeypatch, name, weak: str) -> None:
    monkeypatch.setenv(f"CAMPUSGATE_{name}", weak)
    with pytest.raises(SettingsError, match=f"CAMPUSGATE_{name} .*openssl rand") as refused:
        Settings()
    assert weak not in str(refused.value)


@pytest.mark.parametrize("strong", ["hunter2hunter2", "b3f1c2d4e5a6978812ab", "ein langer Satz am Tor"])
def test_other_passwords_are_taken(monkeypatch, strong: str) -> None:
    monkeypatch.setenv("CAMPUSGATE_MQTT__PASSWORD", strong)
    assert Settings().mqtt.password.get_secret_value() == strong


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CAMPUSGATE_TEMPLATEKEY", "CAMPUSGATE_TEMPLATE_KEY"),
        ("CAMPUSGATE_MQTT__PASWORD", "CAMPUSGATE_MQTT__PASSWORD"),
        ("CAMPUSGATE_MQTT_HOST", "CAMPUSGATE_MQTT__HOST"),
        ("CAMPUSGATE_ALARMS__MAIL__RECIPIENT", "CAMPUSGATE_ALARMS__MAIL__RECIPIENTS"),
        ("CAMPUSGATE_TWO_PERSONS_ORDERS", "CAMPUSGATE_TWO_PERSON_ORDERS"),
        ("campusgate_sit", "CAMPUSGATE_SITE"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_one_that_was_meant(monkeypatch, name, meant: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=rf"{name} is no setting; did you mean {meant}\?"):
        Settings()


def test_a_variable_that_is_like_none_is_refused_all_the_same(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_ZZZZ__YYYY", "x")
    with pytest.raises(SettingsError, match=r"CAMPUSGATE_ZZZZ__YYYY is no setting$"):
        Settings()


def test_maps_and_whole_parts_may_be_written_in_either_way(monkeypatch) -> None:
    monkeypatch.setenv("CAMPUSGATE_CHANNEL_SECRETS__WECOM", "a secret with the wecom app, long")
    monkeypatch.setenv("CAMPUSGATE_MQTT", '{"host": "broker.example"}')
    assert Settings().mqtt.host == "broker.example"
    assert [channel.value for channel in Settings().channel_secrets] == ["wecom"]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("sight = 'main'", "site"),
        ("[mqtt]\nhots = 'broker'", "mqtt.host"),
        ("[alarms.mail]\nreciepients = []", "alarms.mail.recipients"),
    ],
)  # fmt: skip
def test_a_key_of_the_file_that_is_no_setting_is_refused(monkeypatch, tmp_path, line: str, meant: str) -> None:
    file = tmp_path / "campusgate.toml"
    file.write_text(line)
    monkeypatch.setenv("CAMPUSGATE_CONFIG", str(file))
    with pytest.raises(SettingsError, match=rf"there is no setting [a-z_.]+; did you mean {meant}\?"):
        Settings()


def test_a_key_of_a_doors_file_that_is_no_setting_is_refused(tmp_path) -> None:
    file = tmp_path / "door.toml"
    file.write_text("[door]\nunlock_s = 5\n[relay]\ndriver = 'simulated'\n")
    with pytest.raises(DoorFileError, match=r"there is no setting door\.unlock_s"):
        read_door_file(file)


@pytest.mark.parametrize("value", ['["proxy.example"]', '["10.0.0.1/8"]', '["*"]'])
def test_a_proxy_is_an_address_or_a_network(monkeypatch, value: str) -> None:
    monkeypatch.setenv("CAMPUSGATE_TRUSTED_PROXIES", value)
    with pytest.raises(ValidationError, match="no address and no network"):
        Settings()


def test_no_secret_stands_in_the_text_of_the_settings() -> None:
    """A traceback or a log line shows values by their `repr`."""
    numbers = itertools.count(1)

    def secret() -> str:
        return f"b3f1c2d4-hush-{next(numbers):04}"

    def url() -> str:
        return f"https://user:{secret()}@hooks.example/?token={secret()}"

    settings = Settings(
        camera=f"rtsp://admin:{secret()}@10.0.0.1/main",
        database_url=f"postgresql://campusgate:{secret()}@database/campusgate",
        device_token=secret(),
        template_key=secret(),
        token_secret=secret(),
        credential_key=secret(),
        metrics_token=secret(),
        previous_template_keys={1: secret()},
        channel_secrets={"wecom": secret()},
        mqtt={"username": "server", "password": secret(), "orders_username": "orders", "orders_password": secret()},
        phone_codes={"webhook_url": url(), "webhook_secret": secret()},
        oidc={"issuer": "https://id.example", "client_id": "gate", "client_secret": secret(), "redirect_uri": "x"},
        alarms={"webhook_url": url(), "webhook_secret": secret(),
                "mail": {"host": "mail", "sender": "a@b", "recipients": ["a@b"], "username": "u",
                         "password": secret()}},
        enrollment={"webhook_url": url(), "webhook_secret": secret()},
    )  # fmt: skip
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)
