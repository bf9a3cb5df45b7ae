"""What a page asks for, said three ways: as a task, as a command and as Python lines."""

from sscell.app.recipes.fits import Fit, Measured
from sscell.app.recipes.maps import AXES, DESIGN, Design, Sweep
from sscell.app.recipes.runs import CONDITIONS, KINDS, Kind, Run
from sscell.app.recipes.words import FormField, notebook, shell

__all__ = [
    "AXES",
    "CONDITIONS",
    "DESIGN",
    "KINDS",
    "Design",
    "Fit",
    "FormField",
    "Kind",
    "Measured",
    "Run",
    "Sweep",
    "notebook",
    "shell",
]
