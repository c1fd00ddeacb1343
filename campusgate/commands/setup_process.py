"""`campusgate setup process`, `setup shower`: readers of meters, gateways of libraries, dispensers, showers."""

import shlex
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

from campusgate.commands import open_database, print_json
from campusgate.commands.setup import as_dict, checked_root, print_steps, print_written, read_server_settings, setup

_Under = Annotated[Path | None, typer.Option(help="Of a trial below this folder, in place of this machine.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(_app: typer.Typer) -> None:
    """Add the commands to the group `setup`."""
    setup.command("process")(process)
    setup.command()(shower)


def process(
    *,
    which: Annotated[
        Literal["meters", "library", "dispenser", "shower"], typer.Argument(help="What this machine shall do.")
    ],
    name: Annotated[str | None, typer.Argument(help="Of a shower: several may be kept by one machine.")] = None,
    server: Annotated[str | None, typer.Option(help="The server, https://…, for all but a shower.")] = None,
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """Write account, settings and unit of a process that is no gate's, and say what is left to fill in.

    Settings that are there stay as they are. The server is believed by this machine's authorities, or by the campus's
    in /etc/campusgate/ca.pem, which is copied from the server first.
    """
    from campusgate.setup import questions
    from campusgate.setup.next_steps import after_process
    from campusgate.setup.places import Places
    from campusgate.setup.process import set_up_process

    places = Places(checked_root(under))
    made = set_up_process(which, None if name is None else questions.check_name(name), server, places)
    steps = after_process(which, name, made, places)
    if as_json:
        print_json({"unit": made.unit, "public_key": made.public_key} | as_dict(made.written, steps))
        return
    print_written(made.written)
    print_steps(steps)


def shower(
    *,
    device: Annotated[UUID, typer.Argument(help="The id that `devices add NAME meter --merchant … --json` printed.")],
    key: Annotated[str, typer.Argument(help="The public key that `setup process shower` printed on its machine.")],
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """At the server: let the controller of a shower in, and print what its machine needs."""
    from campusgate.setup.places import Places
    from campusgate.setup.shower_access import let_shower_in

    places = Places(checked_root(under))
    settings = read_server_settings(places)
    access = let_shower_in(lambda: open_database(settings), settings, places, device, key)
    if as_json:
        print_json({"variables": access.variables, "server_key": access.server_key, "broker_told": access.broker_told})
        return
    if not access.broker_told:
        typer.echo("Mosquitto was not found: let it read its files again (SIGHUP), or start it.")
    typer.echo("On the shower's machine, in /etc/campusgate/shower-NAME.env:\n")
    for variable, value in access.variables.items():
        typer.echo(f"  {variable}={value}")
    enrol = ["campusgate", "keys", "enrol", "/etc/campusgate/shower-NAME-trusts.json", "server", access.server_key]
    typer.echo(f"\nand there:\n\n  {shlex.join(enrol)}")
