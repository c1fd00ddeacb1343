"""Who may call what: every route as everybody, against one table, in which every route stands.

And that whoever may not any more is refused at once, by another server over the same database too.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import devices, people
from accounts.payments import merchants
from accounts.people import Particulars
from accounts.tables import Person, PersonRole
from accounts.vocabulary import DeviceRole, PersonKind, Role
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import assemble
from database import new_id
from tests.app_client import AppClient
from tests.campusgate.matrix import allowed, routes
from tests.campusgate.staffed import DEVICES, PEOPLE, Staffed

EVERYBODY = ("anonymous", *PEOPLE, *DEVICES, "metrics")
ENDS_THE_SIGN_IN = {"POST /console/sign-out"}
"""For everybody, and whoever called it could not call the rest."""

LET_IN: dict[tuple[str, ...], tuple[str, ...]] = {
    ("admin",): (
        "GET /console/office/people/new",
        "POST /console/office/people/new",
        "GET /console/office/people/{person_id}/change",
        "GET /console/office/people/{person_id}/face",
        "POST /console/office/people/{person_id}/needs",
        "POST /console/office/people/{person_id}/photos/erasure",
        "GET /console/office/people/{person_id}/merge",
        "POST /console/office/people/{person_id}/merge",
        "POST /console/office/people/{person_id}/change",
        "POST /console/office/people/{person_id}/state",
        "POST /console/office/people/{person_id}/roles",
        "GET /console/office/imports",
        "POST /console/office/imports",
        "GET /console/office/imports/lists/{list_id}",
        "POST /console/office/imports/lists/{list_id}/apply",
        "POST /console/office/imports/lists/{list_id}/columns",
        "POST /console/office/imports/lists/{list_id}/drop",
        "GET /console/office/imports/{import_id}",
        "GET /console/office/imports/{import_id}/progress",
        "GET /console/office/imports/{import_id}/report",
        "POST /console/office/imports/{import_id}/undo",
        "GET /console/office/audit",
        "GET /console/office/audit/table",
        "POST /console/office/audit/verification",
        "GET /api/v1/audit",
        "POST /api/v1/cash-requests/{request_id}/decision",
        "POST /api/v1/days/{day}/close",
        "GET /api/v1/devices",
        "POST /api/v1/devices",
        "DELETE /api/v1/devices/{device_id}",
        "POST /api/v1/devices/{device_id}/token",
        "GET /api/v1/directory/face-models",
        "PUT /api/v1/directory/gates/{gate}/face-model",
        "GET /api/v1/directory/people/{person_id}/template-receipts",
        "GET /api/v1/directory/template-receipts/outstanding",
        "GET /api/v1/enrollment/register",
        "POST /api/v1/merchants",
        "POST /api/v1/price-plans",
        "POST /api/v1/price-plans/{plan_id}/withdrawal",
        "POST /api/v1/people",
        "POST /api/v1/people/import",
        "PUT /api/v1/people/{person_id}",
        "DELETE /api/v1/people/{person_id}/photos",
        "DELETE /api/v1/people/{person_id}/reference-photos",
        "GET /api/v1/people/{person_id}/reference-photos",
        "POST /api/v1/people/{person_id}/reference-photos",
        "PUT /api/v1/people/{person_id}/roles",
        "PUT /api/v1/people/{person_id}/state",
        "PUT /api/v1/services/{service}/campuses",
        "POST /api/v1/subsidies",
        "POST /console/plans",
        "GET /console/plans/{plan_id}/places",
        "POST /console/plans/{plan_id}/places",
        "POST /console/plans/{plan_id}/plan-picture",
        "POST /console/plans/{plan_id}/remove",
        "GET /console/administration/devices",
        "GET /console/administration/devices/new",
        "POST /console/administration/devices/new",
        "GET /console/administration/devices/{device_id}",
        "POST /console/administration/devices/{device_id}/revocation",
        "POST /console/administration/devices/{device_id}/token",
        "GET /console/administration/groups",
        "GET /console/administration/groups/members",
        "POST /console/administration/groups/members",
        "POST /console/administration/groups/members/{person_id}/leave",
        "GET /console/reviews/references",
        "GET /console/reviews/references/{person_id}",
        "POST /console/reviews/references/{person_id}/reference-photos",
        "POST /console/reviews/references/{person_id}/withdrawal",
        "GET /console/administration/models",
        "POST /console/administration/models/{gate}/choice",
        "GET /console/administration/roles",
        "GET /console/administration/settings",
        "POST /console/metering/prices",
        "POST /console/metering/prices/preview",
        "POST /console/metering/prices/{plan_id}/withdrawal",
        "POST /console/metering/water-disputes/{dispute_id}/decision",
        "POST /console/money/days/{day}/close",
        "POST /console/money/merchants",
        "POST /console/money/requests/{request_id}/decision",
        "POST /console/money/services",
        "GET /console/money/subsidies",
        "POST /console/money/subsidies",
        "POST /console/money/subsidies/preview",
        "POST /api/v1/water-places",
        "POST /api/v1/water-places/{place_id}/prices",
        "POST /api/v1/water-subsidies",
        "POST /api/v1/water-subsidies/{subsidy_id}/end",
    ),
    ("kiosk",): (
        "POST /api/v1/kiosk/cash-top-ups",
        "POST /api/v1/kiosk/holder",
        "POST /api/v1/kiosk/loss",
        "POST /api/v1/kiosk/reissue",
        "GET /console/kiosk",
        "POST /console/kiosk/card",
        "GET /console/kiosk/loss",
        "POST /console/kiosk/loss",
        "GET /console/kiosk/menu",
        "GET /console/kiosk/number",
        "POST /console/kiosk/number",
        "GET /console/kiosk/reissue",
        "POST /console/kiosk/reissue",
        "GET /console/kiosk/reissued",
        "POST /console/kiosk/stay",
        "GET /console/kiosk/top-up",
        "POST /console/kiosk/top-up",
        "GET /console/kiosk/top-up/{order_id}",
        "GET /console/kiosk/top-up/{order_id}/state",
    ),
    ("metrics",): ("GET /metrics",),
    ("terminal",): (
        "POST /api/v1/payments",
        "POST /api/v1/payments/offline",
        "GET /api/v1/payments/{payment_id}",
        "POST /api/v1/payments/{payment_id}/refunds",
        "POST /api/v1/payments/{payment_id}/reversal",
        "PUT /api/v1/terminal/consumption-password",
        "POST /api/v1/terminal/first-tap",
        "PUT /api/v1/terminal/limits",
    ),
    ("cashier", "admin"): (
        "GET /console/office/people",
        "GET /console/office/people/{person_id}",
        "POST /console/office/people/{person_id}/passwords/{purpose}",
        "GET /console/office/people/{person_id}/balance",
        "GET /console/office/cards",
        "POST /console/office/cards/find",
        "GET /console/office/cards/{card_id}",
        "GET /console/office/people/{person_id}/cards",
        "POST /console/office/people/{person_id}/cards",
        "POST /console/office/people/{person_id}/cards/check",
        "POST /console/office/people/{person_id}/cards/{card_id}/{action}",
        "POST /console/office/people/{person_id}/loss",
        "POST /console/office/people/{person_id}/loss/release",
        "POST /console/office/people/{person_id}/reissue",
        "GET /api/v1/water-disputes",
        "GET /api/v1/water-disputes/{dispute_id}",
        "POST /api/v1/water-disputes/{dispute_id}/decision",
        "GET /api/v1/cards/{card_id}/history",
        "POST /api/v1/room-top-ups/{top_up_id}/refunds",
        "POST /api/v1/rooms/{room_id}/credit-returns",
        "GET /api/v1/rooms/{room_id}/top-ups",
        "POST /api/v1/cards/{card_id}/release",
        "POST /api/v1/cards/{card_id}/return",
        "POST /api/v1/cards/{card_id}/suspend",
        "POST /api/v1/cash-payouts",
        "GET /api/v1/cash-requests",
        "POST /api/v1/cash-top-ups",
        "GET /api/v1/channels/{channel}/days/{day}",
        "GET /api/v1/days/{day}",
        "GET /api/v1/merchants",
        "GET /api/v1/offline-payments",
        "POST /api/v1/offline-payments/{payment_id}/decision",
        "GET /api/v1/people",
        "GET /api/v1/people/{person_id}",
        "GET /api/v1/people/{person_id}/cards",
        "POST /api/v1/people/{person_id}/cards",
        "POST /api/v1/people/{person_id}/loss",
        "POST /api/v1/people/{person_id}/loss/release",
        "POST /api/v1/people/{person_id}/passwords/{purpose}/reset",
        "POST /api/v1/people/{person_id}/reissue",
        "GET /api/v1/services/{service}/campuses",
        "POST /api/v1/top-ups/{order_id}/refunds",
        "GET /console/money",
        "GET /console/money/channels",
        "GET /console/money/day",
        "POST /console/money/day/counts",
        "GET /console/money/days",
        "POST /console/money/days/verification",
        "GET /console/money/days/{day}",
        "POST /console/money/find",
        "GET /console/money/disputes",
        "POST /console/money/disputes/{dispute_id}/decision",
        "GET /console/money/merchants",
        "GET /console/money/offline",
        "POST /console/money/offline/{payment_id}/decision",
        "GET /console/money/people/{person_id}",
        "POST /console/money/people/{person_id}/cash-in",
        "POST /console/money/people/{person_id}/cash-out",
        "POST /console/money/people/{person_id}/reissue",
        "GET /console/money/receipts/{transfer_id}",
        "GET /console/money/requests",
        "GET /console/money/room-top-ups/{top_up_id}",
        "POST /console/money/room-top-ups/{top_up_id}/credit-return",
        "POST /console/money/room-top-ups/{top_up_id}/refunds",
        "GET /console/money/top-ups/{order_id}",
        "POST /console/money/top-ups/{order_id}/refunds",
    ),
    ("edge",): (
        "POST /api/v1/directory/gates/{gate}/probe-offers",
        "POST /api/v1/directory/gates/{gate}/probe-offers/{offer_id}",
    ),
    ("edge", "controller"): (
        "POST /api/v1/directory/gates/{gate}/applied",
        "GET /api/v1/directory/gates/{gate}/changes",
        "GET /api/v1/directory/gates/{gate}/presence",
    ),
    ("facilities", "admin"): (
        "GET /console/office/people/{person_id}/passages",
        "GET /api/v1/water-places",
        "PUT /api/v1/water-places/{place_id}",
        "PUT /api/v1/water-places/{place_id}/controllers/{device_id}",
        "GET /api/v1/water-sessions",
        "GET /api/v1/water-sessions/{session_id}",
        "POST /api/v1/water-sessions/{session_id}/decision",
        "GET /api/v1/water-subsidies",
        "GET /api/v1/meter-lines",
        "POST /api/v1/meter-lines",
        "GET /api/v1/meter-lines/silence",
        "PUT /api/v1/meter-lines/{line_id}",
        "POST /api/v1/buildings",
        "POST /api/v1/buildings/{building_id}/rooms",
        "GET /api/v1/meters",
        "POST /api/v1/meters",
        "PUT /api/v1/meters/{meter_id}",
        "POST /api/v1/meters/{meter_id}/installation",
        "GET /api/v1/meters/{meter_id}/periods",
        "POST /api/v1/meters/{meter_id}/periods/{period_id}/correction",
        "POST /api/v1/meters/{meter_id}/periods/{period_id}/withdrawal",
        "GET /api/v1/meters/{meter_id}/readings",
        "POST /api/v1/meters/{meter_id}/readings",
        "POST /api/v1/meters/{meter_id}/readings/withdrawal",
        "POST /api/v1/meters/{meter_id}/removal",
        "POST /api/v1/meters/{meter_id}/replacement",
        "PUT /api/v1/people/{person_id}/residence",
        "POST /api/v1/people/{person_id}/residence/end",
        "GET /api/v1/reading-reviews",
        "GET /api/v1/reading-reviews/{review_id}",
        "POST /api/v1/reading-reviews/{review_id}/decision",
        "POST /api/v1/residents/import",
        "POST /api/v1/rooms/{room_id}/close",
        "GET /api/v1/rooms/{room_id}/residents",
        "GET /api/v1/charge-disputes",
        "POST /api/v1/charge-disputes/{dispute_id}/decision",
        "GET /api/v1/electricity-days/{day}",
        "GET /api/v1/electricity-days/{day}/table",
        "GET /api/v1/rooms/{room_id}/charges",
        "GET /api/v1/rooms/{room_id}/money",
        "POST /api/v1/rooms/{room_id}/settlements",
        "PUT /api/v1/outdoor-temperature",
        "GET /api/v1/rooms/{room_id}/supply",
        "PUT /api/v1/rooms/{room_id}/supply/limits",
        "POST /api/v1/rooms/{room_id}/supply/requests",
        "GET /api/v1/supply-requests",
        "POST /api/v1/supply-requests/{request_id}/cancel",
        "POST /api/v1/supply-requests/{request_id}/confirm",
        "GET /api/v1/directory/gates",
        "POST /api/v1/directory/gates",
        "DELETE /api/v1/directory/gates/{gate}",
        "GET /api/v1/directory/gates/{gate}",
        "PUT /api/v1/directory/gates/{gate}",
        "POST /api/v1/directory/gates/{gate}/dry-run",
        "POST /api/v1/directory/gates/{gate}/rules",
        "GET /api/v1/directory/lags",
        "GET /api/v1/directory/passes",
        "POST /api/v1/directory/passes",
        "POST /api/v1/directory/passes/{pass_id}/end",
        "PUT /api/v1/directory/people/{person_id}/needs",
        "GET /api/v1/directory/zones",
        "DELETE /api/v1/directory/zones/{zone}",
        "PUT /api/v1/directory/zones/{zone}",
        "GET /api/v1/operations/alarms",
        "GET /api/v1/operations/alarms/open",
        "POST /api/v1/operations/alarms/{alarm_id}/acknowledge",
        "GET /api/v1/operations/events",
        "GET /api/v1/operations/gates",
        "GET /api/v1/operations/gates/{gate}",
        "GET /api/v1/operations/occupancy",
        "GET /api/v1/operations/orders",
        "POST /api/v1/operations/orders",
        "POST /api/v1/operations/orders/{order_id}/confirm",
        "POST /api/v1/operations/tickets",
        "DELETE /api/v1/operations/tickets/{ticket}",
        "POST /api/v1/operations/zones/{zone}/forgive",
        "GET /api/v1/operations/zones/{zone}/inside",
        "GET /console/administration/gates",
        "GET /console/administration/gates/new",
        "POST /console/administration/gates/new",
        "GET /console/administration/gates/{gate}",
        "GET /console/administration/gates/{gate}/retirement",
        "POST /console/administration/gates/{gate}/retirement",
        "GET /console/administration/gates/{gate}/rules",
        "POST /console/administration/gates/{gate}/rules",
        "POST /console/administration/gates/{gate}/rules/apply",
        "GET /console/administration/passes",
        "GET /console/administration/passes/new",
        "POST /console/administration/passes/new",
        "GET /console/administration/passes/{pass_id}/end",
        "POST /console/administration/passes/{pass_id}/end",
        "GET /console/administration/schedules",
        "GET /console/administration/state",
        "GET /console/administration/zones",
        "POST /console/administration/zones",
        "POST /console/administration/zones/{zone}/removal",
        "POST /console/alarms/{alarm_id}/acknowledge",
        "POST /console/alarms/acknowledge",
        "GET /console/charts",
        "GET /console/plans",
        "GET /console/plans/{plan_id}",
        "GET /console/plans/{plan_id}/picture",
        "GET /console/wall",
        "GET /console/gates",
        "GET /console/records/alarms",
        "GET /console/records/alarms/table",
        "GET /console/records/events",
        "GET /console/records/events/table",
        "GET /console/records/late-returns",
        "GET /console/records/late-returns/table",
        "GET /console/records/orders",
        "GET /console/records/orders/table",
        "GET /console/records/shift",
        "GET /console/display/{gate}",
        "GET /console/gates/{gate}",
        "POST /console/gates/{gate}/ask",
        "GET /console/gates/{gate}/directory",
        "GET /console/gates/{gate}/events",
        "GET /console/gates/{gate}/events/{sequence}/why",
        "POST /console/orders",
        "POST /console/orders/{order_id}/confirm",
        "POST /console/tickets",
        "DELETE /console/tickets/{ticket}",
        "POST /console/zones/{zone}/forgive",
        "GET /console/zones/{zone}/muster",
        "GET /console/metering",
        "POST /console/metering/charge-disputes/{dispute_id}/decision",
        "GET /console/metering/days",
        "GET /console/metering/days/{day}/table",
        "POST /console/metering/meters/{meter_id}/replacement",
        "POST /console/metering/meters/{meter_id}/replacement/preview",
        "POST /console/metering/moves",
        "POST /console/metering/moves/preview",
        "GET /console/metering/prices",
        "POST /console/metering/reading-reviews/{review_id}/decision",
        "GET /console/metering/rooms",
        "GET /console/metering/rooms/{room_id}",
        "POST /console/metering/rooms/{room_id}/supply-requests",
        "POST /console/metering/supply-requests/{request_id}/cancel",
        "POST /console/metering/supply-requests/{request_id}/confirm",
        "POST /console/metering/water-sessions/{session_id}/decision",
    ),
    ("reviewer", "admin"): (
        "GET /api/v1/reviews",
        "POST /api/v1/reviews/approve-flawless",
        "GET /api/v1/reviews/reasons",
        "GET /api/v1/reviews/statistics",
        "GET /api/v1/reviews/{photo_id}",
        "POST /api/v1/reviews/{photo_id}/approve",
        "GET /api/v1/reviews/{photo_id}/before/picture",
        "DELETE /api/v1/reviews/{photo_id}/claim",
        "POST /api/v1/reviews/{photo_id}/claim",
        "GET /api/v1/reviews/{photo_id}/duplicates/{person_id}/picture",
        "POST /api/v1/reviews/{photo_id}/reject",
        "POST /api/v1/reviews/{photo_id}/undo",
        "GET /console/reviews",
        "POST /console/reviews/approve-flawless",
        "GET /console/reviews/decisions",
        "GET /console/reviews/missing",
        "GET /console/reviews/missing/table",
        "GET /console/reviews/queue",
        "GET /console/reviews/week",
        "GET /console/reviews/{photo_id}",
        "POST /console/reviews/{photo_id}/approve",
        "GET /console/reviews/{photo_id}/before/picture",
        "DELETE /console/reviews/{photo_id}/claim",
        "POST /console/reviews/{photo_id}/claim",
        "GET /console/reviews/{photo_id}/duplicates/{person_id}/picture",
        "GET /console/reviews/{photo_id}/picture",
        "POST /console/reviews/{photo_id}/reject",
        "POST /console/reviews/{photo_id}/undo",
    ),
    ("meter",): (
        "POST /api/v1/meter-sessions/heartbeats",
        "POST /api/v1/meter-sessions/reports",
        "GET /api/v1/meter-reader/orders",
        "POST /api/v1/meter-reader/orders/{order_id}/result",
        "GET /api/v1/meter-reader/plan",
        "POST /api/v1/meter-reader/readings",
        "POST /api/v1/meter-reader/status",
    ),
    ("terminal", "meter"): (
        "POST /api/v1/holds",
        "GET /api/v1/holds/{hold_id}",
        "POST /api/v1/holds/{hold_id}/extend",
        "POST /api/v1/holds/{hold_id}/post",
        "POST /api/v1/holds/{hold_id}/settle",
        "POST /api/v1/holds/{hold_id}/void",
    ),
    PEOPLE: (
        "GET /api/v1/buildings",
        "GET /api/v1/buildings/{building_id}/rooms",
        "GET /api/v1/me/residence",
        "GET /api/v1/me/charge-disputes",
        "POST /api/v1/me/charges/{charge_id}/disputes",
        "DELETE /api/v1/me/room/automatic-top-up",
        "GET /api/v1/me/room/automatic-top-up",
        "PUT /api/v1/me/room/automatic-top-up",
        "GET /api/v1/me/room/charges",
        "GET /api/v1/me/room/money",
        "GET /api/v1/me/room/top-ups",
        "GET /api/v1/me/usage",
        "GET /api/v1/price-plans",
        "GET /api/v1/rooms/{room_id}/preview",
        "POST /api/v1/rooms/{room_id}/top-ups",
        "GET /api/v1/me/water-sessions",
        "GET /api/v1/me/water-sessions/{session_id}",
        "POST /api/v1/me/water-sessions/{session_id}/dispute",
        "GET /api/v1/rooms/{room_id}/electricity",
        "GET /api/v1/directory/me/hosting",
        "PUT /api/v1/directory/me/pin",
        "GET /api/v1/directory/me/visitor-passes",
        "GET /api/v1/directory/me/visitor-passes/{pass_id}",
        "PUT /api/v1/directory/me/visitor-passes/{pass_id}",
        "POST /api/v1/directory/me/visitor-passes/{pass_id}/end",
        "GET /api/v1/directory/me/template-receipts",
        "GET /api/v1/me",
        "GET /api/v1/me/cards",
        "PUT /api/v1/me/limits",
        "DELETE /api/v1/me/face-consent",
        "DELETE /api/v1/me/gate-photo-consent",
        "GET /api/v1/me/gate-photo-consent",
        "PUT /api/v1/me/gate-photo-consent",
        "GET /api/v1/me/face-consent",
        "PUT /api/v1/me/face-consent/refusal",
        "PUT /api/v1/me/face-consent",
        "GET /api/v1/me/face-data",
        "POST /api/v1/me/loss",
        "POST /api/v1/me/loss/release",
        "GET /api/v1/me/notices",
        "POST /api/v1/me/notices/{notice_id}/read",
        "PUT /api/v1/me/passwords/{purpose}",
        "POST /api/v1/me/phone",
        "POST /api/v1/me/phone/confirm",
        "GET /api/v1/me/statement",
        "POST /api/v1/me/top-ups",
        "GET /api/v1/me/top-ups/{order_id}",
        "POST /api/v1/me/virtual-cards",
        "DELETE /api/v1/me/virtual-cards/{card_id}",
        "POST /api/v1/me/virtual-cards/{card_id}/code",
        "POST /api/v1/me/virtual-cards/{card_id}/lease",
        "GET /api/v1/me/room/supply",
        "POST /api/v1/me/room/supply/applications",
        "GET /api/v1/me/wallet",
        "GET /api/v1/photos",
        "POST /api/v1/photos",
        "POST /api/v1/photos/second/declined",
        "DELETE /api/v1/photos/{photo_id}",
        "GET /api/v1/photos/{photo_id}",
        "GET /api/v1/photos/{photo_id}/picture",
        "POST /api/v1/photos/{photo_id}/review",
        "GET /console/",
        "DELETE /console/me/consent",
        "PUT /console/me/consent",
        "PUT /console/me/consent/refusal",
        "GET /console/me/face-data",
        "GET /console/me/face-data/export",
        "POST /console/me/face-data/withdrawal",
        "GET /console/me/gates",
        "GET /console/me/gates/passages",
        "GET /console/me/gates/passages/table.csv",
        "GET /console/me/money",
        "GET /console/me/money/statement.csv",
        "GET /console/me/money/statement.pdf",
        "GET /console/me/money/top-ups",
        "GET /console/me/money/top-ups/new",
        "POST /console/me/money/top-ups/new",
        "GET /console/me/money/top-ups/{order_id}",
        "GET /console/me/money/top-ups/{order_id}/state",
        "POST /console/me/notices/{notice_id}/read",
        "GET /console/me",
        "GET /console/me/cards",
        "POST /console/me/cards/loss",
        "POST /console/me/cards/loss/release",
        "POST /console/me/cards/{card_id}/unbind",
        "GET /console/me/virtual-card",
        "POST /console/me/virtual-card",
        "POST /console/me/virtual-card/codes",
        "GET /console/me/inbox",
        "GET /console/me/security",
        "POST /console/me/security/limits",
        "POST /console/me/security/passwords/{purpose}",
        "POST /console/me/security/phone",
        "POST /console/me/security/phone/confirm",
        "POST /console/me/security/pin",
        "POST /console/me/security/sign-ins/end",
        "POST /console/me/inbox",
        "POST /console/me/inbox/{notice_id}",
        "GET /console/me/photo",
        "POST /console/me/photos",
        "POST /console/me/photos/second/declined",
        "PUT /console/me/gate-photo-consent",
        "DELETE /console/me/gate-photo-consent",
        "DELETE /console/me/photos/{photo_id}",
        "GET /console/me/photos/{photo_id}/picture",
        "POST /console/me/photos/{photo_id}/review",
        "GET /console/me/state",
        "GET /console/me/visitors",
        "POST /console/me/visitors/invitations",
        "GET /console/me/visitors/{pass_id}",
        "POST /console/me/visitors/{pass_id}/end",
        "GET /console/me/usage",
        "POST /console/me/usage/applications",
        "DELETE /console/me/usage/automatic-top-up",
        "PUT /console/me/usage/automatic-top-up",
        "GET /console/me/usage/buildings",
        "GET /console/me/usage/buildings/{building_id}/rooms",
        "GET /console/me/usage/charges",
        "POST /console/me/usage/charges/{charge_id}/dispute",
        "GET /console/me/usage/electricity",
        "GET /console/me/usage/rooms/{room_id}/preview",
        "POST /console/me/usage/rooms/{room_id}/top-ups",
        "POST /console/me/usage/showers/{session_id}/dispute",
        "GET /console/me/usage/showers/{session_id}/readings",
        "GET /console/me/usage/state",
        "GET /console/password",
        "POST /console/password",
    ),
    DEVICES: ("POST /api/v1/identify",),
    EVERYBODY: (
        "POST /api/v1/channels/{channel}/notifications",
        "POST /api/v1/staff-sign-in",
        "POST /api/v1/staff-sign-in/complete",
        "POST /api/v1/tokens",
        "POST /api/v1/tokens/revoke",
        "POST /api/v1/top-ups",
        "POST /api/v1/virtual-cards",
        "POST /console/language",
        "GET /",
        "GET /console",
        "GET /console/kiosk/pair",
        "POST /console/kiosk/pair",
        "GET /console/sign-in",
        "POST /console/sign-in",
        "GET /console/staff-sign-in",
        "GET /console/staff-sign-in/complete",
        "GET /health",
    ),
}


def test_every_route_stands_in_the_table_once(office: Staffed) -> None:
    told = [route for group in LET_IN.values() for route in group]
    assert sorted([*told, *ENDS_THE_SIGN_IN]) == routes(office)


@pytest.mark.parametrize("who", EVERYBODY)
def test_nobody_is_let_in_where_they_have_no_business(office: Staffed, who: str) -> None:
    expected = {route: who in group for group, found in LET_IN.items() for route in found}
    got = {route: allowed(office, route, who) for route in expected}
    assert {route: let_in for route, let_in in got.items() if let_in != expected[route]} == {}


def test_a_token_that_nobody_made_opens_nothing(office: Staffed) -> None:
    office.tokens["stranger"] = "e30.e30.e30"
    opened = {route for group in LET_IN.values() for route in group if allowed(office, route, "stranger")}
    assert opened == set(LET_IN[EVERYBODY])


@pytest.fixture(scope="module")
def elsewhere(office: Staffed) -> Iterator[Staffed]:
    """Another server over the same database."""
    server = assemble(office.server.settings, office.server.enrollment.engine, office.server.enrollment.checker)
    with AppClient(make_app(server), raise_server_exceptions=False, follow_redirects=False) as client:
        yield replace(office, server=server, client=client)


def _as_newcomer(office: Staffed, who: str) -> tuple[Staffed, Person]:
    """Return the same server with somebody in the place of `who` whose rights may end, and who that is."""
    now = datetime.now(UTC)
    given = Particulars(number=new_id().hex, name="New", kind=PersonKind.STAFF, valid_from=now - timedelta(days=1))
    with office.server.database.begin() as session:
        person = people.create(session, given, by="system", now=now)
        if who != Role.HOLDER:
            session.add(PersonRole(person_id=person.id, role=Role(who)))
    made = office.server.accounts.sign_in.begin(person.id, method="password", must_change_password=False, now=now)
    return replace(office, tokens={**office.tokens, who: made.access_token}), person


def _suspend(office: Staffed, _newcomer: Staffed, person: Person) -> Any:
    address = f"/api/v1/people/{person.id}/state"
    return office.client.put(address, json={"state": "suspended"}, headers=office.headers("admin"))


def _sign_out(office: Staffed, newcomer: Staffed, _person: Person) -> Any:
    token = next(token for who, token in newcomer.tokens.items() if token != office.tokens[who])
    return office.client.post("/api/v1/tokens/revoke", data={"token": token})


def _change_roles(office: Staffed, _newcomer: Staffed, person: Person) -> Any:
    return office.client.put(f"/api/v1/people/{person.id}/roles", json={"roles": []}, headers=office.headers("admin"))


def _reset_password(office: Staffed, _newcomer: Staffed, person: Person) -> Any:
    address = f"/api/v1/people/{person.id}/passwords/portal/reset"
    return office.client.post(address, headers=office.headers("admin"))


@pytest.mark.parametrize(
    ("who", "end"),
    [("admin", _suspend), ("cashier", _change_roles), ("reviewer", _sign_out), ("holder", _reset_password)],
)
def test_a_sign_in_that_was_ended_opens_nothing_at_any_server(
    office: Staffed, elsewhere: Staffed, who: str, end: Callable[..., Any]
) -> None:
    newcomer, person = _as_newcomer(office, who)
    servers = [newcomer, replace(elsewhere, tokens=newcomer.tokens)]
    # What belongs to everybody who is signed in is asked for by the holder alone.
    others = {EVERYBODY} if who == Role.HOLDER else {EVERYBODY, PEOPLE}
    theirs = [route for group, found in LET_IN.items() if who in group and group not in others for route in found]
    looks = [route for route in theirs if route.startswith("GET") and "{" not in route and "table" not in route]
    for server in servers:
        assert all(allowed(server, route, who) for route in looks[:: len(looks) // 6])
    assert end(office, newcomer, person).status_code in (200, 204)
    assert [route for route in theirs if allowed(servers[1], route, who)] == []
    assert [route for route in looks if allowed(servers[0], route, who)] == []


@pytest.mark.parametrize("who", DEVICES)
@pytest.mark.parametrize("end", ["revoked", "rotated"])
def test_a_token_that_was_ended_opens_nothing_at_any_server(
    office: Staffed, elsewhere: Staffed, who: str, end: str
) -> None:
    now = datetime.now(UTC)
    with office.server.database.begin() as session:
        gate = "north" if who in (DeviceRole.EDGE, DeviceRole.CONTROLLER) else None
        (shop, *_) = merchants.find(session)
        device, token = devices.add(
            session, name=new_id().hex, role=DeviceRole(who), campus="north", gate=gate, merchant_id=shop.id,
            by="system", now=now,
        )  # fmt: skip
    servers = [replace(server, tokens={**office.tokens, who: token}) for server in (office, elsewhere)]
    theirs = [route for group, found in LET_IN.items() if who in group and group != EVERYBODY for route in found]
    for server in servers:
        assert allowed(server, "POST /api/v1/identify", who)
        assert any(allowed(server, route, who) for route in theirs if who in route or "api" in route)
    address = f"/api/v1/devices/{device.id}"
    if end == "revoked":
        answer = office.client.delete(address, headers=office.headers("admin"))
    else:
        answer = office.client.post(f"{address}/token", headers=office.headers("admin"))
    assert answer.is_success
    assert [route for server in servers[::-1] for route in theirs if allowed(server, route, who)] == []
