"""`campusgate door`: the state machines of doors and turnstiles, drawn from the code."""

from typing import Annotated, Literal

import typer

door = typer.Typer(no_args_is_help=True, help="Doors: their state machines, events and reasons.")


def register(app: typer.Typer) -> None:
    """Add the group `door`."""
    app.add_typer(door, name="door")


@door.command()
def drawing(
    which: Annotated[Literal["passage", "orders", "turnstile"], typer.Argument(help="Which machine.")] = "passage",
) -> None:
    """Print a state machine as a Mermaid diagram."""
    from gate_controller import drawing as drawn

    typer.echo({"passage": drawn.door_passage, "orders": drawn.door_orders, "turnstile": drawn.lane}[which]())


@door.command()
def page() -> None:
    """Print the page about gates (docs/gates.md)."""
    from gate_controller.gates_page import markdown

    typer.echo(markdown(), nl=False)
