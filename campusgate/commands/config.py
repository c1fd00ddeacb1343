"""`campusgate config`: the settings that are in force, whether they can be used, and all that there are."""

import sys
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from campusgate.commands import print_json

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the group `config`."""
    config = typer.Typer(no_args_is_help=True, help="Settings: what is in force, whether it holds, what there is.")
    config.command()(show)
    config.command()(check)
    config.command()(variables)
    app.add_typer(config, name="config")


def show(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what is not set.")] = False,
    as_json: _Json = False,
) -> None:
    """Show the settings in force and where each comes from; of secrets only whether they are set."""
    from campusgate.settings import Settings
    from campusgate.wiring.settings_in_force import list_settings
    from console.server_facts import SettingSource

    found = list_settings(Settings())
    shown = [one for one in found if every or one.source is not SettingSource.DEFAULT]
    if as_json:
        print_json([asdict(one) for one in shown])
        return
    for one in shown:
        secret = "(set)" if one.is_set else "(not set)"
        value = secret if one.is_secret else one.value or ""
        sys.stdout.write(f"{one.name}={value}    # {one.source.value}\n")


def check(
    role: Annotated[
        Literal["server", "controller", "edge", "dispenser", "meters", "library", "shower", "display"] | None,
        typer.Option("--as", help="Whose settings they are; without it by the file's name or by what is set."),
    ] = None,
    *,
    context: typer.Context,
    as_json: _Json = False,
) -> None:
    """Check the settings without asking any other machine: exit code 1 where a process would not start with them."""
    from campusgate.doctor.examination import examine_settings
    from campusgate.doctor.findings import Status

    known, found = examine_settings(role, context.find_root().params.get("env_file"))
    faults = [one for one in found if one.status is Status.FAULT]
    if as_json:
        print_json({"role": known, "well": not faults, "findings": [asdict(one) for one in found]})
    else:
        for one in faults:
            sys.stdout.write(f"{one.link}: {one.says}\n")
        if not faults:
            sys.stdout.write(f"a {known} starts with these settings\n")
    if faults:
        raise typer.Exit(1)


def variables(
    word: Annotated[str | None, typer.Argument(help="Only those whose name or meaning holds this word.")] = None,
    as_json: _Json = False,
) -> None:
    """List every variable there is: what it takes, its default, its meaning."""
    from campusgate.setting_reference import list_variables

    wanted = (word or "").casefold()
    found = [one for one in list_variables() if wanted in f"{one.name} {one.meaning}".casefold()]
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        default = "" if one.default in {None, ""} else f", {one.default} by default"
        sys.stdout.write(f"{one.name}  ({one.kind}{default})\n    {one.meaning}\n")
