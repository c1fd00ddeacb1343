"""Random lives of a ledger: the invariants hold after every single step, in memory and on both databases.

And the lives find what they are there to find: for each rule of `decision.py` there is a mutant that breaks it, and the
same machine must notice.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from accounts.ledger import decision
from database import Database
from tests.accounts.ledger_books import Books, PureBooks, StoredBooks
from tests.accounts.ledger_life import LedgerLife
from tests.databases import copied

TIMES = int(os.environ.get("CAMPUSGATE_TEST_SEQUENCES", "1"))
"""How many times as many sequences as usual; a nightly run may take a hundred."""


def live(make_books: Callable[[], Books], sequences: int, steps: int, **options: object) -> None:
    class Life(LedgerLife):
        def __init__(self) -> None:
            super().__init__()
            self.books = make_books()

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **options,  # type: ignore[arg-type]
        ),
    )


def test_the_invariants_hold_after_every_step_of_hundreds_of_lives() -> None:
    live(PureBooks, 300 * TIMES, 25)


@pytest.fixture(params=["sqlite", "postgresql"])
def lend_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Lends an empty database for each life, when the life before has ended with its own."""
    with ExitStack() as lent:

        def lend() -> Database:
            lent.close()
            if request.param == "postgresql":
                return lent.enter_context(request.getfixturevalue("postgresql_databases").lend())
            return lent.enter_context(closing(copied(request.getfixturevalue("sqlite_template"), tmp_path)))

        yield lend


@pytest.mark.timeout(900)
def test_the_invariants_hold_after_every_step_of_lives_in_a_database(lend_empty: Callable[[], Database]) -> None:
    sequences = 10 if lend_empty().is_sqlite else 5
    live(lambda: StoredBooks(lend_empty()), sequences * TIMES, 20)


ENDED = "if hold.id not in state.open_holds:"
TOO_LITTLE = "transfer.amount:\n        raise _refused(RefusalCode.INSUFFICIENT_FUNDS"
USED = "used = debit.kind is AccountKind.ROOM and credit.kind in SUPPLYING"
OVER_THE_CAP = "if transfer.amount > left:\n            message"
ASTRAY = "if (transfer.debit, transfer.credit) != (original.credit, original.debit):"
COUNTED = "self.open_holds.add(entry.id)\n                self._count(entry)"
KNOWN = "if (line := state.lines.get(transfer.id)) is not None:"

MUTANTS = {
    "funds check ignores holds": ("(account.balance or 0) - account.held", "(account.balance or 0)"),
    "a room cannot owe": (USED, "used = False"),
    "a room pays out what it does not have": (USED, "used = debit.kind is AccountKind.ROOM"),
    "a wallet may owe": (USED, "used = credit.kind in SUPPLYING"),
    "funds are not checked": (TOO_LITTLE, TOO_LITTLE.replace("transfer.amount", "-1")),
    "limits ignore holds": (COUNTED, COUNTED.replace("self._count(entry)", "pass")),
    "limits forget what a post did not use": ("+ used - hold.amount", "+ 0"),
    "limits are not judged": (OVER_THE_CAP, OVER_THE_CAP.replace("transfer.amount > left", "False")),
    "a refund leaves the limit as it was": ("get(key, 0) - entry.amount)", "get(key, 0))"),
    "a hold posts twice": (ENDED, ENDED.replace(":", " and transfer.action is not Action.POST:")),
    "an expiry releases twice": (ENDED, ENDED.replace(":", " and transfer.action is not Action.EXPIRE:")),
    "a void releases twice": (ENDED, ENDED.replace(":", " and transfer.action is not Action.VOID:")),
    "an expired hold is posted": ("expired=now >= hold.expires_at", "expired=False"),
    "a hold expires too early": ("and now < hold.expires_at:", "and False:"),
    "a post takes more than is held": ("if transfer.amount > hold.amount:", "if False:"),
    "a post leaves the rest held": ("held -= hold.amount", "held -= entry.amount"),
    "a refund exceeds its payment": ("original.amount - state.corrected.get(original.id, 0)", "original.amount"),
    "a reversal is not remembered": ("self.corrected.get(entry.corrects, 0) + entry.amount", "0"),
    "a refund is refunded": (" or original.corrects is not None:", ":"),
    "a refund goes to somebody else": (ASTRAY, "if False:"),
    "the digest is ignored": ("if line.digest == digest:", "if True:"),
    "a repeated id is recorded again": (KNOWN, "if (line := None) is not None:"),
    "a cancelled id pays": (KNOWN, KNOWN.replace("is not None", "is not None and line.amount")),
    "a suspended account pays": ("if account.state is AccountState.SUSPENDED:", "if False:"),
    "money is made": ("credit.balance += amount", "credit.balance += amount + 1"),
    "a line states the balance before it": ("debit.balance - moved", "debit.balance"),
    "nothing and less may be moved": ("not 0 < transfer.amount <= MAX_AMOUNT", "transfer.amount > MAX_AMOUNT"),
}


def test_the_rules_themselves_are_no_mutant() -> None:
    live(lambda: PureBooks(mutant("", "")), 20, 20)


@pytest.mark.parametrize(("right", "wrong"), MUTANTS.values(), ids=list(MUTANTS))
def test_a_broken_rule_is_found(right: str, wrong: str) -> None:
    rules = mutant(right, wrong)
    with pytest.raises((AssertionError, KeyError, ExceptionGroup)):
        live(
            lambda: PureBooks(rules),
            # Far more than any mutant needs: the first that finds it ends the search.
            4_000,
            40,
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
        )


def mutant(right: str, wrong: str) -> ModuleType:
    """The module `decision` with one thing changed."""
    source = Path(decision.__file__).read_text(encoding="utf-8")
    assert not right or source.count(right) == 1, (
        f"{right!r} must stand once in decision.py: bring the mutant up to date"
    )
    module = ModuleType("accounts.ledger.mutant")
    with patch.dict(sys.modules, {module.__name__: module}):  # where dataclasses look themselves up
        exec(compile(source.replace(right, wrong, 1) if right else source, "mutant", "exec"), module.__dict__)
    return module
