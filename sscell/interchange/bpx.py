"""Materials from the Battery Parameter eXchange format (BPX), by the package bpx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sscell.cells.cards import Measured, write_card
from sscell.cells.materials import Material, load_material
from sscell.cells.provenance import derived, stated
from sscell.errors import DataError, ParameterError, did_you_mean
from sscell.units import FARADAY, parse_quantity

__all__ = ["ELECTRODES", "material_from_bpx"]

ELECTRODES = ("positive", "negative")
_POINTS = 201
_DENSITY = 4500.0  # kg/m3, where neither a card nor the person says it
_COPIED = {
    "Particle radius [m]": "particle_radius",
    "Diffusivity activation energy [J.mol-1]": "diffusivity_activation_energy",
    "Exchange-current density activation energy [J.mol-1]": (
        "reaction_rate_constant_activation_energy"
    ),
}


def material_from_bpx(
    file: str | Path,
    path: str | Path,
    electrode: str = "positive",
    *,
    material: str | None = None,
    like: str | None = None,
    density: str | float | None = None,
) -> Material:
    r"""Write a material card from one electrode of a BPX file.

    .. math:: q = \frac{F c_{max} (x_{max} - x_{min})}{3600 \rho}, \quad
        i_0 = F K \sqrt{x (1 - x)} \text{ at } x = 1/2

    Parameters
    ----------
    file : str or pathlib.Path
        A BPX file, ``.json`` or ``.yaml``.
    path : str or pathlib.Path
        Of the card, a ``.toml`` file; its table of the open-circuit potential stands beside it.
    electrode : str, optional
        ``"positive"`` or ``"negative"``.
    material : str, optional
        Which of a blend.
    like : str, optional
        A card that gives what BPX does not know, such as the density.
    density : str or float, optional
        Of the active material [kg.m-3].

    Returns
    -------
    Material
        Values keep the title and the references of the file as their source.

    Raises
    ------
    DataError
        If the file is none, or has no such electrode.
    ParameterError
        If the electrode or the density is not one.
    """
    if electrode not in ELECTRODES:
        hint = did_you_mean(electrode, ELECTRODES, "electrodes")
        raise ParameterError(f"Electrode '{electrode}' is not one. {hint}")
    source_file, target = Path(file), Path(path)
    document = _read(source_file)
    particle = _particle(document, electrode, material, source_file)
    source = _source(document, source_file)
    mass_density, how = _density(density, like)
    low, high = particle.minimum_stoichiometry, particle.maximum_stoichiometry
    full = FARADAY * particle.maximum_concentration / 3600 / mass_density  # A.h/kg
    capacity = full * (high - low)
    x = np.linspace(low, high, _POINTS)
    columns = _columns(particle, x, (x - low) / (high - low))
    potentials = [value for name in columns if name != "filling" for value in columns[name]]
    measured = Measured(
        name=target.stem,
        guest="sodium" if "sodium" in source.lower() else "lithium",
        capacity=capacity,
        window=(float(min(potentials)), float(max(potentials))),
        source=source,
        columns=columns,
        first="filled" if electrode == "positive" else "empty",
        anode=electrode == "negative",
    )
    known = _known(particle, x, source)
    known["Density [kg.m-3]"] = how
    known["Nominal capacity [mA.h.g-1]"] = derived(
        capacity, "F c_max (x_max - x_min)/(3600 density)", source
    )
    return write_card(measured, target, like, known)


def _read(file: Path) -> Any:
    try:
        import bpx
    except ImportError as error:
        raise ParameterError(
            "BPX files need the package bpx: pip install 'sscell[bpx]'."
        ) from error
    if not file.is_file():
        raise DataError(f"There is no file '{file}'.")
    try:
        return bpx.parse_bpx_file(str(file))
    except Exception as error:  # whatever its schema and its parsers find
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"'{file.name}' is no BPX file: {reason}.") from error


def _particle(document: Any, electrode: str, material: str | None, file: Path) -> Any:
    found = getattr(document.parameterisation, f"{electrode}_electrode", None)
    if found is None:
        raise DataError(f"'{file.name}' has no {electrode} electrode.")
    blend = getattr(found, "particle", None)
    if blend is None:
        if material is not None:
            raise ParameterError(f"The {electrode} electrode of '{file.name}' is no blend.")
        return found
    if material not in blend:
        raise ParameterError(
            f"The {electrode} electrode of '{file.name}' is a blend of "
            f"{', '.join(blend)}: say which, by its name."
        )
    return blend[material]


def _source(document: Any, file: Path) -> str:
    header = document.header
    told = [t.strip() for t in (header.title, header.references) if t and t.strip()]
    return "; ".join([*told, f"BPX file {file.name}"])


def _density(density: str | float | None, like: str | None) -> tuple[float, dict[str, Any]]:
    """Density [kg.m-3] and its entry."""
    name = "Density [kg.m-3]"
    if density is not None:
        value = parse_quantity(density, "kg/m^3", "density")
        if not value > 0:
            raise ParameterError(f"The density must be positive, not {density}.")
        return value, stated(value)
    if like is not None:
        card = load_material(like, "active")
        entry = card[name]
        return card.number(name), {
            "value": card.number(name),
            "kind": "assumed",
            "source": f"from {card.name}: {entry.source}",
            "range": list(entry.range or (0.95 * entry.value, 1.05 * entry.value)),
        }
    return _DENSITY, {
        "value": _DENSITY,
        "kind": "assumed",
        "source": "BPX knows no density; usual of an oxide: give --density or --like",
        "range": [3000.0, 5500.0],
        "matters": True,
    }


def _function(value: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What BPX gives as a number, an expression or a table, as a function."""
    if hasattr(value, "to_python_function"):
        function = value.to_python_function()
        return lambda x: np.array([float(function(one)) for one in x])
    if hasattr(value, "x"):
        return lambda x: np.interp(x, value.x, value.y)
    return lambda x: np.full_like(x, float(value))


def _columns(particle: Any, x: np.ndarray, filling: np.ndarray) -> dict[str, list[float]]:
    """Columns of the table: one potential, or a branch each way."""
    branches = {"discharge": particle.ocp_lith, "charge": particle.ocp_delith}
    if any(branch is None for branch in branches.values()):
        branches = {"potential": particle.ocp}
    table = {name: _function(branch)(x) for name, branch in branches.items()}
    rounded = {name: [round(float(v), 6) for v in column] for name, column in table.items()}
    return {"filling": [round(float(v), 6) for v in filling], **rounded}


def _known(particle: Any, x: np.ndarray, source: str) -> dict[str, dict[str, Any]]:
    """Entries that the file gives."""
    values: dict[str, dict[str, Any]] = {}
    for name, attribute in _COPIED.items():
        number = getattr(particle, attribute)
        if number is not None:
            values[name] = stated(float(number), source)
    diffusivity = _function(particle.diffusivity)(x[1:-1])
    mean = float(np.exp(np.mean(np.log(diffusivity))))
    name = "Diffusivity [m2.s-1]"
    if np.ptp(diffusivity) > 1e-6 * mean:
        values[name] = derived(mean, "geometric mean over the window", source)
    else:
        values[name] = stated(mean, source)
    values["Exchange-current density [A.m-2]"] = derived(
        FARADAY * float(particle.reaction_rate_constant) / 2,
        "F K sqrt(x (1 - x)) at x = 1/2",
        source,
    )
    return values
