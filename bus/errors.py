"""What can go wrong between a process and its broker."""

from errors import OperatorError


class BusError(OperatorError):
    """Base of the errors of this room."""


class NotConnectedError(BusError):
    """There is no broker at this moment, and the message was not queued."""


class NotDeliveredError(BusError):
    """The message was sent, and the broker did not acknowledge it in time or the connection broke before.

    It may have arrived or not.
    """


class UnreachableError(BusError):
    """The broker did not answer: nothing listens there, or the network is broken. Trying again can help."""


class RefusedByBrokerError(BusError):
    """The broker answered no: wrong name or password, or a forbidden client. Only a changed setting helps."""


class CertificateError(BusError):
    """The broker's certificate is not the one expected, or the files of our own cannot be used."""


class SubscriptionRefusedError(BusError):
    """The broker does not let this user read the topic."""
