"""`campusgate setup secrets`: every secret of a server is another, and what lay under the ones before still opens."""

from pathlib import Path
from unittest.mock import patch

from sqlalchemy import select

from accounts import passwords
from accounts.tables import Password
from campusgate.settings import Settings
from campusgate.wiring.accounts import make_hasher
from campusgate.wiring.key_checks import require_right_key
from campusgate.wiring.sealer import make_sealer
from database import Database
from tests.campusgate.setup.installed import Installed, bare, set_up
from tests.command_line import run
from tests.databases import begin

RENEWED = (
    "TOKEN_SECRET", "PASSWORD_KEY", "TEMPLATE_KEY", "TEMPLATE_KEY_NUMBER", "METRICS_TOKEN", "MQTT__PASSWORD",
    "MQTT__ORDERS_PASSWORD", "PREVIOUS_PASSWORD_KEY", "PREVIOUS_TEMPLATE_KEYS",
)  # fmt: skip


def settings_of(place: Installed) -> Settings:
    values = {name: value.strip("'") for name, value in place.read_settings().items()}
    with patch.dict("os.environ", bare() | values, clear=True):
        return Settings()


def users_of(place: Installed) -> dict[str, str]:
    lines = (place.under / "etc/mosquitto/campusgate.passwords").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":", 1) for line in lines)


def test_every_secret_is_renewed_in_two_steps_and_nothing_is_lost(tmp_path: Path) -> None:
    place = set_up(tmp_path)
    begin(tmp_path / "var/lib/campusgate/server")
    place.run("people", "add", "A0001", "王工", "--kind", "staff")
    place.run("people", "grant", "A0001", "admin")
    given = run(
        *("--env-file", place.etc / "server.env", "people", "password", "A0001"),
        environment=bare(),
        stdin="correct horse battery staple\n",
    )
    assert given.returncode == 0, given.stderr
    before, users, old = place.read_settings(), users_of(place), settings_of(place)
    sealed = make_sealer(old).seal(b"a face", b"here")

    place.run("setup", "secrets", "--under", place.under)
    after = place.read_settings()
    changed = {name.removeprefix("CAMPUSGATE_") for name in after if after[name] != before.get(name)}
    assert changed == set(RENEWED)
    assert all(users_of(place)[name] != users[name] for name in ("server", "server-orders", "staff"))
    assert place.read_settings("staff")["CAMPUSGATE_MQTT__PASSWORD"] not in before.values()

    new = settings_of(place)
    database = Database(new.resolved_database_url, credential_key=new.key_if_set("credential_key"))
    assert make_sealer(new).open(sealed, b"here") == b"a face"
    require_right_key(database, make_sealer(new))
    assert passwords.seal_stored(database, make_hasher(new)) == 1, "as the server does when it starts"
    again = run("setup", "secrets", "--under", place.under, environment=bare())
    assert (again.returncode, "finish with it first" in again.stderr) == (2, True)
    place.run("templates", "rotate")

    place.run("setup", "secrets", "--finish", "--under", place.under)
    assert not any(name.startswith("CAMPUSGATE_PREVIOUS") for name in place.read_settings())
    place.run("config", "check")
    with database.read() as session:
        stored = session.scalars(select(Password.hash)).one()
    assert make_hasher(settings_of(place)).verify("correct horse battery staple", stored)
    database.close()
