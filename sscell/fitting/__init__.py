"""Parameters from measured curves: fit, errors, predictions, report."""

from sscell.fitting.planning import Candidate, Plan, plan, standard_tests
from sscell.fitting.prediction import Held, predict, validate_fit
from sscell.fitting.profiles import Profile, profile
from sscell.fitting.report import write_report
from sscell.fitting.result import Fit
from sscell.fitting.search import fit
from sscell.fitting.setup import identify

__all__ = [
    "Fit",
    "Held",
    "Plan",
    "Profile",
    "Candidate",
    "fit",
    "identify",
    "plan",
    "predict",
    "profile",
    "standard_tests",
    "validate_fit",
    "write_report",
]
