"""`campusgate setup recovery-code`, `export`, `import`, `secrets`: a server's settings and keys, kept and renewed."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from campusgate.commands import CommandError, print_json
from campusgate.commands.setup import as_dict, checked_root, print_steps, print_written, setup

_Under = Annotated[Path | None, typer.Option(help="Of a trial below this folder, in place of this machine.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(_app: typer.Typer) -> None:
    """Add the commands to the group `setup`."""
    setup.command("recovery-code")(recovery_code)
    setup.command("export")(export)
    setup.command("import")(import_)
    setup.command()(secrets)


def recovery_code(
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Replace the code: copies from now on need the new one.")
    ] = False,
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """Make the code that opens copies of this server's settings and keys; it is printed this once, for paper."""
    from campusgate.setup.copies import make_recovery_code
    from campusgate.setup.places import Places

    code = make_recovery_code(Places(checked_root(under)), again=again)
    if as_json:
        print_json({"code": str(code)})
        return
    typer.echo(
        f"{code}\n\nWrite it down, twice, and lock it up: without it no copy opens, and nobody can show it again."
    )


def export(
    target: Annotated[Path, typer.Argument(help="A new file, or a folder in which one named by the time is made.")],
    *,
    keep: Annotated[int | None, typer.Option(min=1, help="In a folder: how many of the newest copies stay.")] = None,
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """Write this server's settings, keys, certificates and broker's files into one file that the recovery code opens.

    It may lie beside the database's backups. Again after each gate that is set up: the broker's users are in it.
    """
    from campusgate.setup.copies import export_server
    from campusgate.setup.places import Places

    if keep is not None and not target.is_dir():
        raise CommandError(f"--keep is for a folder, and {target} is none")
    done = export_server(Places(checked_root(under)), target, datetime.now(UTC), keep=keep)
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(f"{done.file}: {len(done.held)} files")
    for file in done.left_out:
        typer.echo(f"not in it, for it lies elsewhere; keep a copy of your own: {file}")


def import_(
    file: Annotated[Path, typer.Argument(help="A file of `campusgate setup export`.")],
    code: Annotated[str, typer.Option(help="The recovery code; - reads it from standard input.")] = "-",
    *,
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """Put a copy's files in their places on a new machine; then restore the database. Nothing is replaced."""
    from campusgate.setup.copies import import_server
    from campusgate.setup.next_steps import after_import
    from campusgate.setup.places import Places
    from campusgate.setup.recovery import RecoveryCode, RecoveryError

    places = Places(checked_root(under))
    if code == "-" and sys.stdin.isatty():
        code = typer.prompt("Recovery code")
    try:
        read = RecoveryCode.parse(sys.stdin.readline() if code == "-" else code)
    except RecoveryError as error:
        raise CommandError(f"--code: {error}") from error
    written, steps = import_server(places, file, read), after_import(places)
    _show(written, steps, as_json=as_json)


def secrets(
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="Take the keys from before out of the settings, when nothing needs them.")
    ] = False,
    under: _Under = None,
    as_json: _Json = False,
) -> None:
    """Renew the secrets that this server alone holds: keys of tokens, passwords and templates, broker's and metrics'.

    In two steps: then restart broker and server, seal the templates anew, and say --finish.
    """
    from campusgate.setup.next_steps import after_finish, after_secrets
    from campusgate.setup.places import Places
    from campusgate.setup.secrets import forget_previous, renew_secrets

    places = Places(checked_root(under))
    written = (forget_previous if finish else renew_secrets)(places).written
    steps = after_finish(places) if finish else after_secrets(places)
    _show(written, steps, as_json=as_json)


def _show(written: Sequence[Path], steps: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        print_json(as_dict(written, steps))
        return
    print_written(written)
    print_steps(steps)
