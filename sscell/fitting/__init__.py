"""Parameters from measured curves: fit, errors, predictions."""

from sscell.fitting.planning import Candidate, Plan, plan, standard_tests
from sscell.fitting.prediction import Held, predict, validate_fit
from sscell.fitting.prepare import identify
from sscell.fitting.priors import Prior, read_priors, write_priors
from sscell.fitting.profiles import Profile, profile
from sscell.fitting.result import Fit
from sscell.fitting.search import fit

__all__ = [
    "Candidate",
    "Fit",
    "Held",
    "Plan",
    "Prior",
    "Profile",
    "fit",
    "identify",
    "plan",
    "predict",
    "profile",
    "read_priors",
    "standard_tests",
    "validate_fit",
    "write_priors",
]
