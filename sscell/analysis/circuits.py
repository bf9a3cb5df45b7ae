"""Equivalent circuits, in impedance.py's notation and with its elements."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NoReturn

import numpy as np
import xarray as xr

from sscell.analysis.relaxation import drt
from sscell.analysis.spectra import one_spectrum, tail_begin
from sscell.errors import ParameterError

__all__ = ["CircuitFit", "check_circuit", "fit_circuit"]

_NOTATION = "Use impedance.py's notation, such as 'R0-p(R1,CPE1)-CPE2'."
STARTS = 10  # descents from different starting points of a circuit


def _need_impedance() -> None:
    try:
        import impedance  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "Equivalent circuits need impedance.py: pip install 'sscell[eis]'."
        ) from error


@dataclass(frozen=True)
class CircuitFit:
    """An equivalent circuit with its parameters and their errors.

    Parameters
    ----------
    circuit : str
        In impedance.py's notation.
    names, units : list of str
        Of the parameters.
    values, std_errors : numpy.ndarray
        In those units; one standard deviation.
    chi_squared : float
        Sum of squared residuals over ``|Z|`` [-].
    degrees_of_freedom : int
        Twice the points less the parameters.
    frequency, impedance : numpy.ndarray
        [Hz], and the fitted [Ohm].
    warnings : list of str
        Parameters the data do not determine.
    """

    circuit: str
    names: list[str]
    units: list[str]
    values: np.ndarray
    std_errors: np.ndarray
    chi_squared: float
    degrees_of_freedom: int
    frequency: np.ndarray = field(repr=False)
    impedance: np.ndarray = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = zip(self.names, self.units, self.values, self.std_errors, strict=True)
        return {
            "circuit": self.circuit,
            "parameters": [
                {"name": n, "unit": u, "value": float(v), "std_error": float(e)}
                for n, u, v, e in rows
            ],
            "chi_squared": self.chi_squared,
            "degrees_of_freedom": self.degrees_of_freedom,
        }


def fit_circuit(
    data: xr.Dataset,
    circuit: str,
    initial_guess: Sequence[float] | None = None,
    *,
    constants: Mapping[str, float] | None = None,
) -> CircuitFit:
    """Fit an equivalent circuit, weighted by the modulus, with standard errors.

    Parameters
    ----------
    data : xarray.Dataset
        One spectrum.
    circuit : str
        In impedance.py's notation, such as ``"R0-p(R1,CPE1)-CPE2"``.
    initial_guess : sequence of float, optional
        In the order of the circuit; default: from the DRT of the spectrum.
    constants : mapping of str to float, optional
        Parameters held, such as ``{"R0": 5.0}``.

    Returns
    -------
    CircuitFit
        Values in Ohm, F, H, and for CPE ``Q`` in S s^n.

    Raises
    ------
    ParameterError
        If the circuit is not understood, or impedance.py is not installed.

    Notes
    -----
    Minimises ``sum |Z - Z_fit|^2 / |Z|^2``; errors from the covariance scaled with the
    reduced chi-squared.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> round(fit_circuit(data, "R0-p(R1,C1)", [5, 30, 1e-5])["R1"], 3)
    50.0
    """
    _need_impedance()
    f, z = one_spectrum(data)
    held = dict(constants or {})
    names, units = _parameter_names(circuit, held)
    if initial_guess is not None:
        guesses = [np.asarray(initial_guess, dtype=float)]
    else:
        guesses = _guesses(data, names)
    if any(len(g) != len(names) or not np.all(g > 0) for g in guesses):
        raise ParameterError(
            f"Circuit '{circuit}' needs {len(names)} positive starting values: "
            f"{', '.join(names)}."
        )
    miss, upper = _misfit(circuit, held, f, z)
    found = _best_descent(miss, upper, guesses, len(names))
    return _circuit_result(circuit, names, units, found, miss, f, z)


def _best_descent(
    miss: Any, upper: np.ndarray, guesses: list[np.ndarray], parameters: int
) -> Any:
    """Descend from the most promising starts until two agree on a good end."""
    near = sorted(guesses, key=lambda g: np.sum(miss(np.log(g)) ** 2))[:STARTS]
    ends: list[Any] = []
    for guess in near:
        end = _descend(miss, upper, np.log(guess), 80)
        good = 2 * end.cost < 0.02**2 * max(len(end.fun) - parameters, 1)
        best = min((e.cost for e in ends), default=np.inf)
        ends.append(end)
        if good and abs(end.cost / best - 1) < 0.01:
            break
    return _descend(miss, upper, min(ends, key=lambda e: e.cost).x, 2000)


def _parameter_names(
    circuit: str, held: Mapping[str, float]
) -> tuple[list[str], list[str]]:
    from impedance.models.circuits import CustomCircuit
    from impedance.models.circuits.fitting import calculateCircuitLength

    check_circuit(circuit)
    try:
        count = calculateCircuitLength(circuit) - len(held)
        model = CustomCircuit(circuit, initial_guess=[1.0] * count, constants=dict(held))
        return model.get_param_names()
    except Exception as error:
        raise ParameterError(
            f"Circuit '{circuit}' is not understood. {_NOTATION}"
        ) from error


def check_circuit(circuit: str) -> None:
    """Refuse a circuit with a wrong bracket or an element that does not exist.

    Parameters
    ----------
    circuit : str
        In impedance.py's notation.

    Raises
    ------
    ParameterError
        In one sentence that says what is wrong.

    Examples
    --------
    >>> check_circuit("R0-p(R1,CPE1)-CPE2")
    """
    from impedance.models.circuits.elements import circuit_elements

    def refuse(reason: str) -> NoReturn:
        raise ParameterError(
            f"Circuit '{circuit}' is not understood: {reason}. {_NOTATION}"
        )

    text = circuit.replace(" ", "")
    if text.count("(") != text.count(")"):
        refuse(f"it has {text.count('(')} '(' and {text.count(')')} ')'")
    kinds = [k for k in circuit_elements if k not in ("s", "p")]

    def check_series(part: str) -> None:
        for element in part.split("-"):
            name = element.rstrip("0123456789_")
            if element != "#" and (name not in kinds or name == element):
                shown = element.replace("#", "...")
                refuse(f"'{shown}' is none of {', '.join(kinds)} with a number")

    # From the innermost bracket outwards; what was read becomes one sign.
    while "(" in text:
        inner = re.search(r"(.?)\(([^()]*)\)", text)
        if inner is None:
            refuse("its brackets do not pair")
        if inner[1] != "p":
            refuse(f"a 'p' is missing before '({inner[2]})'".replace("#", "..."))
        branches = inner[2].split(",")
        if len(branches) < 2:
            refuse(f"'p({inner[2]})' has one branch".replace("#", "..."))
        for branch in branches:
            check_series(branch)
        text = text[: inner.start()] + "#" + text[inner.end() :]
    if "," in text:
        refuse("a comma stands outside of 'p( )'")
    check_series(text)


def _misfit(
    circuit: str, held: dict[str, float], f: np.ndarray, z: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Residuals over |Z| as a function of logarithms: parameters span powers of ten."""
    from impedance.models.circuits.fitting import set_default_bounds, wrapCircuit

    function = wrapCircuit(circuit, held)
    size = np.concatenate([np.abs(z), np.abs(z)])
    target = np.concatenate([np.real(z), np.imag(z)])
    bounds = set_default_bounds(circuit, constants=held)[1]

    def miss(logs: np.ndarray) -> np.ndarray:
        return (function(f, *np.exp(logs)) - target) / size

    return miss, np.log(np.minimum(bounds, 1e18))


def _descend(miss: Any, upper: np.ndarray, start: np.ndarray, evaluations: int) -> Any:
    from scipy.optimize import least_squares

    start = np.minimum(start, upper - 1e-3)
    tight = 1e-12 if evaluations > 1000 else 1e-6
    return least_squares(
        miss, start, bounds=(-np.inf, upper), max_nfev=evaluations, ftol=tight, xtol=tight
    )


def _circuit_result(
    circuit: str,
    names: list[str],
    units: list[str],
    found: Any,
    miss: Any,
    f: np.ndarray,
    z: np.ndarray,
) -> CircuitFit:
    order = _arc_order(circuit, names, np.exp(found.x))
    freedom = max(2 * len(f) - len(names), 1)
    chi = 2 * float(found.cost)
    covariance = _inverse(found.jac.T @ found.jac) * chi / freedom
    values = np.exp(found.x)
    errors = (values * np.sqrt(np.diag(covariance)))[order]
    values = values[order]
    stacked = miss(found.x) * np.tile(np.abs(z), 2) + np.concatenate(
        [np.real(z), np.imag(z)]
    )
    fitted = stacked[: len(f)] + 1j * stacked[len(f) :]
    notes = [
        f"{n} is not determined by the spectrum: {v:.3g} +/- {e:.2g} {u}."
        for n, u, v, e in zip(names, units, values, errors, strict=True)
        if not e <= 0.5 * abs(v)
    ]
    if np.sqrt(chi / freedom) > 0.05:
        notes.append(
            f"The circuit misses the spectrum by {np.sqrt(chi / freedom):.0%} of |Z|."
        )
    return CircuitFit(circuit, names, units, values, errors, chi, freedom, f, fitted, notes)


def _inverse(normal: np.ndarray) -> np.ndarray:
    """Inverse of the normal matrix; a direction the data do not see becomes infinite."""
    values, vectors = np.linalg.eigh(normal)
    seen = values > 1e-12 * values.max()
    inverse = (vectors[:, seen] / values[seen]) @ vectors[:, seen].T
    unseen = np.any(np.abs(vectors[:, ~seen]) > 0.1, axis=1)
    inverse[unseen, unseen] = np.inf
    return inverse


def _arc_order(circuit: str, names: list[str], values: np.ndarray) -> list[int]:
    """Like arcs in series can change places: number them from fast to slow."""
    order = list(range(len(names)))
    for element, power in (("CPE", True), ("C", False)):
        labels = re.findall(rf"p\(R(\d+),{element}\1\)", circuit.replace(" ", ""))
        members = [
            [
                k
                for k, n in enumerate(names)
                if n.partition("_")[0] in (f"R{a}", f"{element}{a}")
            ]
            for a in labels
        ]
        if len(members) < 2 or len({len(m) for m in members}) > 1:
            continue

        def tau(rows: list[int], power: bool = power) -> float:
            product = values[rows[0]] * values[rows[1]]
            return product ** (1 / values[rows[2]]) if power else product

        ranked = sorted(members, key=tau)
        for place, source in zip(members, ranked, strict=True):
            for a, b in zip(place, source, strict=True):
                order[a] = b
    return order


def _guesses(data: xr.Dataset, names: list[str]) -> list[np.ndarray]:
    """Starting points: arcs at the DRT peaks, and at all places of a coarse grid."""
    f, z = one_spectrum(data)
    arcs = [n for n in names if n.startswith("R") and n != "R0"]
    begin = tail_begin(f, z)
    span = max(
        np.interp(begin, f[::-1], np.real(z)[::-1]) - np.real(z).min(),
        1e-3 * np.abs(z).max(),
    )
    low = np.log(1 / (2 * np.pi * f.max()))
    high = np.log(1 / (2 * np.pi * max(begin, f.min())))
    places = [
        (np.exp(list(taus)), np.full(len(arcs), span / max(len(arcs), 1)))
        for taus in combinations(np.linspace(low, high, len(arcs) + 4), len(arcs))
    ]
    peaks = [p for p in drt(data, per_decade=8, regularisation=1e-3).peaks if p["closed"]]
    peaks = sorted(
        sorted(peaks, key=lambda p: -p["area_ohm"])[: len(arcs)], key=lambda p: p["tau_s"]
    )
    if len(peaks) == len(arcs):
        found = np.array([[p["tau_s"], p["area_ohm"]] for p in peaks]).reshape(-1, 2).T
        places.insert(0, (found[0], found[1]))
    return [
        np.array([_start(n, arcs, tau, size, alpha, f, z) for n in names])
        for tau, size in places
        for alpha in (0.9, 0.75)
    ]


def _start(
    name: str,
    arcs: list[str],
    taus: np.ndarray,
    sizes: np.ndarray,
    alpha: float,
    f: np.ndarray,
    z: np.ndarray,
) -> float:
    """Starting value of one parameter; elements of an arc share its number."""
    element, _, part = name.partition("_")
    kind = element.rstrip("0123456789")
    partner = "R" + element[len(kind) :]
    power = alpha if kind == "CPE" else 1.0
    if partner in arcs:
        tau, size = taus[arcs.index(partner)], sizes[arcs.index(partner)]
        values = {"R": size, "C": tau**power / size, "L": tau * size}
    else:
        tail = max(-z[-1].imag, 1e-9 * abs(z[-1]))
        values = {
            "R": max(np.real(z).min(), 1e-3 * np.ptp(np.real(z))),
            "C": 1 / (tail * (2 * np.pi * f[-1]) ** power),
            "L": 1e-6 / f.max(),
            "W": tail * np.sqrt(2 * np.pi * f[-1]),
        }
    if kind == "CPE" and part == "1":
        return power
    return float(values.get(element[0], 1.0))
