"""Fit a rate test at its four lowest currents and predict the three others.

``python examples/fit_rate_test.py FILE``, with the rate test of a coin cell at seven currents
(NewareNDA example data); about ten minutes. It writes rate_test_fitted.toml and a report.
"""

import sys
from pathlib import Path

import sscell
from sscell.fitting import validate_fit
from sscell.reports import write_report

cell = sscell.load(Path(__file__).parent / "cells" / "rate_test.toml")
data = sscell.read(sys.argv[1])
slow = data.isel(time=data["Cycle"].values <= 12)
vary = {
    "Positive particle diffusivity [m2.s-1]": (1e-17, 1e-13),
    "Positive particle diffusivity decay coefficient": (0, 10),
    "Positive electrode exchange-current density [A.m-2]": (0.01, 100),
    "Contact resistance [Ohm]": (1, 1000),
    "Positive electrode mass [kg]": (1.5e-6, 4e-6),
}
for k in (1, 2, 3, 4):
    potential = cell.values[f"Site {k} potential [V]"]
    width = cell.values[f"Site {k} width coefficient"]
    vary[f"Site {k} potential [V]"] = (potential - 0.2, potential + 0.2)
    vary[f"Site {k} width coefficient"] = (width / 2, min(2 * width, 50))
    if k > 1:  # the first takes what is left
        vary[f"Site {k} fraction"] = (0.02, 0.6)
# Charge and discharge lie 0.2 to 0.5 V apart at any current: a hysteresis that an insertion
# model does not have. Only the discharges are compared.
options = {"temperature": 25, "only": "discharge"}
found = sscell.fit(
    cell, {"cycles 1 to 12": slow}, vary, points=300, max_evaluations=30, **options
)
print(found)
held = validate_fit(found, {"all cycles": data}, points=700, **options)
found.save("rate_test_fitted.toml")
write_report(found, "rate_test.html", held)
