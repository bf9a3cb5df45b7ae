"""The kinds of analysis that the command `analyse` knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sscell.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ANALYSES", "KINDS", "SEVERAL", "UNDRAWN", "kind_of_file"]

SEVERAL = ("cv", "conductivity", "transference")  # kinds that take several files

UNDRAWN = ("step", "transference")  # kinds that have no figure

Outcome = tuple[dict[str, Any], Any]  # what goes into the JSON, and the figure


def kind_of_file(kind: str, number: int) -> str:
    """Whether an analysis needs series or spectra of one of its files.

    Parameters
    ----------
    kind : str
        Of analysis.
    number : int
        Of the file, from 0.

    Returns
    -------
    str
        ``"series"`` or ``"spectra"``.
    """
    spectral = kind in ("eis", "conductivity") or (kind == "transference" and number > 0)
    return "spectra" if spectral else "series"


def _sizes(data: xr.Dataset, extra: dict[str, Any]) -> dict[str, Any]:
    """Thickness with its error [cm], and area [cm2] of a pellet."""
    from sscell.dataset import metadata
    from sscell.units import parse_quantity

    given = extra["thickness"]
    thick = None if given is None else parse_quantity(given, "cm", "Thickness")
    if thick is not None and not thick > 0:
        raise ParameterError(f"Thickness '{given}' must be positive.")
    error = parse_quantity(extra["thickness_error"], "cm", "Error of the thickness")
    if not 0 <= error < (thick or math.inf):
        raise ParameterError(
            f"--thickness-error '{extra['thickness_error']}' must be positive and less than "
            "the thickness."
        )
    return {
        "thickness_cm": thick,
        "area_cm2": metadata(data, "area_cm2"),
        "thickness_error_cm": error,
    }


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


def _conductivity(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import conductivities
    from sscell.units import parse_quantity

    options = {name: extra[name] for name in ("circuit", "composite", "layers")}
    options["series_resistance_ohm"] = parse_quantity(
        extra["series_resistance"], "ohm", "Series resistance"
    )
    result, figure = conductivities(sets, **_sizes(sets[0], extra), **options), None
    if draw:
        from sscell.plots.pellets import plot_conductivity

        figure = plot_conductivity(result)
    return result, figure


def _polarisation(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import polarisation
    from sscell.units import parse_quantity

    given = extra["bulk_conductivity"]
    bulk = None if given is None else parse_quantity(given, "S/cm", "Bulk conductivity")
    result = polarisation(
        sets[0],
        blocking=extra["blocking"],
        **_sizes(sets[0], extra),
        series_resistance_ohm=parse_quantity(
            extra["series_resistance"], "ohm", "Series resistance"
        ),
        bulk_conductivity_S_cm=bulk,
        volume_fraction=extra["volume_fraction"],
    )
    figure = None
    if draw:
        from sscell.plots.pellets import plot_polarisation

        figure = plot_polarisation(sets[0], result)
    return result, figure


def _transference(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import transference

    if draw:
        raise ParameterError("--plot is not available for --kind transference.")
    return transference(*sets), None


def _ccd(sets: Sequence[xr.Dataset], extra: dict[str, Any], draw: bool) -> Outcome:
    from sscell.analysis import critical_current

    result, figure = critical_current(sets[0]), None
    if draw:
        from sscell.plots.pellets import plot_critical_current

        figure = plot_critical_current(sets[0], result)
    return result, figure


ANALYSES: dict[str, Callable[[Sequence[xr.Dataset], dict[str, Any], bool], Outcome]] = {
    "gitt": _gitt,
    "dqdv": _dqdv,
    "cv": _cv,
    "eis": _eis,
    "rate": _rate,
    "step": _step,
    "cycles": _cycles,
    "conductivity": _conductivity,
    "polarisation": _polarisation,
    "transference": _transference,
    "ccd": _ccd,
}
KINDS = tuple(ANALYSES)
