"""All routes of the accounts, below `/api/v1`."""

from accounts.api import (
    audit,
    cards,
    desks,
    devices,
    identify,
    kiosks,
    me,
    merging,
    people,
    people_import,
    sign_in,
    terminals,
    virtual_cards,
    wecom,
)
from accounts.api.payments import card_centre, holds, own_account, payments
from accounts.api.topup import cash, channels, subsidies, top_ups
from web.routes import join

_PARTS = (
    sign_in,
    me,
    virtual_cards,
    people,
    merging,
    people_import,
    cards,
    devices,
    identify,
    terminals,
    kiosks,
    desks,
    audit,
    payments,
    holds,
    own_account,
    card_centre,
    top_ups,
    cash,
    subsidies,
    channels,
    wecom,
)
router = join(part.router for part in _PARTS)
