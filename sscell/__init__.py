"""sscell: simulate, fit and analyse all-solid-state cells."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public names resolve on first use, so that `import sscell` does not import PyBaMM.
_HOMES = {
    "CancelToken": "solver.cancelling",
    "Cancelled": "solver.cancelling",
    "Cell": "cells.cell",
    "DataError": "errors",
    "ParameterError": "errors",
    "SimulationError": "errors",
    "analysis": "",
    "charge": "protocols",
    "cycle": "protocols",
    "design": "sweeps.cell_level",
    "discharge": "protocols",
    "drive": "protocols",
    "fit": "fitting",
    "gitt": "protocols",
    "load": "cells.cell",
    "protocols": "",
    "published": "simulation.customary",
    "read": "readers",
    "Resolution": "simulation.engine",
    "rest": "protocols",
    "select": "readers",
    "simulate": "simulation.simulation",
    "summary": "analysis.summary",
    "sweep": "sweeps.grid",
    "validate": "papers.validation",
    "write_bdf": "readers",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sscell' has no attribute '{name}'")
    if not _HOMES[name]:
        return importlib.import_module(f"sscell.{name}")
    return getattr(importlib.import_module(f"sscell.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
