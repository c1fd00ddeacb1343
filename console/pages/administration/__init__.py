"""Pages of the administration: gates and their rules, groups, passes, devices, roles, settings, the processes."""

from console.pages.administration import (
    devices,
    gate_rules,
    gates,
    groups,
    models,
    passes,
    roles,
    schedules,
    settings,
    special_days,
    state,
    zones,
)

ROUTERS = (
    gate_rules.router,
    gates.router,
    zones.router,
    special_days.router,
    schedules.router,
    groups.router,
    passes.router,
    devices.router,
    models.router,
    roles.router,
    settings.router,
    state.router,
)
