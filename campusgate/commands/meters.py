"""`campusgate meters`: the process that reads meters, one meter read by hand, and a frame in words."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, print_json
from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event

if TYPE_CHECKING:
    from metering.lines.explain import Explanation
    from metering.lines.question import MeterAnswer

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    meters = typer.Typer(help="Read meters of electricity and water.", invoke_without_command=True)
    meters.callback()(run)
    meters.command()(read)
    meters.command()(decode)
    app.add_typer(meters, name="meters")


def run(context: typer.Context) -> None:
    """Read all meters that the server names, again and again, and carry out its orders to them."""
    from campusgate.settings import Settings

    if context.invoked_subcommand is not None:
        return
    with pause_collection():
        from campusgate.processes.logs import configure_logs
        from campusgate.processes.meters import run_meters

    settings = Settings()
    configure_logs()
    stop = make_stop_event()
    run_meters(settings, stop, lambda: typer.echo("meters are read"))


def read(
    address: Annotated[str, typer.Argument(help="The meter's address, or AAAAAAAAAAAA for the only one on the line.")],
    *,
    line: Annotated[str, typer.Option(help="tcp://HOST:PORT or serial:///dev/ttyUSB0?parity=E.")],
    protocol: Annotated[str, typer.Option(help="dlt645, cjt188 or modbus.")] = "dlt645",
    model: Annotated[str | None, typer.Option(help="The model; by default those of the protocol that differ.")] = None,
    bits_per_s: Annotated[int, typer.Option("--bps", min=300, max=115_200, help="The line's speed.")] = 2400,
    as_json: _Json = False,
) -> None:
    """Read one meter now; the line must not be read by another process. Exit code 1: it does not answer."""
    import asyncio

    from campusgate.settings import Settings
    from metering.lines.question import QuestionError, ask_meter
    from metering.reader_contract import Protocol

    try:
        spoken = Protocol(protocol)
    except ValueError as error:
        raise CommandError(f"there is no protocol {protocol!r}; use one of {', '.join(Protocol)}") from error
    try:
        question = ask_meter(line, spoken, address, model=model, bits_per_s=bits_per_s, zone=Settings().time_zone)
        answer = asyncio.run(question)
    except QuestionError as error:
        if as_json:
            print_json({"address": address, "answered": False, "error": str(error)})
        else:
            sys.stderr.write(f"campusgate: {error}\n")
        raise typer.Exit(1) from error
    if as_json:
        print_json(_document(answer))
        return
    for name, value in _document(answer).items():
        if value is not None:
            sys.stdout.write(f"{name:<12} {value}\n")


def decode(
    frame: Annotated[list[str], typer.Argument(help="The frame's bytes in hexadecimal digits, apart or not.")],
    as_json: _Json = False,
) -> None:
    """Say in words what a frame of DL/T 645-2007 or CJ/T 188 is."""
    from campusgate.settings import Settings
    from metering.frames.bcd import CodecError
    from metering.lines.explain import explain

    try:
        found = explain(" ".join(frame), Settings().time_zone)
    except CodecError as error:
        raise CommandError(f"this is no frame of a meter: {error}") from error
    if as_json:
        print_json({"frames": [_frame_document(one) for one in found]})
        return
    for place, one in enumerate(found):
        sys.stdout.write("\n" if place else "")
        for name, words in (("protocol", one.protocol.value), *one.lines):
            sys.stdout.write(f"{name:<14} {words}\n")


def _document(answer: "MeterAnswer") -> dict[str, Any]:
    return {
        "address": answer.address,
        "answered": True,
        "model": answer.model,
        "digits": answer.registers.digits,
        "step": answer.registers.step or None,
        "supply": answer.status.supply.value if answer.status else None,
        "status_word": f"{answer.status.word:04X}" if answer.status and answer.status.word is not None else None,
        "clock": answer.clock.isoformat() if answer.clock else None,
    }


def _frame_document(one: "Explanation") -> dict[str, Any]:
    return {"protocol": one.protocol.value, "lines": [{"name": name, "words": words} for name, words in one.lines]}
