"""Material cards: where their values come from, against those places themselves."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pybamm
import pytest
from measured import measured

import sscell
from sscell.cells.materials import load_material, material_names, sources_table

CARDS = [load_material(name) for name in material_names()]
PAGE = Path(sscell.__file__).parents[1] / "docs" / "explanation" / "materials.md"
_DOI = re.compile(r"doi:(10\.[^\s;,\"]+)")


def test_page_says_what_the_cards_say():
    assert sources_table(CARDS) in PAGE.read_text(encoding="utf-8")


def test_potentials_of_pybamm_cite_its_own_bibliography():
    bibliography = Path(pybamm.__file__).parent / "CITATIONS.bib"
    known = bibliography.read_text(encoding="utf-8").lower()
    cited = 0
    for card in CARDS:
        if card.card.ocv is not None and card.card.ocv.pybamm:
            for doi in _DOI.findall(card.card.ocv.source):
                assert doi.lower() in known, f"{card.name}: {doi}"
                cited += 1
    assert cited >= 6


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_citations_are_of_pybamm_or_of_obelix(card):
    """No reference from memory: a DOI comes from one of two places that have it."""
    bibliography = Path(pybamm.__file__).parent / "CITATIONS.bib"
    known = bibliography.read_text(encoding="utf-8").lower()
    for value in card.values.values():
        for doi in _DOI.findall(value.source):
            assert "OBELiX" in value.source or doi.lower() in known, value.name


def test_conductivities_are_those_of_obelix():
    with measured("obelix", "all.csv").open(encoding="utf-8") as file:
        rows = {row["ID"]: row for row in csv.DictReader(file)}
    checked = 0
    for card in CARDS:
        value = card.values.get("Conductivity [S.m-1]")
        if value is None or "OBELiX" not in value.source or value.kind != "literature":
            continue
        row = rows[re.search(r"row (\w+)", value.source)[1]]
        assert value.value == pytest.approx(100 * float(row["Ionic conductivity (S cm-1)"]))
        assert any(doi.lower() in value.source.lower() for doi in row["DOI"].split("|"))
        checked += 1
    assert checked >= 6


def test_sites_of_a_card_become_a_table_of_the_same_curve():
    lto = load_material("LTO")
    columns = lto.table()
    x, u = np.array(columns["filling"]), np.array(columns["potential"])
    width = lto.number("Step 1 width coefficient") * 8.314462618 * 298.15 / 96485.33212
    expected = lto.number("Step 1 potential [V]") - width * np.log(x / (1 - x))
    np.testing.assert_allclose(u, expected, atol=2e-5)
