"""A keypad: keys become what was typed when the enter key is pressed."""

NEXT_KEY_S = 10.0
"""After a longer pause typing begins anew."""
_LONGEST = 32
"""Keys that are kept; the longest code has so many letters (`access.credentials.code_digest`)."""


class Keypad:
    """What is being typed at one reader."""

    def __init__(self, *, enter: str, clear: str) -> None:
        self._enter, self._clear = enter, clear
        self._typed, self._typed_at = "", 0.0

    def press(self, key: str, now: float) -> str | None:
        """Return what was typed when `key`, pressed at `now` (monotonic seconds), ends it, else None."""
        if key == self._clear or now > self._typed_at + NEXT_KEY_S:
            self._typed = ""
        self._typed_at = now
        if key == self._enter:
            typed, self._typed = self._typed, ""
            return typed or None
        if key != self._clear and len(self._typed) < _LONGEST:
            self._typed += key
        return None

    def discard(self) -> int:
        """Forget what is half typed, since its rest may be lost; return how many keys that were."""
        typed, self._typed = self._typed, ""
        return len(typed)
