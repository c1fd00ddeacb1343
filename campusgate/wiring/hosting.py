"""From settings to the rules by which people invite visitors."""

from campusgate.settings import VisitorSettings
from directory.hosting_rules import HostingRules


def make_hosting_rules(settings: VisitorSettings) -> HostingRules:
    """Return the rules of the campus."""
    return HostingRules(
        hosts=frozenset(settings.hosts),
        gate_kinds=frozenset(settings.gate_kinds),
        longest=settings.longest,
        ahead=settings.ahead,
        most_open=settings.most_open,
    )
