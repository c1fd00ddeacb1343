"""`campusgate demo`: a small campus of real processes, and one scripted day at its gate."""

import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from campusgate.commands import print_json
from campusgate.settings import Settings

if TYPE_CHECKING:
    from campusgate.demo.campus import Campus


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the day and stop; exit code 1 if it went wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the day as one JSON document.")] = False,
) -> None:
    """Play one day at a gate and in a dormitory with real processes over real sockets, then keep running."""
    from rich.console import Console

    from campusgate.demo.narration import console_narrator
    from campusgate.demo.report import Report
    from campusgate.demo.run import open_stage, play_day
    from campusgate.demo.traffic import keep_playing
    from campusgate.processes.logs import configure_logs

    console = Console(stderr=as_json)
    # The day kills processes on purpose; that connections break then is no news.
    configure_logs(logging.ERROR)
    # Ctrl-C, stopping a service and closing the terminal end it the same way: every process is stopped first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    report = Report()
    try:
        with (
            console_narrator(console) as narrator,
            open_stage(Settings(), narrator, with_queue=not once) as (stage, report),
        ):
            if not once:
                console.print(_invitation(stage.campus), soft_wrap=True, highlight=False)
            play_day(stage, report)
            if as_json:
                print_json(report.document())
            else:
                report.print(console, stage.campus.names())
            if not once:
                console.print(_farewell(stage.campus), soft_wrap=True, highlight=False)
                keep_playing(stage)
    except KeyboardInterrupt:
        if not report.outcomes:
            sys.exit(130)
    if not report.ok:
        sys.exit(1)


def _invitation(campus: "Campus") -> str:
    from campusgate.demo.script import SCENES

    personas = campus.personas
    pages = (
        ("the gate's live board", campus.staff_number, campus.staff_password, "open this one first"),
        ("the reviewer's queue", personas.reviewer.number, personas.reviewer.password, "three photos wait"),
        ("a student", personas.holder.number, personas.holder.password, "whose photo waits for the reviewer"),
        ("a resident", personas.resident.number, personas.resident.password, "whose shower and room are metered"),
        ("a newcomer", personas.newcomer.number, personas.newcomer.password, "whose first password must be changed"),
    )
    lines = [
        f"Open [bold link]{campus.server_url}/console/[/] and sign in; each account lands on its own page:",
        "",
        "  Number    Password      Page",
    ]
    lines += [f"  [bold]{number:<9} {password:<13}[/] {what} ({more})" for what, number, password, more in pages]
    lines += [
        "",
        "Two of them at once need two browsers, or a private window.",
        f"The resident's water and electricity: {campus.server_url}/console/me/usage",
        f"The staff's meters, rooms and prices: {campus.server_url}/console/metering",
        f"The API is described at {campus.server_url}/api/v1/openapi.json",
        "",
        f"The day begins: {len(SCENES)} scenes at a gate and in a dormitory, in under three minutes. What is played:",
    ]
    return "\n".join(lines)


def _farewell(campus: "Campus") -> str:
    reviewer = campus.personas.reviewer
    return (
        "The day is over, the pages stay; people go on walking up to the gate, showering, and using electricity.\n"
        f"Sign in as {reviewer.number} (password {reviewer.password}) and approve Sun Min's photo: "
        "the gate then opens for that face.\n"
        f"Sign in as {campus.personas.resident.number} to see a shower's cost while it runs, and to pay for the room.\n"
        f"Logs and databases of every process: {campus.folder}\n"
        "Ctrl-C stops everything."
    )
