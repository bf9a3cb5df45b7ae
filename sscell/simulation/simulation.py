"""Run a protocol on a cell: one built model per structure, everything else an input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from sscell.cells.cell import Cell
from sscell.cells.outline import budget_of
from sscell.dataset import metadata, set_metadata
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.protocols import Protocol, Step, checked, prepared
from sscell.protocols.steps import timed
from sscell.simulation.distance import check_single
from sscell.simulation.engine import Resolution
from sscell.simulation.progress import Progress, RunEvent, Teller
from sscell.simulation.resuming import saved
from sscell.simulation.run import Run
from sscell.simulation.series import series
from sscell.simulation.states import bring_to, parse_state
from sscell.solver.cancelling import CancelToken
from sscell.solver.watch import asked, watching
from sscell.units import parse_pressure

if TYPE_CHECKING:
    import pybamm
    from typing_extensions import TypeIs

__all__ = ["simulate"]

# What the runs of a band share.
_OPTIONS = (
    *("temperature", "state", "changes", "v_min", "v_max", "formation_temperature"),
    *("pressure", "formation_pressure", "resolution", "outputs", "start", "cancel"),
    "patience",
)
# These follow the cell's response at short times, where double layers count.
_HALF = 3600.0  # s: a half of a symmetric cell that says no time of its own
_NEED_DOUBLE_LAYER = {"impedance", "sweep", "hold"}


def simulate(
    cell: str | Cell,
    protocol: Protocol | pybamm.Experiment,
    *,
    temperature: float | str | None = None,
    state: str | None = None,
    changes: Mapping[str, float | str] | None = None,
    v_min: float | str | None = None,
    v_max: float | str | None = None,
    formation_temperature: float | str | None = None,
    pressure: float | str | None = None,
    formation_pressure: float | str | None = None,
    resolution: Resolution | None = None,
    outputs: Sequence[str] | None = None,
    on_progress: Progress | None = None,
    progress: Callable[[RunEvent], None] | None = None,
    cancel: CancelToken | None = None,
    patience: float | str | None = None,
    start: xr.Dataset | str | Path | None = None,
    bands: bool = False,
) -> xr.Dataset:
    """Simulate a protocol, or any PyBaMM experiment, on a cell.

    Parameters
    ----------
    cell : str or Cell
        A published cell, a TOML file or a loaded cell.
    protocol : Protocol or pybamm.Experiment
        Such as ``sscell.discharge("C/20")``.
    temperature : float or str, optional
        Cell temperature [degC]; default: the set's own.
    state : str, optional
        ``"pristine"``, ``"formed"``, a state of charge of the formed cell such as
        ``"50%"``, or a voltage such as ``"3.38V"``. Formation and states keep to the set's
        own cut-offs. Default: that of the protocol, pristine unless a paper's own begins
        otherwise. A voltage is met at the slow rate; if the cell rests elsewhere, the
        warnings say where. ``"3.38V at rest"`` is met after an hour without current.
    changes : mapping, optional
        Parameter names to other values, as for `Cell.replace`; a value that an option of
        its own says too is refused.
    v_min, v_max : float or str, optional
        Other cut-offs [V], against the cell's own anode.
    formation_temperature : float or str, optional
        Where the formation ran at another temperature [degC].
    pressure : float or str, optional
        On the stack, from its assembly on [MPa]; default: the set's own. A set without data
        on pressure gives its plain result and says so, unless `changes` names quantities of
        the contact.
    formation_pressure : float or str, optional
        Where the formation ran under another pressure [MPa]; then the jig was set anew.
    resolution : Resolution, optional
        Meshes over radius and thickness, double layers, tolerances [-].
    outputs : sequence of str, optional
        Series to keep beside time, current, voltage and charge; default: all. A run of a
        thousand cycles needs a tenth of the memory with none of them.
    on_progress : callable, optional
        Called with the share done [-] and a text.
    progress : callable, optional
        Called with a `RunEvent` after each step and some times a second within a long one:
        step, cycle, time, voltage, current, and the curve since the event before.
    cancel : CancelToken, optional
        Ends the run from another thread or from `progress`, with what it had. With one of
        these two, steps of more than a tenth of a second of computing are solved in pieces,
        which moves results within the tolerance of the solver.
    patience : float or str, optional
        How long a step may compute without getting on before it has failed [s]; default:
        60 s.
    start : xarray.Dataset, str or pathlib.Path, optional
        A run to go on from, or its .nc file: from its last state, with its values and meshes
        unless others are given here. It takes the place of `state`.
    bands : bool, optional
        Whether to run again with values drawn from the set's covariance and ranges: the data
        then have ``"Voltage lower [V]"`` and ``"Voltage upper [V]"``, a 90 % band.

    Returns
    -------
    xarray.Dataset
        Time series on ``time`` with metadata; steps, stop reasons, balances, warnings.

    Raises
    ------
    ParameterError
        If a name or value is not usable.
    SimulationError
        If the solver fails or gets nowhere; carries what was computed before.
    Cancelled
        If the run is cancelled: a `SimulationError` too.

    Examples
    --------
    >>> import sscell
    >>> run = simulate("Ji2024", sscell.discharge("C/20"), temperature=60)
    >>> 1500 < float(run["Discharge capacity [A.h]"][-1]) / 0.7e-6 < 1650
    True
    """
    if bands:
        from sscell.simulation.bands import banded

        shared: dict[str, Any] = {k: v for k, v in locals().items() if k in _OPTIONS}
        return banded(cell, protocol, on_progress=on_progress, **shared).data
    if not _is_experiment(protocol):
        protocol = checked(protocol)
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    before = None if start is None else saved(start)
    told_state = state
    if state is None:
        state = str(getattr(protocol, "state", "pristine"))
    if before is not None:
        if told_state not in (None, "pristine"):
            raise ParameterError(
                "A run goes on from a saved one or from a state: give one."
            )
        cell = before.of(cell)
        resolution = resolution or before.resolution
        if before.resolution.double_layer:
            resolution = replace(resolution, double_layer=True)
        state = f"after {before.source}"
    own = cell.window
    told = {
        "temperature": temperature,
        "v_min": v_min,
        "v_max": v_max,
        "pressure": pressure,
    }
    _check_once(told, changes or {})
    formed = "pristine" if before else state
    _check_formation(formed, formation_temperature, formation_pressure)
    applied = None if pressure is None else parse_pressure(pressure)
    cell = cell if applied is None else cell.under(applied, changes or {})
    cell = _configured(cell, temperature, changes, v_min, v_max)
    resolution = resolution or Resolution()
    cut_offs = own if cell.window != own else (None, None)
    # States are those of the set's own window: they do not move with other cut-offs.
    forming = _configured(cell, formation_temperature, None, *cut_offs)
    if formation_pressure is not None:
        forming = forming.under(parse_pressure(formation_pressure))
    for one in (cell, forming):
        check_single(one)
    kept = _known(cell, outputs)
    described = {"name": "experiment"}
    if _is_experiment(protocol):
        from sscell.simulation.experiment import check_experiment

        check_experiment(cell, protocol)
    else:
        described = protocol.describe()
        steps = protocol.steps(cell.first_step)
        _check_steps(cell, steps)
        if any(step.direction in _NEED_DOUBLE_LAYER for step in steps):
            resolution = replace(resolution, double_layer=True)
    run = Run(forming, resolution, applied)
    run.in_pieces = progress is not None or cancel is not None
    run.teller = Teller(on_progress, progress)
    try:
        with watching(asked(cancel, patience)):
            run.teller.preparing = True
            if before is None:
                is_now = bring_to(run, state)
            else:
                is_now = before.is_now
                run.resume(before.states, before.current)
            run.is_now = is_now
            run.go_on_with(cell, set_anew=formation_pressure is not None)
            run.outputs = kept
            run.teller.preparing = False
            if _is_experiment(protocol):
                return _experiment(run, protocol, state)
            if cell.is_symmetric:
                # Neither side is full: nothing has to be done before, and time ends a half.
                run.execute(timed(prepared(protocol, "between", "discharge"), _HALF))
            else:
                run.execute(prepared(protocol, is_now, cell.first_step))
    except SimulationError as error:
        if error.partial is None and run.records:
            error.partial = run.dataset(described, state)
        raise
    return run.dataset(described, state)


def _is_experiment(protocol: Any) -> TypeIs[pybamm.Experiment]:
    """Whether it is PyBaMM's own: whoever made one has imported PyBaMM."""
    loaded = sys.modules.get("pybamm")
    return loaded is not None and isinstance(protocol, loaded.Experiment)


def _experiment(run: Run, experiment: pybamm.Experiment, state: str) -> xr.Dataset:
    """Run PyBaMM's experiment from where a run is."""
    from sscell.simulation.experiment import run_experiment

    def told(data: xr.Dataset) -> xr.Dataset:
        set_metadata(data, state=state, warnings=[*run.notes, *metadata(data, "warnings")])
        return data

    try:
        data = run_experiment(
            run.cell,
            experiment,
            run.resolution,
            run.applied,
            start=run.state(),
            outputs=run.outputs,
            teller=run.teller,
        )
    except SimulationError as error:
        error.partial = None if error.partial is None else told(error.partial)
        raise
    return told(data)


# Options that say the value of a parameter, and how the command line spells them.
_SAY = {
    "temperature": ("Ambient temperature [K]", "-T"),
    "v_min": ("Lower voltage cut-off [V]", "--v-min"),
    "v_max": ("Upper voltage cut-off [V]", "--v-max"),
    "pressure": ("Applied stack pressure [Pa]", "--pressure"),
}


def _check_once(told: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Refuse a value that is said twice: neither of the two is the one that is meant."""
    for option, value in told.items():
        name, spelled = _SAY[option]
        if value is not None and name in changes:
            raise ParameterError(
                f"'{name}' is said twice, by {option} ({spelled}) and among the changes "
                "(--set): give one of them."
            )


def _check_formation(state: str, *conditions: float | str | None) -> None:
    """Refuse conditions of a formation that does not take place."""
    kind, _ = parse_state(state)
    if kind == "pristine" and any(value is not None for value in conditions):
        raise ParameterError(
            "A temperature or pressure of the formation means nothing in the state "
            "'pristine': use state 'formed', a state of charge or a voltage."
        )


def _known(cell: Cell, outputs: Sequence[str] | None) -> tuple[str, ...] | None:
    if outputs is None:
        return None
    known = series(cell, budget_of(cell))
    for name in outputs:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ParameterError(f"{cell.name} has no output '{name}'. {hint}")
    return tuple(outputs)


def _check_steps(cell: Cell, steps: Sequence[Step]) -> None:
    """Refuse before the first step what no later one can do."""
    cutoff = cell.quantity("Upper voltage cut-off [V]")
    lowest = min(cutoff.lower, cell.quantity("Lower voltage cut-off [V]").lower)
    tones = {step.frequencies for step in steps if step.frequencies}
    if len(tones) > 1:
        raise ParameterError(
            "All spectra of one run share their frequencies; run the others separately."
        )
    for step in steps:
        for value in (step.voltage, step.until):
            if isinstance(value, float) and not lowest <= value <= cutoff.upper:
                raise ParameterError(
                    f"Voltage {value:g} V is out of range; allowed: {lowest:g} to "
                    f"{cutoff.upper:g} V."
                )
        for rate in (step.rate, step.current_limit):
            if rate is not None:
                cell.current(rate)
    driven = {row[2] for step in steps for row in step.course if len(row) > 2}
    for celsius in ({step.temperature for step in steps} - {None}) | driven:
        check_single(_configured(cell, celsius, None, None, None))


def _configured(
    cell: Cell,
    temperature: float | str | None,
    changes: Mapping[str, float | str] | None,
    v_min: float | str | None,
    v_max: float | str | None,
) -> Cell:
    asked: dict[str, float | str] = dict(changes or {})
    if temperature is not None:
        asked["Ambient temperature [K]"] = cell.kelvin(temperature)
    if v_min is not None:
        asked["Lower voltage cut-off [V]"] = v_min
    if v_max is not None:
        asked["Upper voltage cut-off [V]"] = v_max
    return cell.replace(asked) if asked else cell
