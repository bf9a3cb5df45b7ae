"""Reports of commands: one page that needs nothing else, with its data, methods and checklist."""

from __future__ import annotations

import base64
import html
import io
import re

import numpy as np
import pandas as pd
import pytest
from commands import run_here

import sscell
from sscell.reports.page import page_path
from sscell.reports.values import value_parts


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of each command, by its name."""
    folder = tmp_path_factory.mktemp("pages")
    run = sscell.simulate("Ji2024", sscell.gitt("C/10", "1 h", "1 h"), temperature=60)
    measured = folder / "titration.csv"
    sscell.write_bdf(run, measured)
    few = ("--shells", "10")
    commands = {
        "simulate": (
            "simulate",
            "Song2024",
            "-T",
            "60",
            "-C",
            "0.5C",
            "--pressure",
            "35MPa",
        ),
        "eis": ("eis", "Song2024", "--set", "Separator thickness [m]=5e-4"),
        "analyse": ("analyse", measured, "--kind", "gitt", "--mass", "2mg", "-T", "60"),
        "validate": ("validate", "Liang2023", "--only", "liang_cap_25"),
        "design": ("design", "Song2024", "--thickness", "60um", "--rates", "C/5"),
    }
    found = {}
    for name, typed in commands.items():
        page = folder / f"{name}.html"
        more = () if name == "analyse" else few
        ended = run_here(*typed, *more, "--report", page)
        assert ended.returncode == 0, ended.stderr
        found[name] = page.read_text(encoding="utf-8")
    return found


COMMANDS = ("simulate", "eis", "analyse", "validate", "design")


@pytest.mark.parametrize("name", COMMANDS)
def test_page_needs_nothing_outside_itself(pages, name):
    """Nothing is loaded: what it refers to is inside it."""
    links = re.findall(r'(?:src|href)="([^"]*)"', pages[name])
    assert all(link.startswith(("data:", "#")) for link in links), links
    assert "@import" not in pages[name]
    assert "url(http" not in pages[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_page_says_how_and_what_a_reader_must_know(pages, name):
    page = pages[name]
    assert "<svg" in page
    assert 'download="' in page
    for word in ("Methods", "Temperature", "Stack pressure", "N/P", "Basis of capacities"):
        assert word in page
    assert "sscell" in re.search(r"<pre>(.*?)</pre>", page, re.S)[1]


def embedded(page, name):
    """Bytes of a file that a page carries."""
    link = re.search(rf'download="{re.escape(name)}" href="data:[^,]*,([^"]*)"', page)
    assert link, f"no {name}"
    return base64.b64decode(link[1])


def test_series_can_be_saved_from_the_page(pages):
    """The file that the page carries is the run: its charge is that of the table."""
    table = pd.read_csv(io.BytesIO(embedded(pages["simulate"], "series.csv")))
    charge = table["Discharge capacity [A.h]"]
    mass = sscell.load("Song2024").basis("capacity")[1]
    said = re.search(
        r"<td>discharge</td>.*?<td class=\"n\">([\d.]+)</td>", pages["simulate"]
    )
    passed = 1e3 * (charge.iloc[-1] - charge.min()) / (1e3 * mass)
    assert passed == pytest.approx(float(said[1]), rel=1e-3)
    assert np.all(np.diff(table["Time [s]"]) >= 0)


def test_pictures_are_there_for_print(pages):
    names = re.findall(r'download="([^"]*\.png)"', pages["eis"])
    assert names
    assert embedded(pages["eis"], names[0])[1:4] == b"PNG"


def test_conditions_and_changed_values_are_those_of_the_run(pages, tmp_path):
    """35 MPa and the thinner separator: in the checklist, and in the TOML as it loads."""
    assert re.search(r"<td>Stack pressure</td><td>35 MPa</td>", pages["simulate"])
    assert re.search(r"<td>Separator thickness</td><td>500 um</td>", pages["eis"])
    path = tmp_path / "cell.toml"
    path.write_text(html.unescape(re.findall(r"<pre>(.*?)</pre>", pages["eis"], re.S)[-1]))
    assert sscell.load(path).values["Separator thickness [m]"] == 5e-4


def test_what_nobody_said_is_marked(pages):
    """A measured file without pressure or area: the checklist says so."""
    loose = re.findall(r'<tr class="loose"><td>(.*?)</td><td>not given', pages["analyse"])
    assert {"Stack pressure", "Electrode area", "Loading"} <= set(loose)
    assert "Temperature" not in loose


def test_validation_shows_its_score_and_its_rows(pages):
    assert "score: 1 of 1 rows met" in pages["validate"]
    assert b"liang_cap_25" in embedded(pages["validate"], "Liang2023_rows.csv")


def test_other_suffixes_and_folders_are_refused_before_anything_runs(tmp_path):
    for path in (tmp_path / "page.pdf", tmp_path / "none" / "page.html"):
        ended = run_here("simulate", "Song2024", "--report", path)
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr
    with pytest.raises(sscell.ParameterError, match=r"must end in \.html"):
        page_path("page.md")


def test_numbers_keep_their_units_and_curves_stay_out():
    parts = value_parts({"energy_Wh_kg": 3.0, "curve": list(range(50)), "nothing": None})
    assert [part["rows"] for part in parts] == [
        [{"cells": ("energy [Wh/kg]", "3"), "loose": False}]
    ]
