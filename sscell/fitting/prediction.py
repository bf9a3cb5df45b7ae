"""What a fitted cell says of tests that it was not fitted to, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import set_metadata, time_series
from sscell.errors import ParameterError, SimulationError
from sscell.fitting.courses import Course
from sscell.fitting.forward import Traced
from sscell.fitting.prepare import prepare
from sscell.fitting.problem import Problem
from sscell.fitting.result import Fit, score_of
from sscell.fitting.spectra import Spectrum
from sscell.protocols import Protocol
from sscell.protocols.steps import whole
from sscell.simulation.distance import without_limits
from sscell.simulation.simulation import simulate

__all__ = ["Held", "predict", "validate_fit"]

_SIGMA = 1.644854  # standard deviations of a 90 % band


@dataclass(frozen=True, eq=False)
class Held:
    """Data that were not fitted, and what the fitted cell says of them.

    Parameters
    ----------
    course : Course or Spectrum
        The data.
    model : numpy.ndarray, shape (n,)
        The fitted cell at their points [V, A or share of the modulus].
    band : numpy.ndarray, shape (n,)
        Half width of the 90 % band in which a measurement is expected: errors of the
        parameters, what the model was off by where it was fitted, and noise [the same].
    traced : Traced
        All that the fitted cell does along them.
    """

    course: Course | Spectrum
    model: np.ndarray
    band: np.ndarray
    traced: Traced

    @property
    def inside(self) -> float:
        """Share of the points in the band [-]."""
        return float(np.mean(np.abs(self.model - self.course.measured) <= self.band))

    @property
    def label(self) -> str:
        """Which data."""
        return self.course.label

    @property
    def unit(self) -> str:
        """Of `rms`: mV, uA where voltages were set throughout, or % of an impedance."""
        if isinstance(self.course, Spectrum):
            return "percent"
        return "uA" if self.course.held.all() else "mV"

    @property
    def _rows(self) -> np.ndarray:
        """Points of that unit."""
        if isinstance(self.course, Spectrum) or self.course.held.all():
            return np.ones(self.model.size, dtype=bool)
        return ~self.course.held

    @property
    def _scale(self) -> float:
        return 1e6 if self.unit == "uA" else self.course.scale

    @property
    def rms(self) -> float:
        """Root mean square of model less data [mV, uA or % of the modulus]."""
        off = (self.model - self.course.measured)[self._rows]
        return float(self._scale * np.sqrt(np.mean(off**2)))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.label,
            f"mean_band_{self.unit}": float(self._scale * self.band[self._rows].mean()),
            "points": int(self.model.size),
            "inside_90": self.inside,
            **score_of(self.course, self.traced),
            f"rms_{self.unit}": self.rms,
        }


def validate_fit(found: Fit, datasets: Any, **options: Any) -> tuple[Held, ...]:
    r"""Predict data that a fit did not see, with bands by linear propagation.

    .. math:: \delta V = 1.64 \sqrt{\mathrm{diag}(J C J^T) + d^2 + n^2}

    with the discrepancy :math:`d` of the fit and the noise :math:`n` of the data.

    Parameters
    ----------
    found : Fit
        What was fitted.
    datasets : xarray.Dataset, sequence or mapping of them
        Time series [s, A, V] or spectra [Hz, Ohm].
    **options
        ``temperature``, ``pressure``, ``states``, ``noise``, ``cutoffs``, ``points`` as for
        a fit.

    Returns
    -------
    tuple of Held

    Raises
    ------
    DataError
        If the data cannot be of this cell.
    SimulationError
        If the model fails.
    """
    bounds = {v.name: (v.low, v.high) for v in found.problem.variables}
    problem, _ = prepare(found.cell, datasets, bounds, **options)
    held = []
    for course in problem.courses:
        variables = found.problem.variables
        course = _expecting(course, found)
        own = Problem(found.cell, (course,), variables, found.problem.resolution)
        own(found.u)
        traced = own.traces[0]
        scale, slopes = course.deviations, traced.slopes
        variance = np.einsum("ij,jk,ik->i", slopes, found.knowledge.covariance, slopes)
        beside = np.maximum(scale**2 - course.errors**2, 0.0)
        beside *= max(found.error.size, 1.0) ** 2
        variance = np.maximum(variance, 0.0) + beside + course.errors**2
        held.append(Held(course, traced.values, _SIGMA * np.sqrt(variance), traced))
    return tuple(held)


def _expecting(course: Course | Spectrum, found: Fit) -> Course | Spectrum:
    """Data with the discrepancy that the model had where it was fitted."""
    for other in found.problem.courses:
        if type(other) is type(course):
            return replace(course, discrepancy=other.discrepancy)
    return course


def predict(
    found: Fit,
    protocol: Protocol,
    *,
    draws: int = 20,
    seed: int = 0,
    assumed: Mapping[str, tuple[float, float]] | Sequence[str] = (),
    **options: Any,
) -> xr.Dataset:
    """Simulate a protocol with a band from the errors of a fit and from assumed ranges.

    Parameters
    ----------
    found : Fit
        What was fitted.
    protocol : Protocol
        Such as ``sscell.discharge("C/5")``.
    draws : int, optional
        Simulations with drawn parameters, at least 2.
    seed : int, optional
        Of the draws.
    assumed : sequence of str or mapping, optional
        Assumed parameters to draw as well, evenly over the range of the set, or over one
        that is given [unit of the name].
    **options
        As for `simulate`.

    Returns
    -------
    xarray.Dataset
        Of the fitted cell, with ``"Voltage lower [V]"`` and ``"Voltage upper [V]"`` at the
        same share of each step's time; the metadata say the draws and capacities.

    Raises
    ------
    ParameterError
        If an assumed parameter has no range.
    """
    whole(draws, "Draws", 2)
    ranges = _ranges(found.cell, assumed)
    generator = np.random.default_rng(seed)
    own = without_limits(found.cell)
    best = simulate(own, protocol, **options)
    curves, capacities, failed = [], [], 0
    for _ in range(draws):
        try:
            cell = own.replace(_draw(found, ranges, generator), "drawn")
            run = simulate(cell, protocol, **options)
            curves.append(_on_shares(run, best))
            passed = float(np.ptp(run["Discharge capacity [A.h]"].values))
            capacities.append(passed * (1 + _share(found) * generator.normal()))
        except (SimulationError, ParameterError):
            failed += 1
    if len(curves) < 2:
        raise SimulationError(f"{failed} of {draws} drawn cells failed: no band.")
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    columns = {str(n): best[n].values for n in best.data_vars if best[n].dims == ("time",)}
    data = time_series(columns | {"Voltage lower [V]": low, "Voltage upper [V]": high})
    data.attrs.update(best.attrs)
    set_metadata(
        data, draws=len(curves), failed_draws=failed, drawn_capacities_Ah=capacities
    )
    return data


def _ranges(
    cell: Cell, assumed: Mapping[str, tuple[float, float]] | Sequence[str]
) -> dict[str, tuple[float, float]]:
    if isinstance(assumed, Mapping):
        return {cell.quantity(n).name: (low, high) for n, (low, high) in assumed.items()}
    found = {}
    for name in assumed:
        given = cell.parameters[name].range
        if given is None:
            raise ParameterError(f"'{name}' of {cell.name} has no range to draw from.")
        found[name] = given
    return found


def _draw(
    found: Fit, ranges: Mapping[str, tuple[float, float]], generator: np.random.Generator
) -> dict[str, float]:
    u = generator.multivariate_normal(found.u, found.knowledge.covariance)
    values = found.problem.values(np.clip(u, 0.0, 1.0))
    return values | {n: float(generator.uniform(*r)) for n, r in ranges.items()}


def _share(found: Fit) -> float:
    """What the capacities of the fitted half cycles were off by [-]."""
    shares = [c.discrepancy[1] for c in found.problem.courses if isinstance(c, Course)]
    return max(shares, default=0.0)


def _on_shares(run: xr.Dataset, best: xr.Dataset) -> np.ndarray:
    """Voltage of a run at the same shares of the time of each step."""
    voltage = np.full(best.sizes["time"], np.nan)
    for step in np.unique(best["Step"].values):
        here, there = best["Step"].values == step, run["Step"].values == step
        if not there.any():
            raise SimulationError("A drawn cell left a step out.")
        t, s = best["Time [s]"].values[here], run["Time [s]"].values[there]
        share = (t - t[0]) / max(t[-1] - t[0], 1e-9)
        own = (s - s[0]) / max(s[-1] - s[0], 1e-9)
        voltage[here] = np.interp(share, own, run["Voltage [V]"].values[there])
    return voltage
