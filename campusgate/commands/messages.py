"""`campusgate messages`: the reference of what travels over MQTT, and the broker's access list."""

from typing import Annotated
from uuid import UUID

import typer

from campusgate.commands import CommandError, print_json

messages = typer.Typer(no_args_is_help=True, help="What travels over MQTT: reference, JSON Schema, access list.")


def register(app: typer.Typer) -> None:
    """Add the group `messages`."""
    app.add_typer(messages, name="messages")


@messages.command()
def schema(
    name: Annotated[str | None, typer.Argument(help="A message, such as Command; all without it.")] = None,
) -> None:
    """Print the JSON Schema of the messages."""
    from messages.reference import json_schemas

    schemas = json_schemas()
    if name is not None and name not in schemas:
        raise CommandError(f"no message is called {name!r}; there are {', '.join(schemas)}")
    print_json(schemas if name is None else schemas[name])


@messages.command()
def reference() -> None:
    """Print the reference (docs/messages.md)."""
    from messages.reference import markdown

    typer.echo(markdown(), nl=False)


@messages.command()
def acl(
    gates: Annotated[list[str], typer.Argument(help="The gates.", metavar="GATE…")],
    shower: Annotated[list[UUID] | None, typer.Option(help="The id of a shower's controller; may be repeated.")] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(help="A further server: users server-NAME and server-NAME-orders; may be repeated."),
    ] = None,
) -> None:
    """Print Mosquitto's access list for these gates, showers and servers of the site."""
    from campusgate.settings import Settings
    from messages.permissions import mosquitto_acl
    from messages.topics import require_topic_names

    require_topic_names(*(server or ()))
    typer.echo(mosquitto_acl(Settings().site, gates, shower or (), server or ()), nl=False)
