"""What other prices would change, by arithmetic that anybody can repeat."""

from dataclasses import replace

from database import new_id
from metering.billing.price_preview import compare
from metering.tariffs.electricity import PricePerKwh, Quota, Rate, WattHours, flat_plan
from tests.metering.electricity_cases import FIRST, ZONE


def test_a_month_costs_its_energy_times_the_price_by_either_plan() -> None:
    old, new = (flat_plan(new_id(), "flat", FIRST, PricePerKwh(price)) for price in (5_000, 6_000))
    assert [(one.wh, one.old, one.new) for one in compare(old, new, ZONE)] == [
        (50_000, 2_500, 3_000),
        (100_000, 5_000, 6_000),
        (200_000, 10_000, 12_000),
        (400_000, 20_000, 24_000),
    ]


def test_without_prices_until_now_there_is_nothing_to_compare_with() -> None:
    new = flat_plan(new_id(), "flat", FIRST, PricePerKwh(5_000))
    assert {one.old for one in compare(None, new, ZONE)} == {None}


def test_tiers_count_and_a_room_of_four_has_the_free_energy_of_four() -> None:
    quota = Quota(WattHours(10_000))
    free = flat_plan(new_id(), "free", FIRST, PricePerKwh(5_000), quota=quota)
    tiers = replace(
        flat_plan(new_id(), "tiers", FIRST, PricePerKwh(5_000)),
        tier_limits=(WattHours(100_000),),
        rates=(Rate("flat", (PricePerKwh(5_000), PricePerKwh(10_000))),),
    )
    # 30 days of September are the whole window: 40 kWh are free.
    assert [one.new for one in compare(None, free, ZONE)] == [500, 3_000, 8_000, 18_000]
    assert [one.new for one in compare(None, tiers, ZONE)] == [2_500, 5_000, 15_000, 35_000]
