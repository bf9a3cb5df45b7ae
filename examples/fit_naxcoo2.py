"""Fit a NaxCoO2 half cell on cycles 1 to 3 and predict cycles 4 and 5.

``python examples/fit_naxcoo2.py FILE``, with the half cell of navani's example data (a CSV of
time, voltage and current); about eight minutes. It writes naxcoo2_fitted.toml and a report.
"""

import sys
from pathlib import Path

import sscell
from sscell.analysis.capacity import half_cycles
from sscell.fitting import validate_fit
from sscell.reports import write_report

cell = sscell.load(Path(__file__).parent / "cells" / "naxcoo2.toml")
data = sscell.read(sys.argv[1], current_sign="charge")
# A short discharge, then charge and discharge in turn: the first seven are cycles 1 to 3.
first = data.isel(time=slice(0, half_cycles(data)[6].rows[-1] + 1))
vary = {
    "Positive particle diffusivity [m2.s-1]": (1e-18, 1e-13),
    "Positive electrode exchange-current density [A.m-2]": (0.001, 100),
    "Contact resistance [Ohm]": (1, 3000),
    "Positive electrode mass [kg]": (3e-6, 6e-6),
}
for k in range(1, 9):
    potential = cell.values[f"Site {k} potential [V]"]
    width = cell.values[f"Site {k} width coefficient"]
    share = cell.values[f"Site {k} fraction"]
    vary[f"Site {k} potential [V]"] = (potential - 0.1, potential + 0.1)
    vary[f"Site {k} width coefficient"] = (max(width / 4, 0.05), 4 * width)
    if k < 8:  # the last takes what is left
        vary[f"Site {k} fraction"] = (share / 3, 2 * share)
options = {"temperature": 25, "only": "discharge"}
found = sscell.fit(
    cell, {"cycles 1 to 3": first}, vary, points=300, max_evaluations=25, **options
)
print(found)
held = validate_fit(found, {"all five cycles": data}, points=600, **options)
found.save("naxcoo2_fitted.toml")
write_report(found, "naxcoo2.html", held)
