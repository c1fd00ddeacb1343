"""`campusgate demo`: a small campus of real processes, and one scripted day at its gate."""

import logging
import signal
import sys
from typing import Annotated

import typer

from campusgate.commands import print_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the day and stop; exit code 1 if it went wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the day as one JSON document.")] = False,
    host: Annotated[
        str, typer.Option(help="Serve the pages at this address of the machine, to try them from a phone: plain HTTP.")
    ] = "127.0.0.1",
) -> None:
    """Play one day at a gate and in a dormitory with real processes over real sockets, then keep running."""
    from rich.console import Console

    from campusgate.demo.invitation import invite, say_what_goes_on
    from campusgate.demo.narration import console_narrator
    from campusgate.demo.report import Report
    from campusgate.demo.run import open_stage, play_day
    from campusgate.demo.running import RunningDemonstration
    from campusgate.demo.traffic import keep_playing
    from campusgate.processes.logs import configure_logs
    from campusgate.settings import Settings

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
            open_stage(Settings(), narrator, with_queue=not once, host=host) as (stage, report),
        ):
            if not once:
                console.print(invite(stage.campus), soft_wrap=True, highlight=False)
            play_day(stage, report)
            if as_json:
                print_json(report.document())
            else:
                report.print(console, stage.campus.names())
            if not once:
                RunningDemonstration.of(stage).write(stage.campus.folder)
                console.print(say_what_goes_on(stage.campus), soft_wrap=True, highlight=False)
                keep_playing(stage)
    except KeyboardInterrupt:
        if not report.outcomes:
            sys.exit(130)
    if not report.ok:
        sys.exit(1)
