"""Analyses of small files of the kinds that people bring, with the right answers beside them."""

import json
from pathlib import Path

import pytest

from sscell.cli import main

CASES = Path(__file__).parent / "cases" / "data"


def run(capsys, monkeypatch, number, *more):
    """Exit code, standard output and error of the command in a case's expected.txt."""
    folder = next(CASES.glob(f"{number}-*"))
    command = (folder / "expected.txt").read_text(encoding="utf-8").split("  ->")[0]
    monkeypatch.chdir(folder)
    words = command.removeprefix("sscell ").strip().replace('"', "").split(" ")
    with pytest.raises(SystemExit) as left:
        main([*words, *more])
    return left.value.code, *capsys.readouterr()


def answer(capsys, monkeypatch, number, *more):
    code, out, said = run(capsys, monkeypatch, number, *more, "--json")
    assert code == 0, said
    return json.loads(out)


def test_arc_before_a_blocking_tail_is_found(capsys, monkeypatch):
    result = answer(capsys, monkeypatch, "13")
    assert result["interfacial_resistance_ohm"] == pytest.approx(200, rel=0.05)
    arc = result["drt"]["peaks"][0]
    assert arc["tau_s"] == pytest.approx(1e-5, rel=0.05)
    assert arc["area_ohm"] == pytest.approx(200, rel=0.05)
    assert result["drt"]["series_exponent"] == pytest.approx(0.85, abs=0.02)


def test_inductive_loop_is_named_beside_the_arcs(capsys, monkeypatch):
    result = answer(capsys, monkeypatch, "14")
    assert any("turns inductive at low frequency" in w for w in result["warnings"])
    loop = result["drt"]["loop"]["resistance_ohm"]
    # All of it together is what Re Z says, whatever the slow arc and the loop share.
    total = result["interfacial_resistance_ohm"] + loop
    assert total == pytest.approx(160, rel=0.02)
    assert -45 < loop < -20
    assert result["kramers_kronig"]["valid"] is True


def test_drift_is_no_valid_spectrum(capsys, monkeypatch):
    result = answer(capsys, monkeypatch, "15")
    check = result["kramers_kronig"]
    assert check["valid"] is False
    assert check["elements"] == 20
    assert check["max_residual"] == pytest.approx(0.044, abs=0.002)
    assert any("drifted" in w for w in result["warnings"])


def test_current_that_comes_back_is_an_entry_of_its_own(capsys, monkeypatch):
    result = answer(capsys, monkeypatch, "19")
    assert result["capacities_mAh"] == pytest.approx([1.0, 0.8, 0.5, 0.7], rel=1e-6)
    assert result["currents"] == ["0.1 mA", "0.2 mA", "0.5 mA", "0.1 mA"]
    assert result["cycles"] == [3, 3, 3, 3]


def test_efficiencies_go_by_the_cycles_of_the_file(capsys, monkeypatch):
    result = answer(capsys, monkeypatch, "20")
    assert result["coulombic_efficiency"] == pytest.approx([0.90, 0.95, 0.98])
    assert any("begins with a discharge of 0.3 mAh" in w for w in result["warnings"])


def test_each_peak_has_its_own_exponent(capsys, monkeypatch):
    found = answer(capsys, monkeypatch, "21")["b_values"]
    by_voltage = {round(b["voltage_V"], 1): b["b"] for b in found}
    assert by_voltage == pytest.approx({1.6: 0.5, 2.4: 1.0, 2.3: 1.0, 1.5: 0.5}, abs=1e-3)


def test_noise_is_no_peak(capsys, monkeypatch):
    peaks = answer(capsys, monkeypatch, "22")["peaks"]
    assert [p["direction"] for p in peaks] == ["charge", "discharge"] * 2
    for peak in peaks:
        where = 2.2 if peak["direction"] == "charge" else 2.0
        assert peak["voltage_V"] == pytest.approx(where, abs=0.005)
        assert abs(peak["current_A"]) == pytest.approx(1e-3, rel=0.02)


@pytest.mark.parametrize(
    ("circuit", "reason"),
    [
        ("R0-(R1,C1)", "a 'p' is missing before '(R1,C1)'"),
        ("R0-p(R1,CPE1", "1 '(' and 0 ')'"),
        ("R0-p(R1)", "has one branch"),
        ("R0-p(R1,X1)", "'X1' is none of R, C"),
        (")R0-p(R1,C1)-C2(", "is not understood"),
        ("R0--C1", "is not understood"),
    ],
)
def test_wrong_circuit_is_one_sentence(capsys, monkeypatch, circuit, reason):
    pytest.importorskip("impedance")
    code, out, said = run(capsys, monkeypatch, "27", "--circuit", circuit)
    assert code == 2 and out == ""
    last = said.strip().splitlines()[-1]
    assert reason in last and "Traceback" not in said


def test_sweeps_with_a_point_missing_have_their_resistances(capsys, monkeypatch):
    result = answer(capsys, monkeypatch, "32")
    assert result["interfacial_resistance_ohm"] == pytest.approx([50, 55, 60], rel=0.01)


def test_text_is_tables_and_short(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "14")
    assert code == 0
    assert len(out) < 3000
    assert "gamma_ohm" not in out
    _, out, _ = run(capsys, monkeypatch, "20", "--kind", "cycles")
    lines = out.splitlines()
    header = next(k for k, line in enumerate(lines) if "coulombic_efficiency" in line)
    assert [line.split()[0] for line in lines[header + 1 : header + 4]] == ["1", "2", "3"]
