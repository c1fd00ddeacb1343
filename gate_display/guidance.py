"""What a screen says to somebody who was not let in: what they can do, and nothing that others should not read."""

from collections.abc import Mapping

UNKNOWN = "ask_staff"
"""For a code that a newer process reports."""

GUIDANCE: Mapping[str, str] = {
    code: guidance
    for guidance, codes in {
        "look_again": ("nothing_presented", "unknown_face", "ambiguous_face", "spoof"),
        "remove_mask": ("mask_worn",),
        "remove_glasses": ("dark_glasses_worn",),
        "read_again": ("malformed", "too_late", "stale", "replayed", "wrong_boot", "card_replayed"),
        "next_code": ("code_not_current", "code_used"),
        "signed_code": ("code_pays_only",),
        "wait_a_minute": ("too_many_codes",),
        "card_centre": (
            "unknown_credential",
            "card_lost",
            "card_suspended",
            "card_inactive",
            "card_not_authenticated",
            "card_forged",
            "code_forged",
            "credential_not_yet_valid",
            "credential_expired",
            "suspended",
            "not_yet_valid",
            "expired",
        ),
        "another_gate": ("not_entitled",),
        "another_time": ("outside_schedule", "curfew"),
        "another_means": ("method_not_allowed", "code_clock_unsure"),
        "card_too": ("card_required",),
        "face_too": ("face_required",),
        "own_card": ("face_not_card_holder",),
        "enter_pin": ("pin_required",),
        "pin_again": ("pin_wrong",),
        "wait_for_room": ("zone_full",),
        "wait_for_first": ("first_person_awaited",),
        "second_person": ("second_person_awaited",),
        "other_door": ("interlocked",),
        "one_by_one": ("turnstile_busy",),
        "closed_now": ("door_closed",),
        "gate_trouble": (
            "directory_missing",
            "directory_unreadable",
            "directory_stale",
            "model_mismatch",
            "clock_unsure",
            "door_fault",
            "unsigned",
            "unknown_sender",
            "bad_signature",
            "retained",
            "wrong_gate",
            "not_permitted",
        ),
        UNKNOWN: ("passed_back", "pin_locked"),
    }.items()
    for code in codes
}
"""By the reason of a refusal. Which account or card is blocked, and why, is between its holder and the card centre."""


def guide(reason: str | None) -> str:
    """Return the key of the words for a refusal's reason; known for every code, also of a newer release."""
    return GUIDANCE.get(reason or "", UNKNOWN)
