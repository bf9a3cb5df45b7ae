"""The numbers of a paper from curves, measured or simulated."""

from __future__ import annotations

import importlib
from typing import Any

# Resolved on first use: some of these need heavy libraries.
_HOMES = {
    "differential_capacity": "capacity",
    "dqdv_peaks": "capacity",
    "half_cycles": "capacity",
    "summary": "summary",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sscell.analysis' has no attribute '{name}'")
    return getattr(importlib.import_module(f"sscell.analysis.{_HOMES[name]}"), name)
