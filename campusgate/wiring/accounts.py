"""From settings to the services of accounts and money: who sends codes, who signs staff in, what needs a password."""

from collections.abc import Mapping

import accounts.topup.merging
import directory.merging
import enrollment.merging
import metering.rooms.merging
from accounts import audit
from accounts.cards.channel_tokens import SignedChannelUsers
from accounts.cards.virtual_cards import SignCode
from accounts.ledger.writer import LedgerWriter
from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.payment_channels.channel import PaymentChannel
from accounts.payment_channels.registry import CHANNELS
from accounts.payments.ceilings import Ceilings
from accounts.payments.limits import MEALS, Limits, MealPeriod
from accounts.payments.services import MoneyServices
from accounts.people.merge_parts import MergePart
from accounts.people.phone_webhook import WebhookCodeSender
from accounts.people_import.importer import Importer
from accounts.services import AccountsServices
from accounts.sign_in.access_tokens import derive_key
from campusgate.settings import PhoneCodeSettings, Settings, SettingsError
from campusgate.wiring.identity_providers import connect_identity_providers, make_member_events
from campusgate.wiring.places import CampusPlaces
from database import Database
from enrollment import account_notices
from messages import read_private_key
from messages.signed_codes import CodeSigner

MERGE_PARTS: tuple[MergePart, ...] = (
    accounts.topup.merging,
    enrollment.merging,
    directory.merging,
    metering.rooms.merging,
)
"""Who has a say when two accounts of one person become one."""


def make_accounts(settings: Settings, database: Database, secret: bytes) -> AccountsServices:
    """Return the accounts' services with every port that is configured.

    Raises:
        SettingsError: a secret that is shared with a channel is too short.
    """
    return AccountsServices(
        database=database,
        places=CampusPlaces(),
        merge_parts=MERGE_PARTS,
        secret=secret,
        zone=settings.time_zone,
        first_passwords=FirstPasswords(settings.first_password_prefix),
        longest_sign_in=settings.longest_sign_in,
        notify=account_notices.write,
        hasher=make_hasher(settings),
        code_sender=_code_sender(settings.phone_codes),
        identity_providers=connect_identity_providers(settings),
        member_events=make_member_events(settings.wecom),
        channel_users=_channel_users(settings),
        sign_code=_code_signer(settings),
    )


def make_money(
    settings: Settings, accounts: AccountsServices, channels: Mapping[str, PaymentChannel] | None = None
) -> MoneyServices:
    """Return the services of everything that moves money; its writer's thread runs from now on.

    Args:
        settings: of the process; channels with settings are connected.
        accounts: the services of accounts.
        channels: further ones, by name.

    Raises:
        OperatorError: a key of a channel cannot be used.
    """
    connected = connect_channels(settings)
    spending = settings.spending
    meals = tuple(MealPeriod(meal.name, meal.begins, meal.ends) for meal in spending.meals)
    return MoneyServices(
        accounts=accounts,
        writer=LedgerWriter(accounts.database),
        meals=meals or MEALS,
        default_limits=Limits(spending.meal_limit, spending.day_limit),
        ceilings=Ceilings(**settings.ceilings.model_dump()),
        channels=connected | dict(channels or {}),
    )


def connect_channels(settings: Settings) -> dict[str, PaymentChannel]:
    """Return the payment channels whose settings are given, by name; asks none of them.

    Raises:
        OperatorError: a key of one cannot be used.
    """
    connected = {}
    for entry in CHANNELS:
        options = getattr(settings.payment_channels, entry.name, None)
        if options is not None and entry.connect is not None:
            connected[entry.name] = entry.connect(options, settings.data_dir / "channels" / entry.name)
    return connected


def make_hasher(settings: Settings) -> Hasher:
    """Return the hasher of passwords with the campus's pepper.

    A command without the server's secrets stores hashes without it; the server seals them when it starts.
    """
    pepper, before = _pepper(settings, ""), _pepper(settings, "previous_")
    return Hasher(pepper=pepper, earlier_peppers=[] if before is None else [before])


def _pepper(settings: Settings, when: str) -> bytes | None:
    """Return the key that passwords are sealed under, with `previous_` the one before."""
    pepper = settings.key_if_set(f"{when}password_key")
    secret = settings.key_if_set(f"{when}token_secret")
    return derive_key(secret, "passwords") if pepper is None and secret is not None else pepper


def make_importer(database: Database, settings: Settings) -> Importer:
    """Return what brings accounts to what a list says."""
    return Importer(database, make_hasher(settings), FirstPasswords(settings.first_password_prefix), audit.SYSTEM)


def _code_signer(settings: Settings) -> SignCode | None:
    if settings.signing_key_file is None:
        return None
    return CodeSigner(read_private_key(settings.signing_key_file), settings.site).sign


def _code_sender(settings: PhoneCodeSettings | None) -> WebhookCodeSender | None:
    if settings is None:
        return None
    return WebhookCodeSender(settings.webhook_url, settings.webhook_secret.get_secret_value().encode())


def _channel_users(settings: Settings) -> SignedChannelUsers | None:
    secrets = {channel: secret.get_secret_value().encode() for channel, secret in settings.channel_secrets.items()}
    try:
        return SignedChannelUsers(secrets) if secrets else None
    except ValueError as error:
        raise SettingsError(f"CAMPUSGATE_CHANNEL_SECRETS: {error}") from error
