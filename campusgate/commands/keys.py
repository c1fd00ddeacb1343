"""`campusgate keys`: the key pairs of edges, controllers and staff."""

from pathlib import Path
from typing import Annotated

import typer

from campusgate.commands import CommandError, print_json

keys = typer.Typer(no_args_is_help=True, help="Ed25519 keys of edges, controllers and staff.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group `keys`."""
    app.add_typer(keys, name="keys")


@keys.command()
def make(file: Annotated[Path, typer.Argument(help="Where to write the private key.")], as_json: _Json = False) -> None:
    """Make a private key (mode 0600) and print its public key, for the files of those who shall trust it."""
    from gate_controller.messages import KeyFileError, make_private_key, public_key_text

    try:
        public = public_key_text(make_private_key(file))
    except KeyFileError as error:
        raise CommandError(str(error)) from error
    _print(file, public, as_json=as_json)


@keys.command()
def show(file: Annotated[Path, typer.Argument(help="A private key.")], as_json: _Json = False) -> None:
    """Print the public key of a private one."""
    from gate_controller.messages import KeyFileError, public_key_text, read_private_key

    try:
        public = public_key_text(read_private_key(file))
    except KeyFileError as error:
        raise CommandError(str(error)) from error
    _print(file, public, as_json=as_json)


def _print(file: Path, public: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "public_key": public})
    else:
        typer.echo(public)
