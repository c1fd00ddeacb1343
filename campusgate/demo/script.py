"""One day at the gate and in the dormitory, in order.

Every outcome is judged by what the gate itself said on the bus, or the meters, the ledger and the account.
"""

import time

from campusgate.demo.acts import (
    cards,
    channels,
    codes,
    commands,
    computer_rooms,
    door,
    evening,
    faces,
    hanging,
    library,
    outages,
    rooms,
    rules,
    showers,
)
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import SETTLE_S, Scene, Stage

SCENES: tuple[Scene, ...] = (
    faces.known_person_opens,
    commands.replayed_command_refused,
    commands.stale_command_refused,
    commands.unsigned_command_refused,
    faces.stranger_refused,
    faces.spoof_refused,
    cards.card_fallback_opens,
    cards.one_card_one_person,
    codes.code_opens,
    codes.used_code_refused,
    cards.lost_card_refused,
    cards.late_card_stays_out,
    door.forced_door_noticed,
    door.held_door_noticed,
    door.fire_opens,
    door.lockdown_refuses_everyone,
    rules.curfew_return_reported,
    rules.passed_back_card_refused,
    cards.revocation_within_2s,
    showers.shower_settles_exactly,
    showers.shower_power_cut_costs_nothing,
    channels.topped_up_by_each_channel,
    channels.paid_by_each_code,
    library.library_fine_paid,
    computer_rooms.computer_room_time_is_paid,
    rooms.night_is_not_cut_off,
    hanging.cancelled_order_stays_cancelled,
    hanging.hung_server_is_shown,
    faces.camera_stayed_well,
    outages.edge_dead_card_opens,
    outages.server_dead_gate_works,
    outages.broker_dead_card_opens,
    rooms.room_cut_off_and_armed_again,
    evening.nothing_is_left_open,
)
"""Lost cards stay lost: Li's and Zhao's are not needed after their scenes. The night ends with the server's death."""


_HEARD_S = 0.25
"""The door's state is heard some 20 ms after the answer at its reader; until then a released door looks locked."""


def play(stage: Stage, scene: Scene) -> SceneResult:
    """Wait until the door is locked and nothing is under way, then play one scene."""
    time.sleep(_HEARD_S)
    stage.observer.wait(stage.is_locked, SETTLE_S)
    return scene(stage)
