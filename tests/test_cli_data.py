"""The commands for measured files: JSON, figures, conversion, complaints."""

import json
from pathlib import Path

import numpy as np
import pytest

from sscell.cli import main
from sscell.readers import read

FILES = Path(__file__).parent / "data_files"
ALWAYS = {"cell", "temperature_C", "capacity_basis", "energy_basis", "voltage_reference",
          "warnings"}  # fmt: skip


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code, *capsys.readouterr()


def titration_file(folder):
    rows, t, ocv = ["Time/s,Voltage/V,Current/mA"], 0.0, 2.5
    rows.append(f"0,{ocv},0")
    for _ in range(8):
        for n in range(1, 31):
            v = ocv - 0.01 - 0.02 * np.sqrt(n / 30)
            rows.append(f"{t + 20 * n},{v:.6f},-1.0")
        ocv -= 0.01
        for n in range(1, 61):
            v = ocv - 0.02 * (np.sqrt(1 + n / 10) - np.sqrt(n / 10)) * np.exp(-n / 12)
            rows.append(f"{t + 600 + 60 * n},{v:.6f},0.0")
        t += 600 + 3600
    path = folder / "titration.csv"
    path.write_text("\n".join(rows))
    return path


def voltammogram_file(folder, rate):
    t = np.linspace(0, 1 / rate, 300)
    i = rate**0.5 * np.exp(-((t * rate - 0.5) ** 2) / 0.02) * 1e3
    lines = [f"{a:.4f},{2 + a * rate:.6f},{b:.6f}" for a, b in zip(t, i, strict=True)]
    path = folder / f"cv_{rate:g}.csv"
    path.write_text("\n".join(["time/s,Ewe/V,I/mA", *lines]))
    return path


def test_gitt_prints_the_fields_of_the_contract(capsys, tmp_path):
    figure = tmp_path / "gitt.png"
    code, out, _ = run(
        capsys, "analyse", titration_file(tmp_path), "--kind", "gitt", "--mass", "2mg",
        "--area", "1.27cm2", "-T", "60", "--current-sign", "charge",
        "--diffusion-length", "1um", "--json", "--plot", figure,
    )  # fmt: skip
    result = json.loads(out)
    assert code == 0 and set(result) >= ALWAYS
    assert result["cell"] is None and result["temperature_C"] == 60
    assert len(result["pulses"]) == 8
    fields = {"cumulative_capacity_mAh_g", "ocv_V", "overpotential_V", "ohmic_V",
              "concentration_V", "diffusion_coefficient_cm2_s"}  # fmt: skip
    assert fields <= set(result["pulses"][0])
    assert isinstance(result["ocv_plateaus_V"], list)
    assert result["pulses"][0]["cumulative_capacity_mAh_g"] == pytest.approx(83.3, rel=0.01)
    assert figure.stat().st_size > 5000


def test_dqdv_and_rate_print_their_fields(capsys, tmp_path):
    file = FILES / "plain.csv"
    code, out, _ = run(capsys, "analyse", file, "--kind", "dqdv", "--mass", "1mg", "--json",
                       "--plot", tmp_path / "a.svg")  # fmt: skip
    assert code == 0 and isinstance(json.loads(out)["dqdv_peaks"], list)
    code, out, _ = run(capsys, "analyse", file, "--kind", "rate", "--mass", "1mg", "--json",
                       "--plot", tmp_path / "b.pdf")  # fmt: skip
    result = json.loads(out)
    assert {"currents", "capacities_mAh_g", "energies_Wh_kg", "powers_W_kg"} <= set(result)
    assert result["currents"] == ["1000 mA/g"]


def test_cv_takes_one_file_for_each_scan_rate(capsys, tmp_path):
    files = [voltammogram_file(tmp_path, r) for r in (1e-4, 1e-3, 4e-3)]
    code, out, _ = run(capsys, "analyse", *files, "--kind", "cv", "--current-sign", "charge",
                       "--json", "--plot", tmp_path / "cv.png")  # fmt: skip
    result = json.loads(out)
    assert code == 0
    assert {"scan_rate_mV_s", "direction", "voltage_V", "current_A"} <= set(
        result["peaks"][0]
    )
    assert result["b_values"][0]["b"] == pytest.approx(0.5, abs=0.01)


def test_eis_is_given_per_area_with_a_circuit(capsys, tmp_path):
    pytest.importorskip("impedance")
    code, out, _ = run(
        capsys, "analyse", FILES / "spectrum.csv", "--kind", "eis", "--area", "2 cm2",
        "--circuit", "R0-p(R1,CPE1)", "--json", "--plot", tmp_path / "eis.png",
    )  # fmt: skip
    result = json.loads(out)
    assert code == 0
    assert {"state", "frequency_Hz", "real_ohm_cm2", "imaginary_ohm_cm2"} <= set(
        result["spectra"][0]
    )
    assert result["interfacial_resistance_ohm_cm2"] == pytest.approx(100, rel=0.03)
    values = {p["name"]: p["value"] for p in result["circuit"]["parameters"]}
    assert values["R1"] == pytest.approx(50, rel=1e-3)
    assert result["kramers_kronig"]["valid"] is True


def test_text_output_is_short_and_names_the_warnings(capsys):
    code, out, _ = run(capsys, "analyse", FILES / "spectrum.csv", "--kind", "eis")
    assert code == 0
    assert "interfacial_resistance_ohm: " in out
    assert "warning: No electrode area is known" in out


@pytest.mark.parametrize("name", ["out.bdf.csv", "out.bdf.parquet", "out.nc"])
def test_convert_keeps_the_numbers(capsys, tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    source, target = FILES / "tab.txt", tmp_path / name
    code, out, _ = run(capsys, "convert", source, "-o", target, "--current-sign", "charge")
    assert code == 0 and out == ""
    again = read(target)
    original = read(source, current_sign="charge")
    for variable in ("Time [s]", "Voltage [V]", "Current [A]"):
        np.testing.assert_array_equal(again[variable], original[variable])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyse", FILES / "absent.csv", "--kind", "dqdv"], "There is no file"),
        (["analyse", FILES / "plain.csv", "--kind", "git"], "Did you mean 'gitt'?"),
        (["analyse", FILES / "plain.csv", "--kind", "eis"], "holds a time series"),
        (["analyse", FILES / "spectrum.csv", "--kind", "gitt"], "holds an impedance spectrum"),
        (["analyse", FILES / "plain.csv", "--kind", "dqdv", "--mass", "2 cm"], "is not in g"),
        (["analyse", FILES / "plain.csv", "--kind", "dqdv", "--plot", "a.docx"], ".png, .svg"),
        (["analyse", FILES / "plain.csv", "--kind", "cv", "--current-sign", "up"], "'charge'"),
        (["analyse", FILES / "tab.txt", "--kind", "dqdv", "--columns", "voltage=U"],
         "no column 'U' for voltage"),
        (["analyse", FILES / "plain.csv", FILES / "tab.txt", "--kind", "rate"], "takes one file"),
        (["convert", FILES / "plain.csv", "-o", "a.docx"], "ending must be one of"),
        (["convert", FILES / "plain.csv", "-o", "no/such/a.csv"], "does not exist"),
        (["convert", FILES / "plain.csv", "-o", FILES / "plain.csv"], "is the file itself"),
    ],
)  # fmt: skip
def test_bad_input_ends_in_one_sentence_and_code_2(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == ""
    assert message in err
    assert err.strip().splitlines()[-1].startswith("sscell: ")
    assert "Traceback" not in err


def test_choices_and_what_was_recognised_reach_the_json(capsys, tmp_path):
    rows = ["Time (s),Voltage (V),Current (mA),Cycle"]
    for cycle in (4, 5):
        for sign in (-1, 1):
            for k in range(13):
                t = ((cycle - 4) * 2 + (sign > 0)) * 3600 + 300 * k
                rows.append(f"{t},{2 + sign * 0.02 * k:.3f},{sign * cycle},{cycle}")
    path = tmp_path / "cell.csv"
    path.write_text("\n".join(rows))
    base = ["analyse", path, "--kind", "rate", "--current-sign", "charge", "--json"]
    code, out, said = run(capsys, *base, "--cycles", "5", "--half", "discharge")
    result = json.loads(out)
    assert code == 0 and result["capacities_mAh"] == pytest.approx([5.0], rel=1e-3)
    assert result["recognised"] == "text table, 52 rows, 2 cycles, discharge negative"
    assert result["recognised"] in said
    assert (result["rows"], result["last_time_s"]) == (13, 10800)
    code, _, said = run(capsys, *base, "--cycles", "9")
    assert code == 2 and "There is no cycle 9" in said and "Traceback" not in said
    target = tmp_path / "part.bdf.csv"
    code, out, _ = run(
        capsys,
        "convert",
        path,
        "-o",
        target,
        "--current-sign",
        "charge",
        "--drop",
        "4",
        "--json",
    )
    assert code == 0 and json.loads(out)["rows"] == 26
    code, _, said = run(capsys, "convert", FILES / "spectrum.csv", "-o", target)
    assert code == 2 and "holds an impedance spectrum and no time series" in said
