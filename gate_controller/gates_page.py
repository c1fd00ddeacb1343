"""The page about gates (docs/gates.md), made from the code: state machines, events, reasons."""

from collections.abc import Iterable

from access.reasons import Notice, Reason
from gate_controller import drawing
from gate_controller.card_authentication import ProofRefusal
from gate_controller.code_authentication import CodeRefusal
from messages import EventKind, Refusal

EVENTS: dict[EventKind, str] = {
    EventKind.CONTROLLER_STARTED: "The controller started; a new boot id makes every earlier command void.",
    EventKind.CONTROLLER_STOPPED: "It was stopped on purpose.",
    EventKind.ACCESS_GRANTED: "Somebody may pass.",
    EventKind.ACCESS_DENIED: "Somebody may not; the reason says why.",
    EventKind.GRANT_RENEWED: "Whoever has a grant, or passed on it just now, showed themselves again: the same grant.",
    EventKind.PASSED: "The door was opened on a grant, or the turnstile turned on one.",
    EventKind.NOT_TAKEN: "Granted, and nobody passed in time.",
    EventKind.CLOSED: "The door closed after a passage.",
    EventKind.RELOCKED: "A grant is over, and nobody can say whether it was taken.",
    EventKind.DOOR_HELD: "The door stands open for too long.",
    EventKind.DOOR_HELD_ENDED: "It was closed.",
    EventKind.DOOR_FORCED: "The door was opened without a grant.",
    EventKind.DOOR_FORCED_ENDED: "It was closed.",
    EventKind.EXIT_REQUESTED: "The exit button was pressed.",
    EventKind.EXIT_REFUSED: "It was pressed, and a lockdown or the other door of an interlock forbids it, or it was "
    "pressed while the controller stood still.",
    EventKind.HELD_OPEN: "Staff or schedule hold the door open (`details.by`).",
    EventKind.ALWAYS_CLOSED: "Staff or schedule keep the door closed.",
    EventKind.LOCKDOWN: "Staff keep the door closed until a release.",
    EventKind.RELEASED: "The door goes by the rules again.",
    EventKind.FIRE_OPENED: "The fire input released the lock.",
    EventKind.FIRE_RESTORED: "The fire alarm is over.",
    EventKind.TAMPER: "The housing was opened.",
    EventKind.TAMPER_ENDED: "It was closed.",
    EventKind.DOOR_FAULT: "The relay does not obey, or its board is gone.",
    EventKind.DOOR_FAULT_ENDED: "It obeys again.",
    EventKind.WIRE_FAULT: "A supervised wire is cut or shorted, or the board or reader on it is lost (`details.wire`).",
    EventKind.WIRE_RESTORED: "It is well again.",
    EventKind.TAILGATED: "A second passage through a turnstile on one grant: that of the person named.",
    EventKind.REVERSE_PASSAGE: "A passage through a turnstile against its direction.",
    EventKind.PASSAGE_FORCED: "A passage through a turnstile without any grant.",
    EventKind.READING_UNREADABLE: "A reader sent what is no card and no code; `details.form` tells how it came.",
    EventKind.READINGS_DROPPED: "Cards or keys (`details.number`) may have been old and were not looked at, since the "
    "reader was away (`details.why`: `line_lost`) or the controller stood still (`hung`).",
    EventKind.COMMAND_REFUSED: "A command was not carried out; the reason is a refusal of the table below.",
    EventKind.CLOCK_UNSURE: "The clock runs behind a time already seen, which it reaches at `details.until`.",
    EventKind.CLOCK_RESTORED: "The server vouched for the clock; the time in `details.given_up` was wrong.",
    EventKind.CLONED_CARD: "Another `controller` or `edge` (the reason) answers for this gate: a copied SD card.",
    EventKind.STORAGE_FAULT: "The file `details.file` was damaged and set aside (`set_aside`), or could not be opened "
    "(`kept_elsewhere`) or written any more (`kept_in_memory`); `details.lost` is not known any more.",
    EventKind.EVENTS_LOST: "The outbox was full, and `details.number` old events had to go.",
    EventKind.FACE_GRANTED: "The edge saw a face and let it in; `latency_ms` is from the frame to the relay.",
    EventKind.FACE_REFUSED: "The edge saw a face and asked for no grant.",
    EventKind.SPOOF: "A picture or a screen was shown to the camera.",
    EventKind.CAMERA_LOST: "The camera gives no pictures.",
    EventKind.CAMERA_BACK: "It does again.",
    EventKind.CAMERA_IMPAIRED: "The view is covered, frozen, out of focus, or not the one it was (the reason).",
    EventKind.CAMERA_CLEAR: "It is good again; the reason is what was wrong.",
    EventKind.MODEL_MISMATCH: "The directory's templates are of another model: no face is matched until it is mended.",
}
DOOR_REASONS = {
    Refusal.DOOR_CLOSED.value: "Staff or the schedule keep the door closed.",
    Refusal.INTERLOCKED.value: "The other door of the pair is not closed and locked.",
    Refusal.TURNSTILE_BUSY.value: "Too many people have a grant for this turnstile and have not passed.",
    "unreadable": "What was presented is no card and no code.",
    Refusal.TOO_LATE.value: "It was presented while the controller could not look, or took too long to record: "
    "show it again.",
    ProofRefusal.FORGED.value: "The card's proof of its key is wrong, or the door has no keys.",
    ProofRefusal.REPLAYED.value: "The card's proof was used before at this door.",
    CodeRefusal.FORGED.value: "The code was not signed by this campus's server, or the door has no key `staff`.",
    CodeRefusal.NOT_CURRENT.value: "The code is not that of this moment: older than 45 s, or more than 15 s ahead of "
    "this door's clock.",
    CodeRefusal.USED.value: "The code, or a later one of the same virtual card, opened this door before.",
    CodeRefusal.PAYS_ONLY.value: "A payment code of 18 digits, without the signature that gates ask for.",
    CodeRefusal.CLOCK_UNSURE.value: "A signed code, while this door's clock cannot be trusted.",
    CodeRefusal.TOO_MANY.value: "Ten unknown codes were shown within a minute: for a minute only signed codes count.",
}
_CHECKLIST = """\
## Installer's checklist

The lock and the fire wire

- [ ] Fail-safe (opens without power: magnets) or fail-secure (stays locked: most strikes) is decided for each door
      with the fire authority, and written on the door's plan. On an escape route people get out without power.
- [ ] The fire alarm cuts the lock's power in hardware where the authority asks for it; the controller's fire input
      comes on top and records it. The input is closed at rest, so a cut wire is an alarm.
- [ ] With network and power of the controller off, the door opens from inside.
- [ ] Trip the fire input with the network cable pulled: the lock falls open. Restore it: `fire_restored`.

The relay

- [ ] It does not click when the computer gets power, when the controller starts, and when it stops: listen, or hang a
      lamp on it, ten times. Choose a pin whose pull at power-up is the level of rest, or a board with an enable input.
- [ ] A relay board on the network: its own watchdog is on; only the controller's address reaches it (Modbus has no
      password).
- [ ] Interlock: the other lock's supply runs over this relay's spare contact.

Wires and reader

- [ ] Door contact: open without a card → `door_forced`; leave open after a passage → `door_held`.
- [ ] Turnstile: two people on one card → `tailgated`; walk out against it → `reverse_passage`.
- [ ] Supervised wires: cut and short each once → `wire_fault`; open the housing → `tamper`.
- [ ] The relay is on the inside of the wall; the reader alone is outside.
- [ ] OSDP: each reader has a key of its own, made here (`openssl rand -hex 16`), in a file of mode 0600; the
      installation key is refused. Unplug the reader → `wire_fault`. Show a good card meanwhile, plug the reader in:
      the door stays locked, and `readings_dropped` tells one.
- [ ] Every kind of card in use: an unknown one → `unknown_credential`; `details.form` is what `[reader]` is set to.
- [ ] A motion sensor in place of the exit button: walk in → nothing is unlocked (`exit_ignored_s`); walk out → it is.
- [ ] Card and PIN: the card alone → `pin_required`; five wrong PINs → `pin_locked`. The keypad is shielded from view.
- [ ] A gate that takes bare UIDs is on the list of gates of low trust; others have `accepts_bare_uid: false`.

Time, keys, network

- [ ] The clock is kept by NTP from a server that is reached without the internet; a computer without a battery clock
      starts in the past: commands are refused as `clock_unsure` until NTP has answered.
- [ ] The controller's key was made on this computer (`campusgate keys make`), mode 0600, and never left it. The file
      of trusted keys names this gate's edge with `open` and `deny` only.
- [ ] The day for replacing the key is in the calendar: `campusgate keys rotate`, `keys enrol`, `keys rotate --finish`.
- [ ] The broker is reached over TLS, with a password of its own for each process.
- [ ] The gate's zone has every other gate that leads into it. Go in here, try the same card there → `passed_back` (or a
      notice, where the rule is soft); the board counts one more. With the server stopped, the rule does what its
      `offline_hard` says.
- [ ] Stop the edge: a card still opens within 300 ms. Pull the network cable: the same. Pull the power and put it
      back: the door is locked, and the board shows a new start.

People

- [ ] A notice stands before the camera: what it does, for whom, how long, and where the card reader is.
- [ ] A card or a code opens here at the same hours as a face.
- [ ] No camera sees into a shower, a changing room or a toilet; such a gate is of kind `wet_room`, which refuses faces.
"""


def markdown() -> str:
    """Return the page."""
    return "\n".join(
        [
            "# Gates: state machines, events, reasons, installation",
            "",
            "Written by `campusgate door page`; a test holds it to the code. The drawings are made by running the",
            "machines: every signal is sent to every state that can be reached. An arrow reads *signal / event*.",
            "",
            *_drawing("A passage through a door", drawing.door_passage()),
            *_drawing("Orders and fire", drawing.door_orders()),
            "Staff's orders stand above the schedule's. A passage under way ends with `always_closed` and `lockdown`;",
            "the way out stays free, unless the door's file says otherwise for a lockdown.",
            "",
            *_drawing("A turnstile", drawing.lane()),
            "## Events",
            "",
            "Every transition is told by exactly one event.",
            "",
            "| Kind | Meaning |",
            "|---|---|",
            *(f"| `{kind.value}` | {EVENTS[kind]} |" for kind in EventKind),
            "",
            "## Reasons",
            "",
            "Of decisions ([meaning and help](access.md)): " + _codes(reason.value for reason in Reason) + ".",
            "",
            "Notices beside a grant: " + _codes(notice.value for notice in Notice) + ".",
            "",
            "Of the door itself:",
            "",
            "| Code | Meaning |",
            "|---|---|",
            *(f"| `{code}` | {meaning} |" for code, meaning in DOOR_REASONS.items()),
            "",
            "Of commands ([messages.md](messages.md)): " + _codes(refusal.value for refusal in Refusal) + ".",
            "",
            _CHECKLIST,
        ]
    )


def _drawing(title: str, text: str) -> list[str]:
    return [f"## {title}", "", "```mermaid", text, "```", ""]


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)
