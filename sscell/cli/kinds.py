"""The kinds of analysis that the command `analyse` knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sscell.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ANALYSES", "KINDS", "SEVERAL"]

SEVERAL = ("cv",)  # kinds that take several files

Outcome = tuple[dict[str, Any], Any]  # what goes into the JSON, and the figure


def _gitt(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import gitt

    options = ("diffusion_length", "method", "direction")
    result, figure = gitt(sets[0], **{name: extra[name] for name in options}), None
    if draw:
        from sscell.plots.data import plot_gitt

        figure = plot_gitt(result)
    return result.to_dict(), figure


def _dqdv(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import dqdv
    from sscell.units import parse_quantity

    width = parse_quantity(extra["smoothing"], "V", "Smoothing")
    result = dqdv(sets[0], smoothing=width, prominence=extra["prominence"])
    figure = None
    if draw:
        from sscell.plots.data import plot_dqdv

        figure = plot_dqdv(sets[0], result["dqdv_peaks"], smoothing=width)
    return result, figure


def _cv(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import cv

    result, figure = cv(list(sets), onset_current=extra["onset_current"]), None
    if draw:
        from sscell.plots.data import plot_cv

        figure = plot_cv(sets, result)
    return result.to_dict(), figure


def _eis(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import eis

    result, figure = eis(sets[0], circuit=extra["circuit"]), None
    if draw:
        from sscell.plots.data import plot_eis

        figure = plot_eis(result)
    return result, figure


def _rate(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import rate

    result, figure = rate(sets[0]), None
    if draw:
        from sscell.plots.cycling import plot_rate

        figure = plot_rate(result)
    return result, figure


def _cycles(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import cycles

    result, figure = cycles(sets[0], reference_cycle=extra["reference_cycle"]), None
    if draw:
        from sscell.plots.cycling import plot_cycles

        figure = plot_cycles(result)
    return result, figure


def _step(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import cottrell
    from sscell.units import parse_quantity

    given = extra["concentration"]
    amount = None if given is None else parse_quantity(given, "mol/cm**3", "Concentration")
    if draw:
        raise ParameterError("--plot is not available for --kind step.")
    return cottrell(sets[0], concentration_mol_cm3=amount).to_dict(), None


ANALYSES: dict[str, Callable[[Sequence[xr.Dataset], dict[str, Any], bool], Outcome]] = {
    "gitt": _gitt,
    "dqdv": _dqdv,
    "cv": _cv,
    "eis": _eis,
    "rate": _rate,
    "step": _step,
    "cycles": _cycles,
}
KINDS = tuple(ANALYSES)
