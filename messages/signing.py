"""Signatures over the exact bytes of a command or an acknowledgement, and the judgement of a command that arrived.

Both travel in the envelope of `messages.envelope`, whose signature covers the purpose too: an acknowledgement cannot be
played back as a command.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import uuid_utils.compat
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messages.commands import MAX_TTL_MS, Ack, Action, Command, Method, Refusal
from messages.envelope import Purpose, SignedMessage, has_signature, seal
from messages.keys import TrustedKey
from messages.nonces import NonceStore
from messages.topics import controller_sender
from messages.wire import MalformedMessageError, Message

CLOCK_TOLERANCE = timedelta(seconds=2)
"""How far ahead of the controller's clock a sender's clock may be."""


class RefusedError(Exception):
    """A command is not to be carried out; `refusal` says why, `command` is what could be read of it, if anything.

    `command` may be forged unless `authentic` is true: use it for the record, never to act.
    """

    def __init__(self, refusal: Refusal, command: Command | None = None, *, authentic: bool = False) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.command = command
        self.authentic = authentic


class BadAckError(Exception):
    """An acknowledgement is not the controller's: unsigned, unknown sender, or a wrong signature."""


@dataclass(frozen=True, slots=True)
class SignedCommand:
    """A command and the bytes to publish."""

    command: Command
    payload: bytes


class Nonces(Protocol):
    """Hands out nonces; `NonceStore` is one."""

    def next(self, sender: str, now_us: int) -> int:
        """Return a nonce for `sender` larger than every earlier one; `now_us`: microseconds since 1970."""


class Signer:
    """Signs as `sender`. Publish the commands to a gate in the order they were issued: a later one voids an earlier."""

    def __init__(self, key: Ed25519PrivateKey, sender: str, nonces: Nonces) -> None:
        """Take the private key, the name it is trusted under, and the store that keeps nonces rising."""
        self._key = key
        self.sender = sender
        self._nonces = nonces

    def issue(
        self,
        *,
        gate: str,
        action: Action,
        method: Method,
        reason: str,
        boot_id: UUID,
        now: datetime,
        ttl_ms: int = MAX_TTL_MS,
        person_id: UUID | None = None,
        tap_id: UUID | None = None,
        extended: bool = False,
        notices: tuple[str, ...] = (),
    ) -> SignedCommand:
        """Make and sign a command; `boot_id` is the one in the gate's retained state."""
        command = Command(
            id=uuid_utils.compat.uuid7(),
            sender=self.sender,
            gate=gate,
            action=action,
            method=method,
            reason=reason,
            nonce=self._nonces.next(self.sender, int(now.timestamp() * 1_000_000)),
            issued_at=now,
            ttl_ms=ttl_ms,
            boot_id=boot_id,
            person_id=person_id,
            tap_id=tap_id,
            extended=extended,
            notices=notices,
        )
        return SignedCommand(command, self.sign(command))

    def sign(self, message: Command | Ack) -> bytes:
        """Return the bytes of `message` inside its signature."""
        purpose = Purpose.COMMAND if isinstance(message, Command) else Purpose.ACK
        return seal(self._key, self.sender, purpose, message)


class Verifier:
    """Judges commands for one gate during one boot of its controller."""

    def __init__(self, trusted: Mapping[str, TrustedKey], *, gate: str, boot_id: UUID, nonces: NonceStore) -> None:
        """Take the senders that are obeyed, and where their nonces are kept."""
        self._trusted = trusted
        self._gate = gate
        self._boot_id = boot_id
        self._nonces = nonces

    def verify(self, payload: bytes, *, retained: bool, now: datetime, clock_sure: bool = True) -> Command:
        """Return the command in `payload`; its nonce is spent by then (`NonceStore`).

        The order matters: nothing is believed before the signature, and the nonce is spent last, so that a refused
        command cannot use up a number. Without a trustworthy clock only `lock`, `lockdown` and `deny` pass, for
        age cannot be judged and those let nobody in.

        Raises:
            RefusedError: with the reason.
        """
        command, permitted = self._authentic(payload, now)

        def refuse(refusal: Refusal) -> RefusedError:
            return RefusedError(refusal, command, authentic=True)

        if retained:
            raise refuse(Refusal.RETAINED)
        if command.gate != self._gate:
            raise refuse(Refusal.WRONG_GATE)
        if command.action not in permitted:
            raise refuse(Refusal.NOT_PERMITTED)
        if not hmac.compare_digest(command.boot_id.bytes, self._boot_id.bytes):
            raise refuse(Refusal.WRONG_BOOT)
        if clock_sure:
            age = now - command.issued_at
            if age > timedelta(milliseconds=command.ttl_ms) or age < -CLOCK_TOLERANCE:
                raise refuse(Refusal.STALE)
        elif command.action in {Action.OPEN, Action.HOLD, Action.RELEASE}:
            raise refuse(Refusal.CLOCK_UNSURE)
        if not self._nonces.accept(command.sender, command.nonce):
            raise refuse(Refusal.REPLAYED)
        return command

    def _authentic(self, payload: bytes, now: datetime) -> tuple[Command, frozenset[Action]]:
        try:
            envelope = SignedMessage.decode(payload)
        except MalformedMessageError as error:
            raise _not_an_envelope(payload) from error
        claimed = _claimed(envelope.body)
        trusted = self._trusted.get(envelope.sender)
        if trusted is None:
            raise RefusedError(Refusal.UNKNOWN_SENDER, claimed)
        if not has_signature(trusted, Purpose.COMMAND, envelope, now):
            raise RefusedError(Refusal.BAD_SIGNATURE, claimed)
        if claimed is None:
            raise RefusedError(Refusal.MALFORMED)
        if claimed.sender != envelope.sender:
            raise RefusedError(Refusal.UNKNOWN_SENDER, claimed)
        return claimed, trusted.actions


def verify_ack(payload: bytes, trusted: Mapping[str, TrustedKey], *, now: datetime | None = None) -> Ack:
    """Return the acknowledgement in `payload`, signed by the controller of the gate that it names.

    `trusted` may hold other senders too: none of them can answer for a gate. Keys count as they do at `now` (else: this
    moment).

    Raises:
        BadAckError: another signed it, its key is not trusted, or the signature does not hold.
        MalformedMessageError: no acknowledgement.
    """
    envelope = SignedMessage.decode(payload)
    key = trusted.get(envelope.sender)
    if key is None:
        raise BadAckError(f"acknowledgement by {envelope.sender!r}, whose key is not trusted")
    if not has_signature(key, Purpose.ACK, envelope, now or datetime.now(UTC)):
        raise BadAckError(f"acknowledgement with a wrong signature in the name of {envelope.sender!r}")
    ack = Ack.decode(envelope.body.encode())
    if envelope.sender != controller_sender(ack.gate):
        raise BadAckError(f"acknowledgement for gate {ack.gate} by {envelope.sender!r}")
    return ack


def _not_an_envelope(payload: bytes) -> RefusedError:
    """A bare command, or an envelope without its signature, is unsigned; anything else is malformed."""
    command = _claimed(payload)
    if command is not None:
        return RefusedError(Refusal.UNSIGNED, command)

    class Unsigned(Message):
        body: str
        signature: Any = None

    try:
        envelope = Unsigned.decode(payload)
    except MalformedMessageError:
        return RefusedError(Refusal.MALFORMED)
    if not envelope.signature:
        return RefusedError(Refusal.UNSIGNED, _claimed(envelope.body))
    return RefusedError(Refusal.MALFORMED, _claimed(envelope.body))


def _claimed(body: str | bytes) -> Command | None:
    try:
        return Command.decode(body.encode() if isinstance(body, str) else body)
    except (MalformedMessageError, UnicodeEncodeError):
        return None
