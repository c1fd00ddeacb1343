"""`campusgate display`: the screen of one gate."""

from typing import Annotated, Literal

import typer

from campusgate.processes.stopping import make_stop_event


def register(app: typer.Typer) -> None:
    """Add the command `display`."""
    app.command()(display)


def display(
    gate: Annotated[str, typer.Argument(help="Name of the gate.")],
    title: Annotated[str | None, typer.Option(help="How people know the gate; by default its name.")] = None,
    direction: Annotated[
        Literal["entry", "exit", "both"] | None, typer.Option(help='Say "come in" or "go out" instead of "go through".')
    ] = None,
    host: Annotated[str, typer.Option(help="Listen here; this machine alone unless you say otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8090,
) -> None:
    """Show the people at a gate what to do, from the gate's own broker: it works while the server is away.

    Open http://127.0.0.1:8090/ in the browser of the screen.
    """
    from access.policy import Direction
    from campusgate.processes.display import DisplayOptions, run_display
    from campusgate.processes.logs import configure_logs
    from campusgate.settings import Settings

    settings = Settings()
    configure_logs()
    typer.echo(f"the screen of {gate} is at http://{host}:{port}/")
    way = None if direction is None else Direction(direction)
    run_display(settings, DisplayOptions(gate, title or gate, host, port, way), make_stop_event())
