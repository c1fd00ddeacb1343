"""Somebody who moves money in a process of its own, which `test_ledger_killed` kills."""

import random
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TextIO
from uuid import UUID

import structlog

from accounts.ledger import Action, LedgerWriter, Transfer
from database import Database, DatabaseBusyError, new_id


def main(_pipe: Pipe, said: Path, url: str, merchant: UUID, wallets: Sequence[UUID]) -> None:
    """Send transfers from four threads until killed, and write to a file what was wished and what was answered."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with said.open("w") as file, LedgerWriter(Database(url)) as writer:
        client = _Client(writer, file, merchant, wallets)
        threads = [threading.Thread(target=client.live, daemon=True) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()


class _Client:
    def __init__(self, writer: LedgerWriter, file: TextIO, merchant: UUID, wallets: Sequence[UUID]) -> None:
        self._writer, self._file, self._merchant, self._wallets = writer, file, merchant, wallets
        self._writing = threading.Lock()

    def live(self) -> None:
        dice = random.Random()
        while True:
            try:
                self._move(dice)
            except DatabaseBusyError:
                continue

    def _move(self, dice: random.Random) -> None:
        giver, taker = dice.sample(self._wallets, 2)
        amount = dice.randint(1, 500)
        wish = dice.choice((
            Transfer(new_id(), "payment", giver, self._merchant, amount),
            Transfer(new_id(), "gift", giver, taker, amount),
            Transfer(
                new_id(), "shower", giver, self._merchant, amount, Action.HOLD, expires_after=timedelta(hours=1)
            ),
        ))  # fmt: skip
        self._say("wished", wish.id, wish.action, wish.purpose, wish.debit, wish.credit, wish.amount)
        if self._writer.submit(wish).entry is None:
            return
        self._say("answered", wish.id)
        if wish.action is Action.HOLD and dice.random() < 0.7:
            action = dice.choice((Action.POST, Action.VOID))
            fen = dice.randint(1, amount) if action is Action.POST else 0
            end = Transfer(new_id(), "shower", amount=fen, action=action, resolves=wish.id)
            self._writer.submit(end).require()
            self._say("answered", end.id)
        elif dice.random() < 0.3:
            back = Transfer(new_id(), "refund", wish.credit, giver, amount, corrects=wish.id)
            if self._writer.submit(back).entry is not None:
                self._say("answered", back.id)

    def _say(self, *words: object) -> None:
        with self._writing:
            self._file.write(" ".join(map(str, words)) + " .\n")
            self._file.flush()
