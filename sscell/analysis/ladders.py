r"""Series circuits of pellets, fitted fast: resistance, arcs, blocking tail, composite.

A ladder is ``Z = R_s + sum_k R_k/(1 + (i w tau_k)^n_k) + 1/((i w)^m Q) + Z_c``, in which
any part may be missing; a composite of two conducting phases between an electrode that
takes electrons and an electrolyte that takes ions is the transmission line

``Z_c = P + (S/u) coth(u) - (2 P/u) tanh(u/2)``, ``u = sqrt(S Q_c (i w)^n)``,

with ``S = R_ion + R_e`` and ``P = R_ion R_e/S``. At high frequency it is P, at low
frequency its real part is S/3, less the high-frequency one R_ion/3 only where R_e is far
smaller. The two resistances change places in it without a trace; and two equal ones R give
the spectrum of R/2 with a perfect conductor beside it, in series with R/2: of readings that
the data do not tell apart, that with the better second conductor is taken.

Between two electrodes that take electrons and block ions it is
``Z_b = P + (R_e^2/S) tanh(u/2)/(u/2)``, which tends to R_e and tells whose resistance is whose.

Source: Bisquert, Phys. Chem. Chem. Phys. 2 (2000) 4185, for terminals at opposite ends,
doi:10.1039/b001708f.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

__all__ = ["Arc", "LadderFit", "choose_ladder", "fit_ladder", "ladders"]

STARTS = 4  # descents of one circuit
SHARES = (0.003, 0.1, 0.22)  # of the parallel in the sum of both resistances, at the start
PARTS = (0.05, 0.3, 0.7)  # of the electrons in that sum
TELLS = 10.0  # of twice the logarithm of the likelihood, between two readings


@dataclass(frozen=True)
class Shape:
    """Which parts a ladder has."""

    series: bool
    arcs: int
    tail: bool
    composite: bool = False
    blocked: bool = False  # ions at both ends of the composite

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.series + 3 * self.arcs + 2 * self.tail + 4 * self.composite

    def __str__(self) -> str:
        parts = ["R0"] if self.series else []
        parts += [f"p(R{k},CPE{k})" for k in range(1, self.arcs + 1)]
        line = "blocked_line" if self.blocked else "line"
        parts += [f"{line}(R_ion,R_e,CPE)"] if self.composite else []
        parts += [f"CPE{self.arcs + 1}"] if self.tail else []
        return "-".join(parts)


@dataclass(frozen=True)
class Arc:
    """One arc.

    Parameters
    ----------
    resistance, std_error : float
        [Ohm]
    tau : float
        [s]
    exponent : float
        1 for a capacitor [-].
    """

    resistance: float
    std_error: float
    tau: float
    exponent: float

    @property
    def capacitance(self) -> float:
        """Effective capacitance [F]: tau over R."""
        return self.tau / self.resistance


@dataclass(frozen=True)
class LadderFit:
    """A ladder with its values and their errors.

    Parameters
    ----------
    circuit : str
        In impedance.py's notation.
    shape : Shape
        Its parts.
    series : tuple of float or None
        Series resistance and its error [Ohm].
    arcs : list of Arc
        From fast to slow.
    composite : dict or None
        ``sum_ohm``, ``ion_ohm`` and ``electron_ohm``, each with its error; where the spectrum
        does not tell which is whose, the larger is taken for the ions.
    chi_squared : float
        Sum of squared residuals over ``|Z|`` [-].
    criterion : float
        Bayesian information; the smaller, the better.
    frequency, impedance : numpy.ndarray
        [Hz], and the fitted [Ohm].
    """

    circuit: str
    shape: Shape
    series: tuple[float, float] | None
    arcs: list[Arc]
    composite: dict[str, tuple[float, float]] | None
    chi_squared: float
    criterion: float
    frequency: np.ndarray = field(repr=False)
    impedance: np.ndarray = field(repr=False)

    @property
    def determined(self) -> bool:
        """Whether the data tell each resistance within 40 %."""
        pairs = [(a.resistance, a.std_error) for a in self.arcs]
        pairs += [self.series] if self.series else []
        pairs += list((self.composite or {}).values())[:1]
        return all(error < 0.4 * value for value, error in pairs)

    @property
    def misses(self) -> float:
        """Root mean square of the residuals over ``|Z|`` [-]."""
        return float(np.sqrt(self.chi_squared / (2 * len(self.frequency))))


def ladders(f: np.ndarray, z: np.ndarray, composite: bool | None = None) -> list[Shape]:
    """Circuits to try for a spectrum.

    Parameters
    ----------
    f : numpy.ndarray, shape (n,)
        [Hz], descending.
    z : numpy.ndarray of complex, shape (n,)
        [Ohm].
    composite : bool, optional
        Whether it is that of a composite; default: both are tried.

    Returns
    -------
    list of Shape

    Examples
    --------
    >>> f = np.logspace(5, 0, 40)
    >>> [str(s) for s in ladders(f, 10 + 1 / (2j * np.pi * f * 1e-6), False)][0]
    'R0-CPE1'
    """
    tail = bool(-z[-1].imag > 0.3 * abs(z[-1]))
    most = 2 if tail else 3
    plain = [Shape(True, k, tail) for k in range(0 if tail else 1, most + 1)]
    plain += [Shape(False, k, tail) for k in range(1, most + 1)]
    lines = [Shape(series, 0, False, True) for series in (True, False)]
    lines.append(Shape(True, 1, False, True))
    if composite is None:
        return plain + (lines if tail else [])
    if not composite:
        return plain
    # Without a tail nothing takes ions only: both ends take electrons.
    return lines if tail else [Shape(False, 0, False, True, True)]


def _model(shape: Shape, omega: np.ndarray, logs: np.ndarray) -> np.ndarray:
    values = iter(np.exp(logs))
    z = np.zeros(len(omega), dtype=complex)
    if shape.series:
        z += next(values)
    for _ in range(shape.arcs):
        resistance, tau, exponent = next(values), next(values), next(values)
        z += resistance / (1 + (1j * omega * tau) ** exponent)
    if shape.composite:
        total, share, tau, exponent = (next(values) for _ in range(4))
        square = (1j * omega * tau) ** exponent
        z += (_blocked if shape.blocked else _line)(total, share, square)
    if shape.tail:
        size, exponent = next(values), next(values)
        z += size * (1j * omega / omega.min()) ** -exponent
    return z


def _line(total: float, share: float, square: np.ndarray) -> np.ndarray:
    """Transmission line of S [Ohm], P/S and u^2."""
    u = np.sqrt(square)
    # Far from the begin of the line both functions are one.
    with np.errstate(over="ignore", invalid="ignore"):
        coth = np.where(np.real(u) > 300, 1, 1 / np.tanh(u))
        tanh = np.where(np.real(u) > 300, 1, np.tanh(u / 2))
    return total * (share + coth / u - 2 * share * tanh / u)


def _blocked(total: float, part: float, square: np.ndarray) -> np.ndarray:
    """Line with ions blocked at both ends, of S [Ohm], R_e/S and u^2."""
    half = np.sqrt(square) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        tanh = np.where(np.real(half) > 300, 1, np.tanh(half))
    return total * (part * (1 - part) + part**2 * tanh / half)


def _bounds(shape: Shape, omega: np.ndarray, z: np.ndarray) -> tuple[list, list]:
    """Of the logarithms of the parameters, in the order of `_model`."""
    small, large = np.log(1e-6 * np.abs(z).min()), np.log(10 * np.abs(z).max())
    fast, slow = np.log(0.03 / omega.max()), np.log(30 / omega.min())
    low: list[float] = [small] if shape.series else []
    high: list[float] = [large] if shape.series else []
    for _ in range(shape.arcs):
        low += [small, fast, np.log(0.5)]
        high += [large, slow, 1e-9]
    if shape.composite:
        low += [small, np.log(1e-6), fast - 6, np.log(0.6)]
        most = 1 - 1e-6 if shape.blocked else 0.25
        high += [large, np.log(most), slow + 6, 1e-9]
    if shape.tail:
        low += [np.log(1e-6 * np.abs(z).max()), np.log(0.3)]
        high += [large, 1e-9]
    return low, high


def _starts(shape: Shape, omega: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
    from sscell.analysis.spectra import tail_begin

    begin = 2 * np.pi * tail_begin(omega / (2 * np.pi), z) or omega.min()
    real = np.sort(np.real(z))
    span = max(np.interp(begin, omega[::-1], np.real(z)[::-1]) - real[0], 0.05 * abs(z[-1]))
    first = max(real[0], 1e-3 * np.abs(z).min())
    head = [first] if shape.series else []
    foot = [max(-z[-1].imag, 1e-3 * abs(z[-1])), 0.85] if shape.tail else []
    places = np.geomspace(0.3 / omega.max(), 1 / begin, shape.arcs + 4)
    found = []
    if shape.composite:
        return [np.log(x) for x in _line_starts(shape, omega, z)]
    for taus in combinations(places, shape.arcs):
        for split in (0.5, 0.15, 0.85) if shape.arcs == 2 else (1 / max(shape.arcs, 1),):
            sizes = [split, 1 - split] if shape.arcs == 2 else [split] * shape.arcs
            arcs = [
                x for s, t in zip(sizes, taus, strict=True) for x in (s * span, t, 0.85)
            ]
            found.append([*head, *arcs, *foot])
    return [np.log(x) for x in found]


def _line_starts(shape: Shape, omega: np.ndarray, z: np.ndarray) -> list[list[float]]:
    """Starts of a composite: its sum and the series resistance follow from the rest."""
    least = 1e-3 * np.abs(z).min()
    arcs = [least, 1 / omega.max(), 0.9] * shape.arcs
    found = []
    for tau in np.geomspace(0.1 / omega.max(), 30 / omega.min(), 24):
        for share in PARTS if shape.blocked else SHARES:
            for exponent in (0.85, 1.0):
                made = _blocked if shape.blocked else _line
                line = made(1.0, share, (1j * omega * tau) ** exponent)
                parts = [line, np.ones_like(line)] if shape.series else [line]
                weighed = np.column_stack(parts) / np.abs(z)[:, None]
                goal = z / np.abs(z)
                sizes, *_ = np.linalg.lstsq(
                    np.concatenate([weighed.real, weighed.imag]),
                    np.concatenate([goal.real, goal.imag]),
                    rcond=None,
                )
                total, *first = (max(float(x), least) for x in sizes)
                found.append([*first, *arcs, total, share, tau, exponent])
    return found


def fit_ladder(f: np.ndarray, z: np.ndarray, shape: Shape) -> LadderFit:
    """Fit one ladder to a spectrum, weighted by the modulus.

    Parameters
    ----------
    f : numpy.ndarray, shape (n,)
        [Hz], descending.
    z : numpy.ndarray of complex, shape (n,)
        [Ohm].
    shape : Shape
        Its parts.

    Returns
    -------
    LadderFit
        With one standard error from the covariance, scaled with the reduced chi-squared.

    Examples
    --------
    >>> f = np.logspace(6, 0, 50)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-4)
    >>> round(fit_ladder(f, z, Shape(True, 1, False)).arcs[0].resistance, 3)
    50.0
    """
    from scipy.optimize import least_squares

    omega = 2 * np.pi * f
    low, high = _bounds(shape, omega, z)
    modulus = np.abs(z)

    def miss(logs: np.ndarray) -> np.ndarray:
        part = (_model(shape, omega, logs) - z) / modulus
        return np.concatenate([part.real, part.imag])

    starts = [np.clip(x, np.add(low, 1e-6), np.subtract(high, 1e-6)) for x in
              _starts(shape, omega, z)]  # fmt: skip
    starts = sorted(starts, key=lambda x: np.sum(miss(x) ** 2))
    at = 0
    if shape.composite:
        at = int(shape.series) + 3 * shape.arcs + 1
        shares = PARTS if shape.blocked else SHARES
        starts = [x for s in shares for x in [y for y in starts if y[at] == np.log(s)][:2]]
    else:
        starts = starts[:STARTS]
    ends = [least_squares(miss, x, bounds=(low, high), max_nfev=40) for x in starts]
    best = min(ends, key=lambda e: e.cost)
    if shape.composite and not shape.blocked:
        # Two phases that conduct alike look like one with half of both in series with it.
        alike = [e for e in ends if 2 * len(f) * np.log(e.cost / best.cost + 1e-9) < TELLS]
        best = min(alike, key=lambda e: e.x[at])
    best = least_squares(
        miss, best.x, bounds=(low, high), max_nfev=400, ftol=1e-13, xtol=1e-13
    )
    edges = (best.x < np.add(low, 1e-3)) | (best.x > np.subtract(high, 1e-3))
    return _result(shape, best, edges, f, omega)


def _result(
    shape: Shape, best: Any, edges: np.ndarray, f: np.ndarray, omega: np.ndarray
) -> LadderFit:
    number, chi = 2 * len(f), 2 * float(best.cost)
    variance = chi / max(number - shape.size, 1)
    sizes = np.linalg.norm(best.jac, axis=0)
    # A value at its bound is hardly felt on its logarithmic scale, yet uncertain.
    scaled = best.jac / np.maximum(sizes, 1e-150)
    inverse = np.linalg.pinv(scaled.T @ scaled, rcond=1e-13)
    covariance = inverse * variance / np.outer(*[np.maximum(sizes, 1e-150)] * 2)
    errors = np.sqrt(np.diag(covariance))
    errors[sizes < 1e-9] = np.inf  # the data do not feel it
    values = np.exp(best.x)
    at = int(shape.series)
    series = (float(values[0]), float(values[0] * errors[0])) if shape.series else None
    arcs = []
    for k in range(shape.arcs):
        r, tau, n = values[at + 3 * k : at + 3 * k + 3]
        arcs.append(Arc(float(r), float(r * errors[at + 3 * k]), float(tau), float(n)))
    composite = None
    if shape.composite:
        rows = slice(at + 3 * shape.arcs, at + 3 * shape.arcs + 2)
        composite = _phases(values[rows], covariance[rows, rows], shape.blocked)
        if edges[rows][1] and values[rows][1] < 0.01:  # nothing shows the better conductor
            composite["electron_ohm"] = (composite["electron_ohm"][0], np.inf)
    # Better than a hundred-thousandth is no better: beside a bound a fit ends no nearer.
    floor = (1e-5) ** 2 * number
    criterion = number * np.log(max(chi, floor) / number) + shape.size * np.log(number)
    return LadderFit(
        str(shape),
        shape,
        series,
        sorted(arcs, key=lambda a: a.tau),
        composite,
        chi,
        float(criterion),
        f,
        _model(shape, omega, best.x),
    )


def _phases(
    values: np.ndarray, covariance: np.ndarray, blocked: bool
) -> dict[str, tuple[float, float]]:
    """Resistances of the two phases, with errors by the derivatives.

    From S and P/S; where ions are blocked at both ends from S and R_e/S.
    """
    total, share = values
    root = np.sqrt(max(1 - 4 * share, 1e-9))
    # Towards two equal phases the shares move with the root of P/S: a secant, no tangent.
    step = min(max(share * float(np.sqrt(covariance[1, 1])), 1e-9), share)
    steep = (np.sqrt(max(1 - 4 * (share - step), 0.0)) - root) / (2 * step)
    found = {"sum_ohm": (float(total), float(total * np.sqrt(covariance[0, 0])))}
    for name, sign in (("ion_ohm", 1), ("electron_ohm", -1)):
        value = total * (1 + sign * root) / 2
        # With respect to the logarithms of S and of P/S.
        slope = np.array([value, -sign * total * share * steep])
        if blocked:
            value = total * (1 - share if sign > 0 else share)
            slope = np.array([value, -sign * total * share])
        error = float(np.sqrt(max(slope @ covariance @ slope, 0.0)))
        found[name] = (float(value), error)
    return found


def choose_ladder(
    spectra: list[tuple[np.ndarray, np.ndarray]],
    composite: bool | None = None,
    bare: bool = False,
) -> list[LadderFit]:
    """Best ladder for each spectrum of a series; one for all where it serves them all.

    Parameters
    ----------
    spectra : list of tuple of numpy.ndarray
        Frequency [Hz], descending, and impedance [Ohm].
    composite : bool, optional
        Whether they are those of a composite; default: as they fit.
    bare : bool, optional
        Whether a series resistance was taken off: then a composite has none.

    Returns
    -------
    list of LadderFit
        By Bayesian information; a circuit with a resistance that the data do not tell
        gives way to the next.

    Examples
    --------
    >>> f = np.logspace(6, 0, 50)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-4) + 1 / (2j * np.pi * f * 1e-5)
    >>> choose_ladder([(f, z)])[0].circuit
    'R0-p(R1,CPE1)-CPE2'
    """
    fits = [
        {
            str(s): fit_ladder(f, z, s)
            for s in ladders(f, z, composite)
            if not (bare and s.composite and (s.series or s.arcs))
        }
        for f, z in spectra
    ]
    fits = [{k: fit for k, fit in one.items() if fit.determined} or one for one in fits]
    shared = set.intersection(*(set(one) for one in fits))
    common = min(shared, key=lambda k: sum(one[k].criterion for one in fits), default=None)
    chosen = []
    for one in fits:
        best = min(one.values(), key=lambda fit: fit.criterion)
        if common is not None and one[common].criterion < best.criterion + 20:
            best = one[common]
        chosen.append(best)
    return chosen
