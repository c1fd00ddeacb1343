"""What happened at the gates: looked up, handed over, taken along as a table. For facilities staff."""

from console.pages.records import alarms, events, late_returns, orders, shift

ROUTERS = (events.router, alarms.router, orders.router, shift.router, late_returns.router)
