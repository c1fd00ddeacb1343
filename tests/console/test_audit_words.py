"""Every action that the sources write into the audit trail has words on its page."""

import re
from pathlib import Path

from accounts.cards.card_states import CardAction
from console.texts import TEXTS
from enrollment.tables import PhotoState

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("accounts", "enrollment", "directory", "operations", "metering", "console")
_WRITTEN = (
    r'action="([a-z_]+(?:\.[a-z_]+)?)"',
    r'record_disclosure\("([a-z_]+\.[a-z_]+)"',
    r'_(?:note|record|record_change)\([^)]*?"([a-z_]+\.[a-z_]+)"',
)


def actions() -> set[str]:
    sources = [path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    found = {one for source in sources for pattern in _WRITTEN for one in re.findall(pattern, source)}
    found |= {f"card.{one.value}" for one in CardAction} | {f"photo.{one.value}" for one in PhotoState}
    return {one for one in found if "." in one or one in {"dry_run", "subsidy"}} - {"photo.uploaded"}


def test_every_action_has_its_words() -> None:
    assert len(actions()) > 100
    assert {one for one in actions() if f"audit_action.{one}" not in TEXTS} == set()


def test_what_a_line_is_about_has_its_words() -> None:
    sources = [path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    patterns = (r'record_disclosure\(\s*"[a-z_.]+",\s*f?"([a-z_]+):', r'subject=f?"([a-z_]+):')
    kinds = {one for source in sources for pattern in patterns for one in re.findall(pattern, source)}
    assert len(kinds) > 40
    assert {one for one in kinds if f"audit_subject.{one}" not in TEXTS} == set()
