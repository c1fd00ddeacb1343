"""`campusgate controller`: one door."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event


def register(app: typer.Typer) -> None:
    """Add the command `controller`."""
    app.command()(controller)


def controller(
    door: Annotated[
        Path | None,
        typer.Option(help="TOML file of this door: relay, wires, reader, times: see docs/gate-controller.md."),
    ] = None,
    relay: Annotated[
        Literal["gpio", "simulated"] | None, typer.Option(help="The relay's driver, instead of the file's.")
    ] = None,
    reader_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port for readers that speak lines, instead of the file's.")
    ] = None,
) -> None:
    """Keep one door: obey signed commands, decide about cards when the edge is silent, report what happens."""
    from campusgate.settings import Settings

    with pause_collection():
        from campusgate.processes.controller import run_controller
        from campusgate.processes.logs import configure_logs
        from campusgate.settings.door_file import read_door_file
        from gate_controller.door_file import DoorFile

    settings = Settings()
    configure_logs()
    stop = make_stop_event()

    def ready(port: int | None) -> None:
        at = f", readers on port {port}" if port is not None else ""
        typer.echo(f"the door of gate {settings.gate} is kept{at}")

    file = read_door_file(door) if door is not None else DoorFile()
    if relay is not None:
        file = file.model_copy(update={"relay": file.relay.model_copy(update={"driver": relay})})
    if reader_port is not None:
        file = file.model_copy(update={"reader": file.reader.model_copy(update={"port": reader_port})})
    run_controller(settings, file, stop, ready)
