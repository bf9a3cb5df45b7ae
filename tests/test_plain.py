"""Functions in which zeros and ones are numbers: the same, with fewer operations."""

import numpy as np
import pytest

import sscell
from sscell.simulation.engine import Engine, Resolution
from sscell.solver.plain import fixed_rows, neutral, plain

COARSE = Resolution(shells=8)
ALL = ("Chang2024", "Ji2024", "Liang2023", "Pan2023", "Song2024")


@pytest.fixture(scope="module")
def song():
    return Engine(sscell.load("Song2024"), COARSE, "current")


def _settled(built, cell, **inputs):
    return built.functions.settled(built.values(built.inputs(cell, **inputs)))


@pytest.mark.parametrize("name", ALL)
def test_functions_of_a_cell_are_those_of_all_values(name):
    """At the start and half-way through a half cycle: what is left out was zero."""
    cell = sscell.load(name)
    built = Engine(cell, COARSE, "current")
    sign = 1 if cell.first_step == "discharge" else -1
    values = built.values(built.inputs(cell, sign * cell.current(cell.slow_rate)))
    every, own = built.functions, built.functions_of(cell)
    settled = every.settled(values)
    inputs = built.inputs(cell, sign * cell.current(cell.slow_rate))
    half = 0.5 * 3600 * cell.theoretical_capacity / cell.current(cell.slow_rate)
    later = built.step(None, half, inputs).y[:, -1]
    for state in (every.start(values), later):
        for function in ("rhs", "newton", "events", "outputs"):
            given = (0.0, state, settled, *([1.0] if function == "newton" else []))
            right = np.array(every[function](*given).full())
            np.testing.assert_allclose(
                own[function](*given).full(),
                right,
                rtol=1e-8,
                atol=1e-11 * np.abs(right).max(),
                err_msg=function,
            )


def test_they_have_fewer_operations(song):
    own = song.functions_of(sscell.load("Song2024"))
    for name in ("rhs", "newton"):
        assert own[name].n_instructions() < 0.8 * song.functions[name].n_instructions()
    assert own.shares_states(song.functions)


def test_what_a_step_changes_is_never_a_number(song):
    cell = sscell.load("Song2024")
    resting, driven = (
        neutral(_settled(song, cell, current=current), song._fixed)
        for current in (0.0, 1e-3)
    )
    assert resting == driven
    assert not song._fixed.all()
    everything = fixed_rows(song.functions, range(len(song.input_names)))
    assert not everything.any()


def test_a_value_that_was_zero_counts_once_it_is_not(song):
    """The same built model serves both cells, in a form for each."""
    cell = sscell.load("Song2024")
    name = "NCM domain diffusivity decay coefficient"
    assert cell.values[name] == 0
    other = cell.replace({name: 2.0})
    own, changed = (neutral(_settled(song, c), song._fixed) for c in (cell, other))
    assert own != changed
    current, ends = cell.current("C/2"), []
    for c in (cell, other, cell):
        step = song.step(None, 600.0, song.inputs(c, -current))
        ends.append(step.y[:, -1])
    first, slower, again = ends
    assert np.abs(slower - first).max() > 1e-4
    np.testing.assert_array_equal(again, first)
    inputs = song.inputs(other, -current)
    settled = song.functions.settled(song.values(inputs))
    np.testing.assert_allclose(
        song.functions_of(other).rates(0.0, first, settled),
        song.functions.rates(0.0, first, settled),
        rtol=1e-9,
        atol=1e-15,
    )


def test_nothing_changes_where_nothing_is_zero_or_one(song):
    assert plain(song.functions, bytes(song.functions.inputs)) is song.functions
