"""What is asked for or given when a machine is set up, and whether it can be meant."""

import os
import re
import socket
from zoneinfo import ZoneInfo

import typer

from campusgate.setup.files import SetupError
from edge.camera import has_credentials, without_credentials

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def ask(value: str | None, question: str, proposed: str, *, asks: bool) -> str:
    """Return what was given, or else what is answered at the terminal, or else what is proposed."""
    if value is not None:
        return value
    return typer.prompt(question, default=proposed) if asks else proposed


def check_camera(argument: str | None) -> str | None:
    """Return what is given of the camera; an address with a password comes from the environment or the question.

    Raises:
        SetupError: the argument holds a password.
    """
    if argument is None:
        return os.environ.get("CAMPUSGATE_CAMERA")
    if has_credentials(argument):
        raise SetupError(
            f"the address of the camera {without_credentials(argument)} holds a password, and ps shows arguments to "
            "everybody on this machine; set CAMPUSGATE_CAMERA, or wait for the question"
        )
    return argument


def check_host(text: str, option: str) -> str:
    """Return a host name or an address.

    Raises:
        SetupError: it is none.
    """
    if not _HOST.fullmatch(text):
        raise SetupError(f"{option} {text}: give a host name or an address, without https:// and port")
    try:
        socket.getaddrinfo(text, None)
    except OSError:
        # The gates' name service may know more than this machine's.
        typer.echo(f"note: this machine does not find the name {text}; gates must", err=True)
    return text


def check_site(text: str) -> str:
    """Return the short name of a campus.

    Raises:
        SetupError: it cannot stand in topics.
    """
    if not _SITE.fullmatch(text):
        raise SetupError(f"--site {text}: small letters, digits and hyphens only, such as main")
    return text


def check_name(text: str) -> str:
    """Return the name of a process of which a machine may have several.

    Raises:
        SetupError: it cannot stand in the names of files and units.
    """
    if not _SITE.fullmatch(text):
        raise SetupError(f"{text}: small letters, digits and hyphens only, such as b3-12")
    return text


def check_zone(text: str) -> str:
    """Return the name of a time zone.

    Raises:
        SetupError: there is no such zone.
    """
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError) as error:
        raise SetupError(f"--time-zone {text}: use a name such as Asia/Shanghai") from error


def check_database(text: str) -> str | None:
    """Return the address of a database; None: an SQLite file of the server's own.

    Raises:
        SetupError: it is none that is supported.
    """
    if text == "sqlite":
        return None
    if not text.startswith(("postgresql://", "sqlite:///")):
        raise SetupError("--database: give sqlite, or an address such as postgresql:///campusgate")
    return text
