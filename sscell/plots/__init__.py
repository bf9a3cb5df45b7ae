"""Figures in one style: units on every axis, fixed colours, readable at column width."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "figure_style": "style",
    "plot_conductivity": "pellets",
    "plot_contact": "pressure",
    "plot_critical_current": "pellets",
    "plot_cv": "data",
    "plot_cycles": "cycling",
    "plot_dqdv": "data",
    "plot_eis": "data",
    "plot_gitt": "data",
    "plot_polarisation": "pellets",
    "plot_pressure": "pressure",
    "plot_rate": "cycling",
    "plot_run": "runs",
    "save_figure": "style",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sscell.plots' has no attribute '{name}'")
    return getattr(importlib.import_module(f"sscell.plots.{_HOMES[name]}"), name)
