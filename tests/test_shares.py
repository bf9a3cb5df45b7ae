"""Parameters that are shares of one whole move together, whatever the cathode."""

from __future__ import annotations

import pytest

import sscell
from sscell.cells.shares import cell_with
from sscell.errors import ParameterError
from sscell.fitting.problem import Problem

# One share that moves, and those that make room for it.
MOVED = {
    "Liang2023": ("Upper step fraction", 0.3),
    "Song2024": ("NCM lower step fraction", 0.3),
    "Ji2024": ("Initial Na2S4 fraction", 0.25),
}


@pytest.mark.parametrize("name", MOVED)
def test_what_is_left_goes_to_the_shares_that_do_not_vary(name):
    cell, (share, value) = sscell.load(name), MOVED[name]
    moved = cell_with(cell, {share: value})
    assert moved.values[share] == value
    for group in cell.host.shares:
        assert sum(moved.values[n] for n in group) == pytest.approx(1, abs=1e-12)
        if share not in group:
            assert [moved.values[n] for n in group] == [cell.values[n] for n in group]
            continue
        rest = [n for n in group if n != share]
        room = sum(cell.values[n] for n in rest)
        for other in rest:
            expected = cell.values[other] * (1 - value) / room
            assert moved.values[other] == pytest.approx(expected, abs=1e-12)


def test_shares_of_two_wholes_move_at_once():
    cell = sscell.load("Song2024")
    values = {"NCM lower step fraction": 0.3, "Li2MnO3 upper step fraction": 0.4}
    moved = cell_with(cell, values)
    for group in cell.host.shares:
        assert sum(moved.values[n] for n in group) == pytest.approx(1, abs=1e-12)


def test_a_share_that_varies_makes_no_room_for_another():
    cell = sscell.load("Ji2024")
    names = ["Initial Na2S fraction", "Initial Na2S2 fraction"]
    moved = cell_with(cell, {names[0]: 0.2}, moving=names)
    assert moved.values[names[1]] == cell.values[names[1]]
    assert moved.values["Initial S fraction"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Song2024", {"NCM lower step fraction": 1.0}),
        ("Ji2024", {"Initial S fraction": 0.9}),
    ],
)
def test_without_room_for_the_rest_it_is_one_sentence(name, values):
    """No share is left, nothing is left for it, or all that is left are zero."""
    with pytest.raises(ParameterError, match="must add up to 1"):
        cell_with(sscell.load(name), values)


def test_shares_that_all_vary_count_by_their_proportions():
    names = ("Upper step fraction", "Lower step fraction")
    moved = cell_with(sscell.load("Liang2023"), dict(zip(names, (0.4, 0.4), strict=True)))
    assert [moved.values[n] for n in names] == pytest.approx([0.5, 0.5])


def test_beyond_the_edge_of_the_simplex_shares_keep_their_proportions():
    names = ("Initial Na2S fraction", "Initial Na2S2 fraction")
    moved = cell_with(sscell.load("Ji2024"), dict(zip(names, (0.9, 0.6), strict=True)))
    one, other = (moved.values[n] for n in names)
    assert one / other == pytest.approx(1.5)
    assert sum(moved.values[n] for n in moved.host.shares[0]) == pytest.approx(1)
    assert 0 < moved.values["Initial S fraction"] < 1e-3


def test_every_group_of_shares_adds_up_to_one_in_every_published_cell():
    from sscell.cells.library import available

    for name in available():
        cell = sscell.load(name)
        for group in cell.host.shares:
            assert sum(cell.values[n] for n in group) == pytest.approx(1, abs=1e-6), name


def test_a_fit_takes_what_follows_from_a_share_into_its_derivatives():
    cell = sscell.load("Song2024")
    share, other = cell.host.shares[0]
    problem = object.__new__(Problem)
    problem.variables = ()
    moved = Problem._moved(problem, cell, share)
    assert moved == {share: 1.0, other: pytest.approx(-1.0)}
