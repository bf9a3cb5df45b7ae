"""Outputs evaluated for many times at once."""

from __future__ import annotations

import casadi
import numpy as np
import pytest

from sscell.bench.cases import Case, bare
from sscell.cells.cell import Cell
from sscell.simulation.engine import Resolution, engine
from sscell.solver import rows
from sscell.solver.rows import Outputs, over_rows


@pytest.fixture(scope="module")
def solved():
    case = Case(Cell.load("Liang2023"), Resolution(shells=8))
    built = engine(case.cell, case.resolution)
    solution = bare(case, case.half)[0]
    inputs = built.inputs(case.cell, case.current)
    return built.functions, solution, built.functions.settled(built.values(inputs))


@pytest.mark.parametrize("count", [1, 15, 16, 33, 64, 65, 127, 128, 129, 150, 200, 300])
@pytest.mark.parametrize("places", [None, (3, 1)], ids=["all", "two"])
def test_blocks_give_the_same_numbers_to_the_last_bit(solved, count, places):
    functions, solution, settled = solved
    at = np.linspace(0, solution.t.size - 1, count).astype(int)
    t, y = solution.t[at], solution.y[:, at]
    one_by_one, in_blocks = (Outputs(functions, places) for _ in range(2))
    in_blocks._seen = 10**6
    found = in_blocks(t, y, settled)
    exact = np.array(
        [
            functions["outputs"](a, b, settled).full()[:, 0]
            for a, b in zip(t, y.T, strict=True)
        ]
    ).T
    assert np.array_equal(found, exact if places is None else exact[list(places)])
    assert np.array_equal(one_by_one(t, y, settled), found)


def test_operations_are_written_down_anew_only_when_many_times_were_asked_for(solved):
    functions, solution, settled = solved
    outputs = Outputs(functions)
    count = solution.t.size
    for asked in range(0, rows._PAYS + 2 * count, count):
        outputs(solution.t, solution.y, settled)
        assert (len(outputs._buffers) > 1) == (asked > rows._PAYS)


def test_constants_and_inputs_alone_fill_all_rows():
    t, y, q = (casadi.SX.sym(name, n) for name, n in (("t", 1), ("y", 2), ("q", 2)))
    function = casadi.Function("f", [t, y, q], [casadi.vertcat(3.0, q[1], t, y[0] * q[0])])
    found = over_rows(function, 4)([0, 1, 2, 3], np.arange(8.0).reshape(2, 4).T, [2.0, 5.0])
    assert np.array_equal(found, [[3, 5, k, 2 * k] for k in range(4)])
