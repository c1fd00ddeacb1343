"""`campusgate setup`: a server, and gates at it, set up without copying anything by hand."""

import os
import shlex
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json, problems_as_errors

if TYPE_CHECKING:
    from campusgate.settings import Settings
    from campusgate.setup.places import Places

setup = typer.Typer(no_args_is_help=True, help="Set up a server, and gates at it.")

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
    from campusgate.setup import questions
    from campusgate.setup.next_steps import after_server
    from campusgate.setup.places import Places
    from campusgate.setup.server import ServerPlan, set_up_server

    places = Places(checked_root(under))
    asks = sys.stdin.isatty() and not (yes or as_json)
    host = questions.check_host(
        questions.ask(name, "Name of this machine, as gates find it", socket.getfqdn(), asks=asks), "--name"
    )
    plan = ServerPlan(
        name=host,
        broker_name=host if broker_name is None else questions.check_host(broker_name, "--broker-name"),
        site=questions.check_site(questions.ask(site, "Short name of the campus", "main", asks=asks)),
        time_zone=questions.check_zone(questions.ask(time_zone, "Campus time", "Asia/Shanghai", asks=asks)),
        database_url=questions.check_database(
            questions.ask(database, "Database (postgresql:///campusgate, or sqlite)", "sqlite", asks=asks)
        ),
        behind_proxy=behind_proxy,
        port=port or (8080 if behind_proxy else 8443),
        broker_port=broker_port,
    )
    written = set_up_server(plan, places)
    steps = after_server(places)
    if as_json:
        print_json({"url": plan.url} | as_dict(written, steps))
        return
    print_written(written)
    print_steps(steps)
    typer.echo(f"\nThe pages: {plan.url}/console/")


@setup.command()
def gate(
    *,
    name: Annotated[
        str | None, typer.Argument(help="At the server: the gate, which is added where there is none.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="Who may pass a gate that is added; may be repeated.")] = None,
    title: Annotated[str | None, typer.Option(help="What people call a gate that is added.")] = None,
    kind: Annotated[str, typer.Option(help="campus, dormitory, building, laboratory or wet_room")] = "building",
    lasts_minutes: Annotated[int, typer.Option(min=5, max=24 * 60, help="How long the code counts.")] = 60,
    again: Annotated[bool, typer.Option("--again", help="A computer keeps the gate already: replace it.")] = False,
    code: Annotated[
        str | None, typer.Option(help="On the gate's computer: the code; - reads it from standard input.")
    ] = None,
    server: Annotated[str | None, typer.Option(help="On the gate's computer: the server, https://…")] = None,
    camera: Annotated[
        str | None, typer.Option(help="Its camera, /dev/video0 or rtsp://…; none for a gate that reads cards only.")
    ] = None,
    relay_pin: Annotated[
        int | None, typer.Option(min=0, max=63, help="The GPIO pin of its relay; without it the relay is simulated.")
    ] = None,
    display: Annotated[bool, typer.Option("--display", help="It has a screen.")] = False,
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """At the server, with a NAME: make a code for the gate's computer. There, with --code and --server: set it up.

    A code counts once, for an hour. What it brings (certificates, keys, tokens, passwords) is sealed on its way.
    """
    from campusgate.setup import questions
    from campusgate.setup.places import Places

    places = Places(checked_root(under))
    if name is not None and code is None and server is None:
        _make_code(
            places,
            name,
            title=title or name,
            groups=group or [],
            kind=kind,
            lasts=timedelta(minutes=lasts_minutes),
            again=again,
            as_json=as_json,
        )
    elif name is None and code is not None and server is not None:
        asks = sys.stdin.isatty() and not as_json and code != "-"
        looks = questions.ask(questions.check_camera(camera), "Camera (none: cards only)", "/dev/video0", asks=asks)
        _use_code(places, code, server, camera=looks, relay_pin=relay_pin, display=display, as_json=as_json)
    else:
        raise CommandError(
            "at the server name the gate: campusgate setup gate NAME; on the gate's computer give the code that this "
            "printed: campusgate setup gate --code CODE --server URL"
        )


@setup.command()
def certificates(*, under: _Under = None, as_json: _Json = False) -> None:
    """Make new certificates of broker and server by the campus's authority, for the names they have now."""
    from campusgate.setup.places import Places
    from campusgate.setup.server import renew_certificates

    written = renew_certificates(Places(checked_root(under)))
    if as_json:
        print_json({"written": list(map(str, written))})
        return
    print_written(written)
    typer.echo("\nNow restart the broker and the server: systemctl restart mosquitto campusgate-server")


def _make_code(
    places: "Places",
    name: str,
    *,
    title: str,
    groups: list[str],
    kind: str,
    lasts: timedelta,
    again: bool,
    as_json: bool,
) -> None:
    from campusgate.gate_policies import make_new_policy
    from campusgate.setup.gate_code import make_gate_code

    settings = read_server_settings(places)
    policy = make_new_policy(settings, name, kind=kind, groups=groups)
    with problems_as_errors():
        made = make_gate_code(
            lambda: open_database(settings),
            settings,
            places,
            policy,
            title=title,
            lasts=lasts,
            again=again,
        )
    command = shlex.join(["campusgate", "setup", "gate", "--code", made.code, "--server", settings.server_url])
    if as_json:
        print_json({"gate": name, "url": settings.server_url, "command": command, **asdict(made)})
        return
    if made.gate_added:
        may_pass = ", ".join(groups) or "nobody yet: campusgate gates allow"
        typer.echo(f"The gate {name} was added; who may pass: {may_pass}.")
    if not made.broker_told:
        typer.echo("Mosquitto was not found: let it read its files again (SIGHUP), or start it.")
    typer.echo(f"On the gate's computer, until {made.until.astimezone(settings.time_zone):%H:%M}, once:\n\n  {command}")


def _use_code(
    places: "Places",
    code: str,
    server: str,
    *,
    camera: str,
    relay_pin: int | None,
    display: bool,
    as_json: bool,
) -> None:
    from access.gate_setup import SetupCode, SetupCodeError
    from campusgate.setup.gate import GatePlan, set_up_gate
    from campusgate.setup.next_steps import after_gate

    try:
        read = SetupCode.parse(sys.stdin.readline() if code == "-" else code)
    except SetupCodeError as error:
        raise CommandError(f"--code: {error}") from error
    plan = GatePlan(server, read, None if camera == "none" else camera, relay_pin, has_display=display)
    made = set_up_gate(plan, places)
    steps = after_gate(made.gate, made.units, places)
    if as_json:
        print_json({"gate": made.gate, "warning": made.warning} | as_dict(made.written, steps))
        return
    print_written(made.written)
    if made.warning is not None:
        typer.echo(f"\nMend this first: {made.warning}")
    print_steps(steps)


def read_server_settings(places: "Places") -> "Settings":
    """Return the settings of the server that was set up here, unless others were named."""
    from campusgate.settings import Settings
    from campusgate.settings.env_file import read_env_file
    from campusgate.setup.server import ENVIRONMENT

    if "CAMPUSGATE_TOKEN_SECRET" not in os.environ:
        read_env_file(places.at(ENVIRONMENT))
    return Settings()


def as_dict(written: Sequence[Path], steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return for JSON what `print_written` and `print_steps` say."""
    next_ = [{"step": step, "command": command} for step, command in steps]
    return {"written": list(map(str, written)), "next": next_}


def print_written(files: Sequence[Path]) -> None:
    """Name the files that were written."""
    typer.echo(f"Written, {len(files)} files:")
    for file in files:
        typer.echo(f"  {file}")


def print_steps(steps: Sequence[tuple[str, str]]) -> None:
    """Say what is left to do, as commands to paste."""
    typer.echo("\nNow:")
    for number, (step, command) in enumerate(steps, start=1):
        typer.echo(f"\n  {number}. {step}:\n     {command}")


def checked_root(under: Path | None) -> Path | None:
    """Return the folder of a trial; None is the machine itself, which root alone sets up.

    Raises:
        CommandError: this is not root.
    """
    if under is not None:
        return under.absolute()
    if os.geteuid() != 0:
        raise CommandError("run this as root, or name a folder for a trial: --under FOLDER")
    return None
