"""`campusgate gate`: staff actions at one gate, signed with this workstation's key."""

import logging
import sys
from typing import Annotated

import typer

from campusgate.commands import print_json

gate = typer.Typer(no_args_is_help=True, help="Open, hold, lock, lock down or release one gate.")

_Gate = Annotated[str, typer.Argument(help="The gate's name.")]
_Sender = Annotated[str, typer.Option(help="The name under which the controllers know this workstation's key.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group `gate`."""
    app.add_typer(gate, name="gate")


@gate.command("open")
def open_(name: _Gate, sender: _Sender = "staff", as_json: _Json = False) -> None:
    """Let one person pass."""
    _ask("open", name, sender, as_json=as_json)


@gate.command()
def hold(name: _Gate, sender: _Sender = "staff", as_json: _Json = False) -> None:
    """Hold the gate open until it is released."""
    _ask("hold", name, sender, as_json=as_json)


@gate.command()
def lock(name: _Gate, sender: _Sender = "staff", as_json: _Json = False) -> None:
    """Keep the gate closed to everyone until it is released."""
    _ask("lock", name, sender, as_json=as_json)


@gate.command()
def lockdown(name: _Gate, sender: _Sender = "staff", as_json: _Json = False) -> None:
    """Lock, and let neither hold nor schedule end it."""
    _ask("lockdown", name, sender, as_json=as_json)


@gate.command()
def release(name: _Gate, sender: _Sender = "staff", as_json: _Json = False) -> None:
    """End hold, lock and lockdown: go by the rules again."""
    _ask("release", name, sender, as_json=as_json)


def _ask(action: str, name: str, sender: str, *, as_json: bool) -> None:
    from campusgate.gate_orders import one_at_a_time, send_order
    from campusgate.processes.logs import configure_logs
    from campusgate.processes.process_age import read_process_age_s
    from campusgate.settings import Settings
    from campusgate.wiring.broker import make_broker_address
    from messages import (
        Action,
        GateTopics,
        NonceStore,
        Signer,
        read_private_key,
        read_trusted_keys,
    )

    settings = Settings()
    configure_logs(logging.ERROR)
    topics = GateTopics(settings.site, name)
    key = read_private_key(settings.require("signing_key_file"))
    controllers = read_trusted_keys(settings.require("trusted_keys_file"))
    nonces = NonceStore(settings.data_dir / "staff" / "nonces.db")
    try:
        with one_at_a_time(settings.data_dir / "staff"):
            signer = Signer(key, sender, nonces)
            address = make_broker_address(settings)
            order = send_order(address, topics, Action(action), signer, controllers, age_s=read_process_age_s)
    finally:
        nonces.close()
    if as_json:
        print_json({"gate": name, "action": action, **order.document()})
    elif order.accepted:
        typer.echo(f"{name}: {action}: done")
    else:
        typer.echo(f"{name}: {action}: {order.reason}", err=True)
    if not order.accepted:
        sys.exit(1)
