"""Money by WeChat Pay, Alipay and the Agricultural Bank: accounts topped up, and codes read at a till."""

from contextlib import closing

from campusgate.demo.canteen import Till
from campusgate.demo.providers.trial import CODES
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import Stage

_TOP_UP_FEN = 1_000
_MEAL_FEN = 850
_UNAUTHORISED = 401


def topped_up_by_each_channel(stage: Stage) -> SceneResult:
    """An account is topped up by each channel; a notification that was changed is refused, two alike count once."""
    resident, providers = stage.resident, stage.providers
    got = []
    for channel in providers.names:
        before = resident.wallet()["balance"]
        order_id = resident.top_up(channel, _TOP_UP_FEN)
        providers.pay(channel, order_id)
        is_refused = providers.notify(channel, order_id, is_spoilt=True) == _UNAUTHORISED
        too_early = resident.wallet()["balance"] - before
        for _ in range(2):
            providers.notify(channel, order_id)
        credited = resident.wallet()["balance"] - before
        right = is_refused and not too_early and credited == _TOP_UP_FEN
        wrong = f"changed one refused {is_refused}, {too_early} and then {credited} fen credited"
        got.append(f"{channel} {'once' if right else wrong}")
    expected = ", ".join(f"{channel} once" for channel in providers.names)
    return SceneResult("topped_up_by_each_channel", expected, ", ".join(got))


def paid_by_each_code(stage: Stage) -> SceneResult:
    """The till reads the code of each channel's app and of a virtual card: only the last one takes campus money."""
    resident, providers = stage.resident, stage.providers
    before = resident.wallet()["balance"]
    got = []
    with closing(Till(stage.campus.server_url, stage.campus.till_token)) as till:
        for channel, code in CODES.items():
            payment_id, state = till.scan(code, _MEAL_FEN)
            is_paid = providers.is_paid(channel, payment_id)
            got.append(f"{channel} {state if is_paid else f'{state} and not paid there'}")
        poor = CODES["wechat"][:-1] + "9"
        got.append(f"without money {till.scan(poor, _MEAL_FEN)[1]}")
        spent = before - resident.wallet()["balance"]
        _, state = till.scan(resident.show_payment_code(), _MEAL_FEN)
        got.append(f"virtual card {state}")
    taken = before - resident.wallet()["balance"]
    got.append(f"{spent} and then {taken} fen taken from the account")
    paid = ", ".join(f"{channel} paid" for channel in CODES)
    expected = f"{paid}, without money refused, virtual card paid, 0 and then {_MEAL_FEN} fen taken from the account"
    return SceneResult("paid_by_each_code", expected, ", ".join(got))
