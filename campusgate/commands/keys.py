"""`campusgate keys`: the key pairs of edges, controllers and staff."""

from datetime import UTC, datetime, timedelta
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
    from messages import make_private_key, public_key_text

    _print(file, public_key_text(make_private_key(file)), as_json=as_json)


@keys.command()
def rotate(
    file: Annotated[Path, typer.Argument(help="The private key that shall be replaced.")],
    finish: Annotated[
        bool, typer.Option("--finish", help="Put the new key in place: everybody who must trust it does.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Replace a private key in two steps: make the next one (FILE.next), let others trust it, then --finish."""
    from messages import finish_rotation, public_key_text, rotate_private_key

    public = public_key_text(finish_rotation(file) if finish else rotate_private_key(file))
    _print(file if finish else file.with_name(file.name + ".next"), public, as_json=as_json)


@keys.command()
def enrol(
    *,
    trusted: Annotated[Path, typer.Argument(help="The file of trusted keys; made when it is not there.")],
    sender: Annotated[str, typer.Argument(help="Whose key it is: edge:GATE, controller:GATE, staff.")],
    key: Annotated[str, typer.Argument(help="The public key, as `keys make` and `keys rotate` print it.")],
    action: Annotated[
        list[str] | None,
        typer.Option(help="What the sender may ask for; may be repeated. Without: as before, or all."),
    ] = None,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=24 * 31, help="How long the key before still counts.")
    ] = 24.0,
    as_json: _Json = False,
) -> None:
    """Trust a device's key, or its next one; running processes take it up within a second."""
    from messages import Action
    from messages import trusted_file as files

    try:
        actions = frozenset(Action(one) for one in action) if action else None
    except ValueError as error:
        raise CommandError(f"--action: choose from {', '.join(Action)}") from error
    now, overlap = datetime.now(UTC), timedelta(hours=overlap_hours)
    until = files.enrol(trusted, sender, key, actions=actions, overlap=overlap, now=now)
    if as_json:
        print_json({"sender": sender, "previous_key_until": until.isoformat() if until else None})
    else:
        typer.echo(
            f"{sender} is trusted" + (f"; the key before counts until {until:%Y-%m-%d %H:%M} UTC" if until else "")
        )


@keys.command()
def revoke(
    trusted: Annotated[Path, typer.Argument(help="The file of trusted keys.")],
    sender: Annotated[str, typer.Argument(help="Who is trusted no more.")],
) -> None:
    """Trust a sender no more, with any key; running processes obey within a second."""
    from messages import trusted_file as files

    files.revoke(trusted, sender)


@keys.command()
def show(file: Annotated[Path, typer.Argument(help="A private key.")], as_json: _Json = False) -> None:
    """Print the public key of a private one."""
    from messages import public_key_text, read_private_key

    _print(file, public_key_text(read_private_key(file)), as_json=as_json)


def _print(file: Path, public: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "public_key": public})
    else:
        typer.echo(public)
