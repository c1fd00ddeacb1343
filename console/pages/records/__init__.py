"""What happened at the gates: looked up, handed over, taken along as a table. For facilities staff."""

from console.pages.records import alarm_pictures, alarms, events, late_returns, orders, shift

ROUTERS = (events.router, alarms.router, alarm_pictures.router, orders.router, shift.router, late_returns.router)
