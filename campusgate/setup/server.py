"""The server's side on one machine: keys, certificates, the broker's files, the environment file, the units."""

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campusgate.setup import mosquitto
from campusgate.setup.certificates import Issued, issue_certificate, make_authority, read_names
from campusgate.setup.environment import fill_example, make_key, make_password
from campusgate.setup.files import (
    ACCOUNT,
    OF_ACCOUNT,
    READ_BY_ACCOUNT,
    READ_BY_MOSQUITTO,
    ROOT,
    SetupError,
    Writer,
)
from campusgate.setup.places import Places
from messages import make_private_key
from messages.permissions import mosquitto_acl

ENVIRONMENT: Final = "/etc/campusgate/server.env"
AUTHORITY: Final = "/etc/campusgate/ca.pem"
AUTHORITY_KEY: Final = "/etc/campusgate/ca.key"
CERTIFICATE: Final = "/etc/campusgate/server.crt"
CERTIFICATE_KEY: Final = "/etc/campusgate/server.key"
BROKER_CERTIFICATE: Final = "/etc/mosquitto/certs/broker.pem"
BROKER_KEY: Final = "/etc/mosquitto/certs/broker.key"
STAFF_KEY: Final = "/etc/campusgate/staff.pem"
STAFF_ENVIRONMENT: Final = "/etc/campusgate/staff.env"
TRUSTED: Final = "/var/lib/campusgate/server/trusts.json"
SYSUSERS: Final = "/usr/lib/sysusers.d/campusgate.conf"
UNITS: Final = "/etc/systemd/system"
BACKUPS: Final = "/var/backups/campusgate"
SERVER_UNITS: Final = ("campusgate-server.service", "campusgate-backup.service", "campusgate-backup.timer")

_LOCAL: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What was asked for. `name` and `broker_name` are host names or addresses under which gates find them."""

    name: str
    broker_name: str
    site: str
    time_zone: str
    database_url: str | None = None
    behind_proxy: bool = False
    port: int = 8443
    broker_port: int = 8883

    @property
    def url(self) -> str:
        """Where people and gates find the server."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"https://{name}" if self.behind_proxy else f"https://{name}:{self.port}"


def set_up_server(plan: ServerPlan, places: Places) -> list[Path]:
    """Write everything that the server's side needs; return the files.

    Raises:
        SetupError: it was set up before, or something stands in the way.
    """
    if (done := places.at(ENVIRONMENT)).exists():
        raise SetupError(
            f"{done} is there: this server was set up already, and new keys would open nothing of what it keeps; "
            f"see whether it works: campusgate --env-file {done} doctor"
        )
    writer = Writer(places, [])
    add_account(writer)
    make_folders(writer)
    issue_certificates(writer, plan, _make_authority(writer, plan.site))
    _write_staff_key(writer)
    passwords = {user: make_password() for user in ("server", "server-orders", "staff")}
    _write_broker_files(writer, plan, passwords)
    _write_staff_environment(writer, plan, passwords["staff"])
    install_units(writer, SERVER_UNITS)
    # Last: a set-up that was cut off is begun anew.
    _write_environment(writer, plan, passwords)
    return writer.written


def add_account(writer: Writer) -> None:
    """Make the account that the processes run as, where there is none.

    Raises:
        SetupError: it cannot be made.
    """
    places = writer.places
    if not places.is_machine:
        return
    writer.write(SYSUSERS, places.read_shipped("systemd/sysusers.conf"), ROOT, 0o644)
    program = shutil.which("systemd-sysusers")
    if program is None:
        raise SetupError(f"systemd-sysusers is not installed: add the account {ACCOUNT} with your own tool first")
    made = subprocess.run([program, SYSUSERS], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise SetupError(f"systemd-sysusers could not add the account {ACCOUNT}: {made.stderr.strip()}")


def make_folders(writer: Writer) -> None:
    """Make the folders that a server's files stand in."""
    writer.make_folder("/etc/campusgate", READ_BY_ACCOUNT, 0o750)
    for folder in ("/var/lib/campusgate", "/var/lib/campusgate/server", "/var/lib/campusgate/record"):
        writer.make_folder(folder, OF_ACCOUNT, 0o700)
    writer.make_folder("/var/cache/campusgate", OF_ACCOUNT, 0o700)
    writer.make_folder(BACKUPS, OF_ACCOUNT, 0o700)
    writer.make_folder("/etc/mosquitto/certs", READ_BY_MOSQUITTO, 0o750)
    if not writer.places.is_machine:
        writer.make_folder("/var/lib/mosquitto", READ_BY_MOSQUITTO, 0o700)
        writer.make_folder("/run", ROOT, 0o755)


def install_units(writer: Writer, units: Sequence[str]) -> None:
    """Copy units of `deploy/systemd/`, and let systemd read them."""
    for unit in units:
        writer.write(f"{UNITS}/{unit}", writer.places.read_shipped(f"systemd/{unit}"), ROOT, 0o644)
    if writer.places.has_systemd and (systemctl := shutil.which("systemctl")) is not None:
        subprocess.run([systemctl, "daemon-reload"], check=False)


def issue_certificates(writer: Writer, plan: ServerPlan, authority: Issued) -> None:
    """Write new certificates of the broker, and of the server where it speaks TLS itself."""
    broker = issue_certificate(authority, list(dict.fromkeys([plan.broker_name, *_LOCAL])))
    writer.write(BROKER_CERTIFICATE, broker.certificate, READ_BY_MOSQUITTO, 0o640)
    writer.write(BROKER_KEY, broker.key, READ_BY_MOSQUITTO, 0o640)
    if not plan.behind_proxy:
        server = issue_certificate(authority, list(dict.fromkeys([plan.name, *_LOCAL])))
        writer.write(CERTIFICATE, server.certificate, READ_BY_ACCOUNT, 0o640)
        writer.write(CERTIFICATE_KEY, server.key, READ_BY_ACCOUNT, 0o640)


def renew_certificates(places: Places) -> list[Path]:
    """Write new certificates by the campus's authority, for the names of those that are there; return the files.

    Raises:
        SetupError: this machine holds no authority.
    """
    writer = Writer(places, [])
    try:
        authority = Issued(places.at(AUTHORITY).read_bytes(), places.at(AUTHORITY_KEY).read_bytes())
    except OSError as error:
        raise SetupError(f"{error.filename} cannot be read: {error.strerror}; it is made by `setup server`") from error
    kinds = ((CERTIFICATE, CERTIFICATE_KEY, READ_BY_ACCOUNT), (BROKER_CERTIFICATE, BROKER_KEY, READ_BY_MOSQUITTO))
    for certificate, key, owner in kinds:
        if (file := places.at(certificate)).exists():
            made = issue_certificate(authority, read_names(file.read_bytes()))
            writer.write(certificate, made.certificate, owner, 0o640)
            writer.write(key, made.key, owner, 0o640)
    return writer.written


def _make_authority(writer: Writer, site: str) -> Issued:
    authority = make_authority(site)
    writer.write(AUTHORITY, authority.certificate, READ_BY_ACCOUNT, 0o644)
    writer.write(AUTHORITY_KEY, authority.key, ROOT, 0o600)
    return authority


def _write_staff_key(writer: Writer) -> None:
    file = writer.places.at(STAFF_KEY)
    file.unlink(missing_ok=True)
    make_private_key(file)
    writer.write(STAFF_KEY, file.read_bytes(), OF_ACCOUNT, 0o600)
    writer.write(TRUSTED, "{}\n", OF_ACCOUNT, 0o600)


def _write_broker_files(writer: Writer, plan: ServerPlan, passwords: dict[str, str]) -> None:
    places = writer.places
    if not places.is_machine:
        writer.write("/etc/mosquitto/mosquitto.conf", mosquitto.make_trial_main(places), ROOT, 0o644)
    writer.write(mosquitto.CONFIGURATION, mosquitto.make_configuration(places, plan.broker_port), ROOT, 0o644)
    writer.write(mosquitto.PASSWORDS, mosquitto.with_users("", passwords), READ_BY_MOSQUITTO, 0o640)
    writer.write(mosquitto.ACCESS_LIST, mosquitto_acl(plan.site, []), READ_BY_MOSQUITTO, 0o640)


def _write_staff_environment(writer: Writer, plan: ServerPlan, password: str) -> None:
    values = {
        "CAMPUSGATE_SITE": plan.site,
        "CAMPUSGATE_MQTT__PORT": str(plan.broker_port),
        "CAMPUSGATE_MQTT__PASSWORD": password,
    }
    writer.write(STAFF_ENVIRONMENT, fill_example(writer.places.read_shipped("staff.env.example"), values), ROOT, 0o600)


def _write_environment(writer: Writer, plan: ServerPlan, passwords: dict[str, str]) -> None:
    places = writer.places
    values = {
        "CAMPUSGATE_SITE": plan.site,
        "CAMPUSGATE_TIME_ZONE": plan.time_zone,
        "CAMPUSGATE_DATABASE_URL": plan.database_url or "",
        "CAMPUSGATE_SERVER_HOST": "127.0.0.1" if plan.behind_proxy else "0.0.0.0",  # noqa: S104 - gates reach it
        "CAMPUSGATE_SERVER_PORT": str(plan.port),
        "CAMPUSGATE_SERVER_URL": plan.url,
        "CAMPUSGATE_SERVER_CERT_FILE": "" if plan.behind_proxy else str(places.at(CERTIFICATE)),
        "CAMPUSGATE_SERVER_KEY_FILE": "" if plan.behind_proxy else str(places.at(CERTIFICATE_KEY)),
        "CAMPUSGATE_SERVER_CA_FILE": "" if plan.behind_proxy else str(places.at(AUTHORITY)),
        "CAMPUSGATE_TRUSTED_PROXIES": '["127.0.0.1"]' if plan.behind_proxy else "[]",
        **{f"CAMPUSGATE_{name}": make_key() for name in ("TEMPLATE_KEY", "TOKEN_SECRET", "PASSWORD_KEY")},
        "CAMPUSGATE_CREDENTIAL_KEY": make_key(),
        "CAMPUSGATE_MQTT__PORT": str(plan.broker_port),
        "CAMPUSGATE_MQTT__PUBLIC_HOST": plan.broker_name,
        "CAMPUSGATE_MQTT__PASSWORD": passwords["server"],
        "CAMPUSGATE_MQTT__ORDERS_PASSWORD": passwords["server-orders"],
        "CAMPUSGATE_METRICS_TOKEN": secrets.token_hex(24),
    }
    writer.write(ENVIRONMENT, fill_example(places.read_shipped("server.env.example"), values), READ_BY_ACCOUNT, 0o640)
