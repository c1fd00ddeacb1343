"""Why a payment is refused, as problems of the API."""

from accounts.ledger.transfer import Entry, PostingResult, Refusal, RefusalCode
from web.problems import ProblemError


class ConsumptionPasswordRequiredError(ProblemError):
    """Above a limit. `limit` is `meal` or `day`, `left` the fen that need no password; send it with the same id."""

    code = "consumption_password_required"
    status = 403
    title = "This is above a spending limit; the consumption password lets it through"


class InsufficientFundsError(ProblemError):
    """The wallet has only `left` fen to spend."""

    code = "insufficient_funds"
    status = 409
    title = "The balance is too low"


class PaymentIdReusedError(ProblemError):
    """The client's id was used before for something else; nothing was done."""

    code = "payment_id_reused"
    status = 409
    title = "This id was used for something else; make a new one"


class PaymentCancelledError(ProblemError):
    """The terminal cancelled this payment before it arrived; it will never be taken."""

    code = "payment_cancelled"
    status = 409
    title = "This payment was cancelled"


class WalletNotUsableError(ProblemError):
    """The wallet or the merchant's account is suspended or closed; `reason` is the ledger's."""

    code = "wallet_not_usable"
    status = 403
    title = "The account takes no payments now"


class RefundTooLargeError(ProblemError):
    """Only `left` fen of the payment have not been given back."""

    code = "refund_too_large"
    status = 409
    title = "More than the rest of the payment cannot be given back"


class HoldEndedError(ProblemError):
    """The hold was posted, voided, or its time is over; it ends once. `reason` is the ledger's."""

    code = "hold_ended"
    status = 409
    title = "The hold has ended"


class HoldExceededError(ProblemError):
    """No more than the `left` fen that are held can be taken."""

    code = "hold_exceeded"
    status = 409
    title = "More than is held cannot be taken"


class LedgerRefusedError(ProblemError):
    """The ledger refused; `reason` says why."""

    code = "ledger_refused"
    status = 409
    title = "The ledger refused this"


class UnknownMerchantError(ProblemError):
    """The device belongs to no merchant."""

    code = "no_merchant"
    status = 409
    title = "This device belongs to no merchant; the card centre assigns one"


class ServiceNotOnCampusError(ProblemError):
    """The merchant's service is not enabled on its campus, or the device stands on another one."""

    code = "service_not_on_campus"
    status = 403
    title = "This service is not enabled on this campus"


class UnknownCodeError(ProblemError):
    """The code is neither a virtual card's nor one of a connected channel."""

    code = "unknown_payment_code"
    status = 422
    title = "This payment code belongs to no connected channel"


LEDGER_ERRORS = (
    ConsumptionPasswordRequiredError,
    InsufficientFundsError,
    PaymentIdReusedError,
    WalletNotUsableError,
    RefundTooLargeError,
    LedgerRefusedError,
)


_WITH_WHAT_IS_LEFT: dict[RefusalCode, type[ProblemError]] = {
    RefusalCode.INSUFFICIENT_FUNDS: InsufficientFundsError,
    RefusalCode.CORRECTION_EXCEEDS: RefundTooLargeError,
    RefusalCode.HOLD_EXCEEDED: HoldExceededError,
}
_WITH_A_REASON: dict[RefusalCode, type[ProblemError]] = {
    RefusalCode.ACCOUNT_SUSPENDED: WalletNotUsableError,
    RefusalCode.ACCOUNT_CLOSED: WalletNotUsableError,
    RefusalCode.HOLD_RESOLVED: HoldEndedError,
    RefusalCode.HOLD_EXPIRED: HoldEndedError,
}


def problem_of(refusal: Refusal) -> ProblemError:
    """Return the problem that a refusal of the ledger is to a client."""
    if refusal.code is RefusalCode.LIMIT_REACHED:
        limit = (refusal.window or "").split("/")[0]
        return ConsumptionPasswordRequiredError(limit=limit, left=refusal.left)
    if refusal.code is RefusalCode.ID_REUSED:
        return PaymentIdReusedError()
    if (kind := _WITH_WHAT_IS_LEFT.get(refusal.code)) is not None:
        return kind(left=refusal.left)
    if (kind := _WITH_A_REASON.get(refusal.code)) is not None:
        return kind(reason=refusal.code.value)
    return LedgerRefusedError(refusal.message, reason=refusal.code.value)


def require(outcome: PostingResult) -> Entry:
    """Return the journal's line of an outcome.

    Raises:
        ProblemError: the ledger refused.
    """
    if outcome.refusal is not None:
        raise problem_of(outcome.refusal)
    return outcome.require()
