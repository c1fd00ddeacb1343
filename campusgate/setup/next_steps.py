"""What is left to do after a set-up, as commands to paste."""

import shlex
from collections.abc import Sequence
from typing import Final

from campusgate.setup import server
from campusgate.setup.files import ACCOUNT
from campusgate.setup.places import Places
from campusgate.setup.process import ProcessMade

DISPENSER_ENVIRONMENT: Final = "/etc/campusgate/dispenser.env"


def command_at(places: Places, env_file: str, *arguments: str) -> str:
    """Return the command line that runs `campusgate` with a file of settings, as the processes' account."""
    words = [str(places.program), "--env-file", str(places.at(env_file)), *arguments]
    if places.is_machine:
        words = ["runuser", "-u", ACCOUNT, "--", *words]
    return shlex.join(words)


def after_server(places: Places) -> list[tuple[str, str]]:
    """Return each step and its command, in order."""

    def campusgate(*arguments: str) -> str:
        return command_at(places, server.ENVIRONMENT, *arguments)

    return [
        ("Start the broker", _start_broker(places)),
        ("Install the face models", campusgate("models", "install")),
        ("Start the server", _start_server(places)),
        ("See whether all of it works", campusgate("doctor")),
        ("Make the code that opens copies of settings and keys, and keep it on paper", _recovery_code(places)),
        *([("Back up every night", "systemctl enable --now campusgate-backup.timer")] if places.is_machine else []),
        ("Add a gate, and get the code for its computer", _setup_gate(places)),
    ]


def after_import(places: Places) -> list[tuple[str, str]]:
    """Return each step on a machine that takes the place of a lost one, in order."""

    def campusgate(*arguments: str) -> str:
        return command_at(places, server.ENVIRONMENT, *arguments)

    return [
        ("Start the broker", _start_broker(places)),
        ("Install the face models", campusgate("models", "install")),
        ("Restore the database, which is empty yet, from its newest backup", campusgate("restore", "FILE")),
        ("Start the server", _start_server(places)),
        ("See whether all of it works", campusgate("doctor")),
    ]


def after_secrets(places: Places) -> list[tuple[str, str]]:
    """Return each step after new secrets were written, in order."""
    under = _under(places)
    return [
        ("Restart broker and server; passwords go under the new key as it starts", _restart(places)),
        (
            "Seal templates and pictures anew, beside the running server",
            command_at(places, server.ENVIRONMENT, "templates", "rotate"),
        ),
        ("Then", shlex.join([str(places.program), "setup", "secrets", "--finish", *under])),
        (
            "Keep a copy of the new settings; backups so far need those before",
            shlex.join([str(places.program), "setup", "export", "FOLDER", *under]),
        ),
    ]


def after_finish(places: Places) -> list[tuple[str, str]]:
    """Return each step after the keys from before were taken out of the settings."""
    return [("Restart the server", _restart(places))]


def after_gate(gate: str, units: Sequence[str], places: Places) -> list[tuple[str, str]]:
    """Return each step on the gate's computer and its command, in order."""
    environments = {unit: f"/etc/campusgate/{unit.removeprefix('campusgate-').replace('@', '-')}.env" for unit in units}
    edge = next((file for unit, file in environments.items() if unit.startswith("campusgate-edge@")), None)
    steps = [] if edge is None else [("Install the face models", command_at(places, edge, "models", "install"))]
    if places.is_machine:
        steps.append(("Start", shlex.join(["systemctl", "enable", "--now", *units])))
    else:
        door = str(places.at(f"/etc/campusgate/door-{gate}.toml"))
        arguments = {"controller": ("controller", "--door", door), "edge": ("edge",), "display": ("display", gate)}
        for unit, file in environments.items():
            role = unit.removeprefix("campusgate-").partition("@")[0]
            steps.append((f"Start the {role}", command_at(places, file, *arguments[role])))
    return [*steps, ("See whether all of it works", command_at(places, next(iter(environments.values())), "doctor"))]


def after_process(process: str, name: str | None, made: ProcessMade, places: Places) -> list[tuple[str, str]]:
    """Return each step on the machine of a process that is no gate's, and at the server, in order."""

    def at_server(*arguments: str) -> str:
        return command_at(Places(), server.ENVIRONMENT, *arguments)

    asked_for = {
        "meters": ("devices", "add", "reader", "meter"),
        "library": ("devices", "add", "NAME", "desk"),
        "dispenser": ("devices", "add", "NAME", "dispenser", "--kiosk", "KIOSK"),
        "shower": ("devices", "add", f"shower-{name}", "meter", "--merchant", "MERCHANT", "--json"),
    }
    steps = [("At the server, once", at_server(*asked_for[process]))]
    if process == "shower":
        steps.append(("Then there, with the id", f"campusgate setup shower DEVICE {made.public_key}"))
        shower_file = places.at(f"/etc/campusgate/shower-{name}.toml")
        steps.append(("Write down its valve and counters (docs/metering.md)", f"editor {shower_file}"))
    steps.append(("Fill in what is empty or this machine's own", f"editor {made.environment}"))
    if process == "dispenser":
        steps.append(("See whether all of it works", command_at(places, DISPENSER_ENVIRONMENT, "doctor")))
    if places.is_machine:
        steps.append(("Start", shlex.join(["systemctl", "enable", "--now", made.unit])))
    return steps


def _start_broker(places: Places) -> str:
    if places.is_machine:
        return "systemctl restart mosquitto"
    return f"mosquitto -d -c {shlex.quote(str(places.at('/etc/mosquitto/mosquitto.conf')))}"


def _start_server(places: Places) -> str:
    if places.is_machine:
        return "systemctl enable --now campusgate-server"
    return command_at(places, server.ENVIRONMENT, "serve")


def _restart(places: Places) -> str:
    if places.is_machine:
        return "systemctl restart mosquitto campusgate-server"
    reload = f"kill -HUP $(cat {shlex.quote(str(places.at('/run/mosquitto.pid')))})"
    return f"{reload}; {_start_server(places)}"


def _setup_gate(places: Places) -> str:
    return shlex.join([str(places.program), "setup", "gate", "north", *_under(places)])


def _recovery_code(places: Places) -> str:
    return shlex.join([str(places.program), "setup", "recovery-code", *_under(places)])


def _under(places: Places) -> list[str]:
    return [] if places.under is None else ["--under", str(places.under)]
