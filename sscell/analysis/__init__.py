"""The numbers of a paper from curves, measured or simulated."""

from __future__ import annotations

import importlib
from typing import Any

# Resolved on first use: some of these need heavy libraries.
_HOMES = {
    "arrhenius": "transport",
    "b_value": "exponents",
    "conductivities": "pellets",
    "conductivity": "transport",
    "cottrell": "potential_steps",
    "coulombic_efficiency": "rates",
    "critical_current": "symmetric",
    "cv": "voltammetry",
    "compare": "comparison",
    "cycles": "cycling",
    "differential_capacity": "capacity",
    "dqdv": "rates",
    "dqdv_peaks": "capacity",
    "drt": "relaxation",
    "eis": "impedance",
    "fit_circuit": "circuits",
    "gitt": "titration",
    "half_cycle_table": "rates",
    "half_cycles": "capacity",
    "kramers_kronig": "spectra",
    "nernst_einstein": "transport",
    "polarisation": "blocking",
    "pressure_changes": "pressure",
    "rate": "rates",
    "summary": "summary",
    "sweeps": "sweeping",
    "transference": "blocking",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sscell.analysis' has no attribute '{name}'")
    return getattr(importlib.import_module(f"sscell.analysis.{_HOMES[name]}"), name)
