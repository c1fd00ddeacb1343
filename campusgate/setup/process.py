"""Settings and unit of a process that is no gate's: a reader of meters, a library's gateway, a dispenser, a shower."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from campusgate.setup.environment import fill_example
from campusgate.setup.files import OF_ACCOUNT, READ_BY_ACCOUNT, SetupError, Writer
from campusgate.setup.gate_link import find_authority, require_confidential
from campusgate.setup.places import Places
from campusgate.setup.server import AUTHORITY, add_account, install_units
from messages import make_private_key, public_key_text, read_private_key

PROCESSES: Final[Mapping[str, bool]] = MappingProxyType(
    {"meters": False, "library": False, "dispenser": False, "shower": True}
)
"""Those that can be set up, and whether there may be several on a machine, each with a name."""


@dataclass(frozen=True, slots=True)
class ProcessMade:
    """What was set up."""

    unit: str
    environment: Path
    written: tuple[Path, ...]
    public_key: str | None
    """Of a process that signs what it says."""


def set_up_process(process: str, name: str | None, server_url: str | None, places: Places) -> ProcessMade:
    """Write account, settings, key and unit of the process; settings and key that are there stay as they are.

    Raises:
        SetupError: the process has a name or none against its kind, the server is not believed, or a file cannot be
            written.
    """
    if PROCESSES[process] is (name is None):
        raise SetupError(
            f"give the {process} a name, as its files and its unit shall have"
            if name is None
            else f"a machine has one {process}, which has no name"
        )
    writer = Writer(places, [])
    add_account(writer)
    writer.make_folder("/etc/campusgate", READ_BY_ACCOUNT, 0o750)
    called = process if name is None else f"{process}-{name}"
    values = _find_server(server_url, places) if server_url is not None else {}
    public_key = None
    if process == "shower":
        signing_key, public_key = _make_key(writer, called)
        values |= {
            "CAMPUSGATE_DATA_DIR": str(places.at(f"/var/lib/campusgate/{called}")),
            "CAMPUSGATE_SIGNING_KEY_FILE": str(signing_key),
            "CAMPUSGATE_TRUSTED_KEYS_FILE": str(_write_new(writer, f"{called}-trusts.json", "{}\n")),
        }
    example = places.read_shipped(f"{process}.env.example")
    environment = _write_new(writer, f"{called}.env", fill_example(example, values))
    shipped = f"campusgate-{process}" if name is None else f"campusgate-{process}@"
    install_units(writer, [f"{shipped}.service"])
    return ProcessMade(f"{shipped}{name or ''}", environment, tuple(writer.written), public_key)


def _find_server(url: str, places: Places) -> dict[str, str]:
    """Return the settings by which the server is found and believed."""
    url, given = require_confidential(url), places.at(AUTHORITY)
    if not given.exists():
        try:
            authority = find_authority(url, None)
        except SetupError as error:
            raise SetupError(f"{error}; copy /etc/campusgate/ca.pem of the server to {given} first") from error
    else:
        authority = find_authority(url, given)
    return {"CAMPUSGATE_SERVER_URL": url, "CAMPUSGATE_SERVER_CA_FILE": str(authority or "")}


def _make_key(writer: Writer, called: str) -> tuple[Path, str]:
    """Return the file of the signing key, made where there is none, and its public key."""
    path = f"/etc/campusgate/{called}.pem"
    file = writer.places.at(path)
    if file.exists():
        return file, public_key_text(read_private_key(file))
    public_key = public_key_text(make_private_key(file))
    writer.write(path, file.read_bytes(), OF_ACCOUNT, 0o600)
    return file, public_key


def _write_new(writer: Writer, name: str, text: str) -> Path:
    """Write a file of settings where none is; return where it is."""
    path = f"/etc/campusgate/{name}"
    if not writer.places.at(path).exists():
        writer.write(path, text, READ_BY_ACCOUNT, 0o640)
    return writer.places.at(path)
