"""The photo rules: each measures one thing, compares it with a limit and says what to do about it."""

from enrollment.quality.checker import Checker, report_unreadable
from enrollment.quality.limits import Limits, LimitsError, RuleLimits, load_limits
from enrollment.quality.report import Advice, Level, QualityReport, RuleResult, Verdict

__all__ = [
    "Advice",
    "Checker",
    "Level",
    "Limits",
    "LimitsError",
    "QualityReport",
    "RuleLimits",
    "RuleResult",
    "Verdict",
    "load_limits",
    "report_unreadable",
]
