"""Additives of the active material: how much of it works and lasts, by their content."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sscell.errors import ParameterError
from sscell.physics.quantity import Quantity

__all__ = ["check", "derived", "effect", "quantities"]

# A share of the material changes in proportion to the effect, a rate or a resistance by
# that power of a factor.
_SHARE = "Inactive host fraction"
_RATES = (
    ("Contact fade per cycle", ""),
    ("Series resistance of lost contact", " [Ohm.m2]"),
)
# Of what moves: relative to the plain material, so that its own value stays free.
_MOVES = "Positive particle diffusivity"
_TARGETS = ((_SHARE, ""), *_RATES)
# Particles are not covered alike: the effect completes over this share of the content.
_SPREAD = 0.1


def effect(content: float, complete: float) -> float:
    r"""Share of the full effect of an additive.

    .. math:: g = 1 - \frac{\ln(1 + e^{(1 - c/c_1)/w})}{\ln(1 + e^{1/w})}, \quad w = 0.1

    In proportion to the content :math:`c` while there is surface to cover, one beyond the
    content :math:`c_1` that covers it, and smooth between.

    Parameters
    ----------
    content : float
        Of the additive [-].
    complete : float
        Content from which it acts in full [-].

    Returns
    -------
    float
        0 without additive, towards 1 [-].

    Notes
    -----
    Source: this work; no composition law of a coated sulfide is published.

    Examples
    --------
    >>> [round(effect(c, 0.15), 3) for c in (0.0, 0.075, 0.15, 0.3)]
    [0.0, 0.499, 0.931, 1.0]
    """
    left = math.log1p(math.exp((1 - content / complete) / _SPREAD))
    return 1 - left / math.log1p(math.exp(1 / _SPREAD))


def quantities(names: Sequence[str]) -> tuple[Quantity, ...]:
    """What a parameter set says about its additives.

    Parameters
    ----------
    names : sequence of str
        Of the additives.

    Returns
    -------
    tuple of Quantity
        Contents and factors are neutral where the set is silent.
    """
    plain = tuple(
        Quantity(f"{target} without additives{unit}", "of the plain material", 0, high)
        for (target, unit), high in zip(_TARGETS, (0.95, 1, 10), strict=True)
    )
    own = []
    for name in names:
        own += [
            Quantity(f"{name} fraction", "of the active material", 0, 1, 0.0),
            Quantity(f"{name} complete fraction", "acts in full", 1e-4, 1, 0.1),
            *(
                Quantity(_factor(name, target), "of its full effect", 0, 100, 1.0)
                for target in (*(t for t, _ in _TARGETS), _MOVES)
            ),
        ]
    return plain + tuple(own)


def _factor(name: str, target: str) -> str:
    return f"{name} coefficient of {target[0].lower()}{target[1:]}"


def check(names: Sequence[str], degradation: bool) -> None:
    """Check that there is something for additives to act on.

    Parameters
    ----------
    names : sequence of str
        Of the additives.
    degradation : bool
        Whether the cathode wears.

    Raises
    ------
    ParameterError
        If nothing wears: additives say how contact lasts.
    """
    if names and not degradation:
        raise ParameterError(
            "'additives' say how contact wears: they need 'degradation = true'."
        )


def derived(names: Sequence[str], values: Mapping[str, float]) -> dict[str, float]:
    r"""Values of the material with its additives.

    .. math:: f = f_0 \prod_i \left[1 + (a_i - 1)\, g_i\right], \quad
        k = k_0 \prod_i b_i^{\,g_i}

    for the share of host out of reach and for what moves or wears, with the factors
    :math:`a, b` of the full effect and `effect` :math:`g` of each content.

    Parameters
    ----------
    names : sequence of str
        Of the additives.
    values : mapping of str to float
        All parameter values by name.

    Returns
    -------
    dict of str to float
        In the unit of the name; nothing without additives.

    Examples
    --------
    >>> from sscell.cells.cell import Cell
    >>> cell = Cell.load("Chang2024")
    >>> coated = cell.replace({"Li7P3S11 fraction": 0.15})
    >>> name = "Contact fade per cycle"
    >>> coated.values[name] < cell.values[name]
    True
    """
    if not names:
        return {}
    found = {f"{t}{unit}": values[f"{t} without additives{unit}"] for t, unit in _TARGETS}
    for name in names:
        done = effect(values[f"{name} fraction"], values[f"{name} complete fraction"])
        found[_SHARE] *= 1 + (values[_factor(name, _SHARE)] - 1) * done
        for target, unit in _RATES:
            found[f"{target}{unit}"] *= values[_factor(name, target)] ** done
        moves = f"{_MOVES} additive coefficient"
        found[moves] = found.get(moves, 1.0) * values[_factor(name, _MOVES)] ** done
    return found
