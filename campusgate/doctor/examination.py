"""Which links are examined of a server, of a gate's processes, and of those beside the gates."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from campusgate.doctor import (
    broker,
    camera,
    card_dispenser,
    database,
    door,
    face_models,
    identity_providers,
    kernel_clock,
    library_fines,
    own_files,
    proxy,
    server_link,
)
from campusgate.doctor.findings import Check, Finding, examine, fault
from campusgate.settings import Settings
from campusgate.settings.errors import describe
from campusgate.settings.required import REQUIRED
from errors import OperatorError

ROLES = tuple(REQUIRED)
_HAS_KEYS = frozenset({"server", "controller", "edge", "shower"})


def find_role(settings: Settings, env_file: Path | None) -> str:
    """Return which process these settings are for: by the name of their file, or by what is set."""
    if env_file is not None and (name := env_file.stem.partition("-")[0]) in ROLES:
        return name
    if settings.gate is None:
        return "server" if settings.dispenser.device is None else "dispenser"
    return "controller" if settings.camera is None else "edge"


def examine_all(settings: Settings, role: str, *, env_file: Path | None, door_file: Path | None) -> Iterator[Finding]:
    """Yield what is found, link by link; none that fails keeps another from being examined."""
    checks: dict[str, Check] = {
        **_of_settings(settings, role, env_file),
        "clock": lambda: [database.check_kernel_clock(is_synchronised=kernel_clock.is_synchronised())],
    }
    if role in {"server", "controller", "edge"}:
        checks |= _of_campus(settings, role, door_file)
    else:
        checks |= _beside_the_gates(settings, role)
    for link, check in checks.items():
        yield from examine(link, check)


def _beside_the_gates(settings: Settings, role: str) -> dict[str, Check]:
    """Return what is examined of who has neither gate nor database."""
    checks: dict[str, Check] = {}
    if role in {"meters", "shower"}:
        checks["folders"] = lambda: own_files.check_folders(settings, role)
    if role in {"shower", "display"}:
        checks["broker"] = lambda: broker.check_broker(settings, signs_in=role == "shower")
    else:
        checks["server"] = lambda: server_link.check_server(settings, role)
    if role == "dispenser":
        checks["dispenser"] = lambda: card_dispenser.check_dispenser(settings)
    return checks


def _of_campus(settings: Settings, role: str, door_file: Path | None) -> dict[str, Check]:
    """Return what is examined of who has keys and the broker."""
    checks: dict[str, Check] = {"folders": lambda: own_files.check_folders(settings, role)}
    if role == "server":
        checks["database"] = lambda: database.check_database(settings)
        checks["proxy"] = lambda: proxy.check_proxy(settings)
        checks["sign-in"] = lambda: identity_providers.check_identity_providers(settings)
        checks["library"] = lambda: library_fines.check_library(settings)
    else:
        checks["server"] = lambda: server_link.check_server(settings, role)
    checks["broker"] = lambda: broker.check_broker(settings)
    if role != "controller":
        checks["models"] = lambda: face_models.check_models(settings)
    if role == "edge":
        checks["camera"] = lambda: camera.check_camera(settings)
    if role == "controller":
        checks["relay"] = lambda: door.check_door(settings, door_file)
    return checks


def examine_settings(role: str | None, env_file: Path | None) -> tuple[str, list[Finding]]:
    """Return whose settings there are and what is found of them alone: nothing else is asked."""
    settings, finding = read_settings()
    if settings is None or finding is not None:
        return role or "machine", [finding] if finding is not None else []
    known = role or find_role(settings, env_file)
    checks = _of_settings(settings, known, env_file)
    return known, [one for link, check in checks.items() for one in examine(link, check)]


def read_settings() -> tuple[Settings | None, Finding | None]:
    """Return the settings, or what is wrong with them."""
    try:
        return Settings(), None
    except ValidationError as error:
        return None, fault("settings", describe(error))
    except OperatorError as error:
        return None, fault("settings", str(error))


def _of_settings(settings: Settings, role: str, env_file: Path | None) -> dict[str, Check]:
    checks: dict[str, Check] = {
        "settings": lambda: own_files.check_environment_file(env_file),
        "secrets": lambda: own_files.check_secrets(settings, role),
    }
    if role == "dispenser":
        checks["dispenser"] = lambda: card_dispenser.check_settings(settings)
    if role in _HAS_KEYS:
        checks["keys"] = lambda: own_files.check_keys(settings, role)
    return checks
