"""Numbers with units at the user's edge."""

from __future__ import annotations

import numpy as np
import pytest

from sscell.errors import ParameterError
from sscell.units import parse_quantity, parse_rate


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("30 min", "s", 1800),
        ("2mg", "kg", 2e-6),
        ("12.7 mm", "m", 0.0127),
        ("1.267 cm2", "m**2", 1.267e-4),
        ("1e-4 S/cm", "S/m", 1e-2),
        ("1.5E-5 m2", "m**2", 1.5e-5),
        ("1e5 A m-2", "A*m**-2", 1e5),
        ("0.1 mV/s", "V/s", 1e-4),
        ("60 degC", "degC", 60),
        ("60 degC", "K", 333.15),
        ("298.15 K", "degC", 25),
        ("50%", "dimensionless", 0.5),
        ("2 kOhm", "Ohm", 2000),
        ("-.5", "V", -0.5),
        ("1e-5", "m", 1e-5),
        (" 7 ", "s", 7),
        (np.int64(3), "s", 3),
        (np.float32(0.5), "s", 0.5),
    ],
)
def test_text_becomes_a_number_in_the_unit_asked_for(text, unit, expected):
    assert parse_quantity(text, unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "potato", "3 kg", "1,5 s", "nan s", "inf", "5%", "1 s s"]
)
def test_what_is_no_time_is_one_sentence(text):
    with pytest.raises(ParameterError, match="pause") as caught:
        parse_quantity(text, "s", "pause")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("C/20", "C", 0.05),
        ("c/20", "C", 0.05),
        ("0.05C", "C", 0.05),
        ("5e-2 C", "C", 0.05),
        ("C", "C", 1),
        (0.05, "C", 0.05),
        (np.float64(0.05), "C", 0.05),
        ("25mA/g", "A/kg", 25),
        ("0.2mA/cm2", "A/m2", 2),
        ("1e-3 mA/cm2", "A/m2", 1e-2),
        ("50uA", "A", 5e-5),
        ("50 µA", "A", 5e-5),
    ],
)
def test_rates_are_read_in_every_unit(text, kind, expected):
    rate = parse_rate(text)
    assert rate.kind == kind
    assert rate.value == pytest.approx(expected)
    assert parse_rate(rate) is rate


@pytest.mark.parametrize(
    "text",
    ["potato", "", "C/0", "-C/20", "-1C", "0C", "5", "3 kg", "nanC", "C/C", "5 g/g", -0.1],
)
def test_what_is_no_current_is_one_sentence(text):
    with pytest.raises(ParameterError, match="Rate"):
        parse_rate(text)


def test_every_unit_of_one_current_is_the_same_current(ji):
    """C/20 = 83.6 mA/g(S) = 58.52 uA = 46.2 uA/cm2 for 0.7 mg of S on 1.267 cm2."""
    ampere = ji.current("C/20")
    assert ampere == pytest.approx(58.52e-6)
    per_area = f"{ampere / ji.area!r} A/m2"
    for same in ("0.05C", "83.6 mA/g", "58.52uA", per_area, 0.05):
        assert ji.current(same) == pytest.approx(ampere, rel=1e-9)


def test_a_cell_without_one_c_refuses_a_c_rate(table, make_cell):
    tables = table()
    del tables["rates"]["one_C"]
    tables["rates"]["slow"] = "80mA/g"
    cell = make_cell(tables)
    assert cell.current("80mA/g") == pytest.approx(56e-6)
    with pytest.raises(ParameterError, match="declares no 1C"):
        cell.current("C/20")


@pytest.mark.parametrize("value", [[1.0], {"a": 1}, None])
def test_what_is_neither_number_nor_text_is_refused_in_a_sentence(value):
    with pytest.raises(ParameterError, match="is not in V"):
        parse_quantity(value, "V", "Cut-off")


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9 m",
        "9 ^ 9 ^ 9 m",
        "(9**99)**99 m",
        "9**(9**9) m",
        "9**999999999 m",
        "1" * 300,
    ],
)
def test_number_that_would_never_be_worked_out_is_refused(text):
    with pytest.raises(ParameterError, match="not in m"):
        parse_quantity(text, "m")


def test_powers_of_units_are_read():
    assert parse_quantity("1e-4 cm**2/s", "m**2/s") == pytest.approx(1e-8)
    assert parse_quantity("2*10**-10 m^2 / s", "m**2/s") == pytest.approx(2e-10)
    assert parse_quantity("3 S*cm**-1", "S/m") == pytest.approx(300.0)
