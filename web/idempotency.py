"""`Idempotency-Key`: a write that moves money or opens a door happens once, however often the client sends it.

The client makes the key and sends it again with the same request when an answer was lost. The answer is stored in the
same transaction as the write, so neither exists without the other; a refused request stores nothing and may be
repeated with the same key.

    @router.post("/cards/{card_id}/replace", responses=responses(*idempotency.ERRORS, …))
    def replace(once: OnceDep, …) -> CardOut:
        with database.begin() as session:
            return once.answer(session, CardOut, lambda: …, scope=principal.actor, now=now)
"""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.digests import credential_key
from web.problems import ProblemError
from web.tables import AnsweredRequest

Answer = TypeVar("Answer", bound=BaseModel)


class KeyReusedError(ProblemError):
    """The key came before with another request."""

    code = "idempotency_key_reused"
    status = 422
    title = "This Idempotency-Key was used for another request"


ERRORS = (KeyReusedError,)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key of one request, and the digest of what it asks for."""

    key: str
    digest: bytes

    def answer(
        self, session: Session, model: type[Answer], write: Callable[[], Answer], *, scope: str, now: datetime
    ) -> Answer:
        """Do `write` and remember its answer, or return the answer remembered.

        Two requests with one key at the same moment: the second waits for the first one's transaction.

        Args:
            session: a writing transaction.
            model: what the answer is stored as.
            write: does the work in the same session.
            scope: who asks; keys of different callers never meet.
            now: the current time.

        Raises:
            KeyReusedError: the key was used for another request.
        """
        # Requests hold card numbers and six-digit passwords: a plain digest of one could be guessed from.
        digest = hmac.digest(credential_key(session), self.digest, "sha256")
        row = {"scope": scope, "key": self.key, "digest": digest, "answer": "", "at": now}
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        mine = session.scalar(
            insert(AnsweredRequest).values(row).on_conflict_do_nothing().returning(AnsweredRequest.digest)
        )
        stored = session.scalars(select(AnsweredRequest).filter_by(scope=scope, key=self.key)).one()
        if mine is None:
            if stored.digest != digest:
                raise KeyReusedError
            return model.model_validate_json(stored.answer)
        answer = write()
        stored.answer = answer.model_dump_json()
        session.flush()
        return answer


async def _request_key(
    request: Request,
    idempotency_key: Annotated[
        str,
        Header(
            min_length=8,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="made by the client, the same when the request is sent again",
        ),
    ],
) -> RequestKey:
    return RequestKey(idempotency_key, digest(request.method, request.url.path, await request.body()))


OnceDep = Annotated[RequestKey, Depends(_request_key)]


def digest(method: str, path: str, body: bytes) -> bytes:
    """Return a SHA-256 of what a request asks for; the order and spacing of a JSON body do not matter."""
    with contextlib.suppress(ValueError):
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


def forget(session: Session, before: datetime) -> None:
    """Delete answers older than `before`; their keys could then be used again."""
    session.execute(delete(AnsweredRequest).where(AnsweredRequest.at < before))
