"""Pages of the administration: gates and their rules, groups, passes, devices, roles, settings, the processes."""

from console.pages.administration import gate_rules, gates

ROUTERS = (
    gate_rules.router,
    gates.router,
)
