"""Commands by thieves who listen on the bus, or hold a stolen key."""

import threading
import time
from datetime import UTC, datetime, timedelta

from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, NEXT_PASSAGE_S, QUIET_S, SETTLE_S, WALKS, Mark, Stage
from messages import Action, Method, Refusal, SignedCommand


def replayed_command_refused(stage: Stage) -> SceneResult:
    """Whoever listens on the bus sends the command that opens the gate once more, while it is still fresh."""
    refusals = (_overheard_and_replayed(stage) for _ in range(WALKS))
    got = next((refusal for refusal in refusals if refusal is not None), "there was no command to replay")
    return SceneResult("replayed_command_refused", "replayed", got)


def _overheard_and_replayed(stage: Stage) -> str | None:
    """Let somebody walk up, and replay the command that opens; None when the walk led to none."""
    walk = stage.films.walk("wang-again")
    # Who has just passed and stands there still is not let in again; so everybody leaves first.
    time.sleep(NEXT_PASSAGE_S)
    seen = len(stage.observer.commands)
    film = threading.Thread(target=stage.camera.play, args=(walk,))
    film.start()
    refusal = None
    if stage.observer.wait(lambda: len(stage.observer.commands) > seen, SETTLE_S):
        stage.observer.wait(lambda: not stage.is_locked(), ANSWER_S)
        refusal = _refusal(stage, stage.observer.commands[seen])
    film.join()
    return refusal


def stale_command_refused(stage: Stage) -> SceneResult:
    """A command that was signed a minute ago arrives now."""
    signed = _command(stage, issued_at=datetime.now(UTC) - timedelta(minutes=1))
    return SceneResult("stale_command_refused", "stale", _refusal(stage, signed.payload))


def unsigned_command_refused(stage: Stage) -> SceneResult:
    """A command in the right form, without a signature."""
    signed = _command(stage, issued_at=datetime.now(UTC))
    return SceneResult("unsigned_command_refused", "unsigned", _refusal(stage, signed.command.encode()))


def _command(stage: Stage, *, issued_at: datetime) -> SignedCommand:
    """Sign an order to open with the edge's own key, as if it were `issued_at`."""
    return stage.edge_signer.issue(
        gate=stage.topics.gate,
        action=Action.OPEN,
        method=Method.FACE,
        reason="granted",
        boot_id=stage.boot_id,
        now=issued_at,
    )


def _refusal(stage: Stage, payload: bytes) -> str:
    """Send `payload` to the gate as a thief would, and return why it was refused, or what happened instead."""
    acks, mark = len(stage.observer.acks), Mark(stage)
    stage.bus.publish(stage.topics.command, payload, wait_s=ANSWER_S)

    def refusal() -> Refusal | str | None:
        return next((ack.refusal for ack in stage.observer.acks[acks:] if ack.refusal is not None), None)

    stage.observer.wait(lambda: refusal() is not None, ANSWER_S)
    time.sleep(QUIET_S)
    refused = refusal()
    return str(refused) if refused is not None and not mark.openings else f"{mark.openings} openings, {refused}"
