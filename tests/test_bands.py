"""Bands of a validation: what the paper leaves open, at both ends of its range."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sscell.cells.cell import Cell
from sscell.cells.library import available
from sscell.cli import app
from sscell.papers.bands import add_bands, changed_cells, open_parameters
from sscell.papers.validation import validate
from sscell.simulation.engine import Resolution

COARSE = Resolution(shells=15)
MASS = "Positive electrode mass [kg]"


def _row(model, tolerance=1.0):
    return {"model": model, "tolerance": tolerance, "note": ""}


@pytest.mark.parametrize(
    ("base", "ends", "band", "depends"),
    [
        (10.0, [10.4, 9.7], [9.7, 10.4], []),
        (10.0, [10.4, 9.4], [9.4, 10.4], ["a"]),
        (10.0, [None, 10.1], [10.0, 10.1], ["a"]),
        (None, [9.0, None], [9.0, 9.0], ["a"]),
        (None, [None, None], None, []),
    ],
)
def test_row_depends_on_what_moves_it_by_half_its_tolerance(base, ends, band, depends):
    row = _row(base)
    add_bands([row], [(("a", float(n)), [_row(v)]) for n, v in enumerate(ends)])
    assert row["assumed_band"] == band
    assert row["depends_on"] == depends
    assert ("No value at a = 0." in row["note"]) == (ends[0] is None)


def test_count_that_must_be_exact_depends_on_any_change():
    row = _row(2, 0.0)
    add_bands([row], [(("a", 1.0), [_row(2, 0.0)]), (("b", 1.0), [_row(1, 0.0)])])
    assert row["depends_on"] == ["b"]


def test_every_assumed_value_that_matters_goes_to_both_ends_of_its_range():
    for name in available():
        cell = Cell.load(name)
        marked = [p.name for p in cell.parameters.parameters.values() if p.matters]
        assert set(open_parameters(cell)) == set(marked)
        changed, refused = changed_cells(cell)
        assert not refused
        for (parameter, value), other in changed.items():
            assert value in open_parameters(cell)[parameter]
            moved = {n for n in cell.values if other.values[n] != cell.values[n]}
            assert moved == {parameter}


def test_end_that_the_set_cannot_take_alone_is_named(tmp_path):
    text = available()["Liang2023"].read_text(encoding="utf-8")
    path = tmp_path / "cell.toml"
    path.write_text(text.replace("[0.4, 0.6] }", "[0.4, 0.6], matters = true }"), "utf-8")
    changed, refused = changed_cells(Cell.load(path))
    assert MASS in {name for name, _ in changed}
    assert [text for text in refused if "Upper step fraction = 0.4: " in text]


def test_band_holds_what_the_changed_cell_gives():
    wanted = {"ids": ["liang_cap_25", "liang_retention_6c"], "resolution": COARSE}
    cell = Cell.load("Liang2023")
    result = validate(cell, bands=True, **wanted)
    slow, fast = result.rows
    assert MASS in fast["depends_on"]
    assert MASS not in slow["depends_on"]
    heavy = validate(cell.replace({MASS: result.varied[MASS][1]}), **wanted).rows[1]
    low, high = fast["assumed_band"]
    assert low <= heavy["model"] < fast["model"] < high
    assert "band" not in validate(cell, **wanted).rows[0]


def test_command_shows_bands_in_json_text_and_markdown(tmp_path):
    table = tmp_path / "table.md"
    options = ["validate", "Liang2023", "--only", "liang_cap_25", "--bands"]
    options += ["--shells", "10", "--markdown", str(table)]
    shown = CliRunner().invoke(app, options).stdout
    payload = json.loads(CliRunner().invoke(app, [*options, "--json"]).stdout)
    (row,) = payload["rows"]
    low, high = row["band"]
    assert low <= row["model"] <= high
    assert set(row["depends_on"]) <= set(payload["varied"])
    for text in (shown, table.read_text(encoding="utf-8")):
        assert f"{low:.1f} to {high:.1f}" in text
        assert f": {MASS}, 2e-06 to 1e-05" in text
