"""`campusgate setup`: a server, and gates at it, set up without copying anything by hand."""

import os
import re
import socket
import sys
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from campusgate.commands import CommandError, print_json

_Value = TypeVar("_Value", str, int)

setup = typer.Typer(no_args_is_help=True, help="Set up a server, and gates at it.")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_Under = Annotated[
    Path | None, typer.Option(help="Put everything below this folder, for a trial that needs no root and no systemd.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group `setup`."""
    app.add_typer(setup, name="setup")


@setup.command()
def server(
    *,
    name: Annotated[str | None, typer.Option(help="Host name or address under which people and gates find it.")] = None,
    broker_name: Annotated[str | None, typer.Option(help="The broker's, where it is another.")] = None,
    site: Annotated[str | None, typer.Option(help="Short name of the campus.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Campus time, such as Asia/Shanghai.")] = None,
    database: Annotated[
        str | None, typer.Option(help="postgresql:///campusgate, or sqlite for a file of its own.")
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy on this machine speaks TLS, the server only to it.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where it listens; 8443, behind a proxy 8080.")
    ] = None,
    broker_port: Annotated[int, typer.Option(min=1, max=65535, help="Where the broker listens.")] = 8883,
    under: _Under = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what is not given is as proposed.")] = False,
    as_json: _Json = False,
) -> None:
    """Write the server's settings, keys, certificates, units and Mosquitto's files on this machine.

    What is not given is asked for at a terminal. Nothing that is there already is replaced.
    """
    from campusgate.setup.next_steps import after_server
    from campusgate.setup.places import Places
    from campusgate.setup.server import ServerPlan, set_up_server

    places = Places(_checked_root(under))
    asks = sys.stdin.isatty() and not (yes or as_json)
    host = _host(_ask(name, "Name of this machine, as gates find it", socket.getfqdn(), asks=asks), "--name")
    plan = ServerPlan(
        name=host,
        broker_name=_host(broker_name or host, "--broker-name"),
        site=_site(_ask(site, "Short name of the campus", "main", asks=asks)),
        time_zone=_zone(_ask(time_zone, "Campus time", "Asia/Shanghai", asks=asks)),
        database_url=_database(_ask(database, "Database (postgresql:///campusgate, or sqlite)", "sqlite", asks=asks)),
        behind_proxy=behind_proxy,
        port=port or (8080 if behind_proxy else 8443),
        broker_port=broker_port,
    )
    written = set_up_server(plan, places)
    steps = after_server(places)
    if as_json:
        steps_shown = [{"step": step, "command": command} for step, command in steps]
        print_json({"url": plan.url, "written": list(map(str, written)), "next": steps_shown})
        return
    typer.echo(f"Written, {len(written)} files:")
    for file in written:
        typer.echo(f"  {file}")
    typer.echo("\nKeep a copy of the settings and the authority's key apart from the database's backups.\n\nNow:")
    for number, (step, command) in enumerate(steps, start=1):
        typer.echo(f"\n  {number}. {step}:\n     {command}")
    typer.echo(f"\nThe pages: {plan.url}/console/")


def _ask(value: str | None, question: str, proposed: str, *, asks: bool) -> str:
    if value is not None:
        return value
    return typer.prompt(question, default=proposed) if asks else proposed


def _checked_root(under: Path | None) -> Path | None:
    if under is not None:
        return under.absolute()
    if os.geteuid() != 0:
        raise CommandError("run this as root, or name a folder for a trial: --under FOLDER")
    return None


def _host(text: str, option: str) -> str:
    """Return the name when this machine finds it, as every process here will have to."""
    if not _HOST.fullmatch(text):
        raise CommandError(f"{option} {text}: give a host name or an address, without https:// and port")
    try:
        socket.getaddrinfo(text, None)
    except OSError as error:
        raise CommandError(
            f"{option} {text}: this machine does not find that name; enter it in the DNS or in /etc/hosts, or give an "
            "address"
        ) from error
    return text


def _site(text: str) -> str:
    if not _SITE.fullmatch(text):
        raise CommandError(f"--site {text}: small letters, digits and hyphens only, such as main")
    return text


def _zone(text: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError) as error:
        raise CommandError(f"--time-zone {text}: use a name such as Asia/Shanghai") from error


def _database(text: str) -> str | None:
    if text == "sqlite":
        return None
    if not text.startswith(("postgresql://", "sqlite:///")):
        raise CommandError("--database: give sqlite, or an address such as postgresql:///campusgate")
    return text
