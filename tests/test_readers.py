"""Every format reads to the same dataset; what is broken ends in a sentence or a flag."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from measured import ROOT, measured

from sscell.dataset import metadata, save_dataset
from sscell.errors import DataError, ParameterError
from sscell.readers import FORMATS, read, write_bdf

FILES = Path(__file__).parent / "data_files"
SERIES = ("Time [s]", "Voltage [V]", "Current [A]", "Step")


def quiet(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path, **options)


def write(folder, text, name="file.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def table(rows=40, header="Time/s,Voltage/V,Current/mA", sep=","):
    lines = [f"{60 * k}{sep}{2.5 - 0.01 * k:.3f}{sep}{-1.0:.1f}" for k in range(rows)]
    return "\n".join([header, *lines, ""])


@pytest.mark.parametrize(
    "name",
    ["cell.bdf.csv", "machine.bdf.csv", "decimal_comma.csv", "tab.txt", "neware.csv",
     "landt.csv", "biologic.mpt", "units_row.csv"],
)  # fmt: skip
def test_every_text_format_reads_to_the_same_time_series(name):
    reference = quiet(FILES / "plain.csv")
    data = quiet(FILES / name)
    for variable in SERIES:
        expected = reference[variable].values
        np.testing.assert_allclose(
            data[variable].values, expected, atol=2e-7, err_msg=variable
        )


@pytest.mark.parametrize(
    "name", ["spectrum.csv", "spectrum.z", "spectrum.DTA", "spectrum_bare.txt"]
)
def test_every_impedance_format_reads_to_the_same_spectrum(name):
    pytest.importorskip("impedance")
    data = quiet(FILES / name)
    f = np.logspace(5, 0, 26)
    z = 10 + 50 / (1 + (2j * np.pi * f * 1e-3) ** 0.9)
    np.testing.assert_allclose(data["Frequency [Hz]"], f, rtol=1e-5)
    np.testing.assert_allclose(data["Z real [Ohm]"], z.real, rtol=1e-6)
    np.testing.assert_allclose(data["Z imaginary [Ohm]"], z.imag, rtol=1e-6)


@pytest.mark.parametrize("suffix", [".bdf.csv", ".bdf.parquet"])
def test_bdf_round_trip_is_exact(tmp_path, suffix):
    if suffix.endswith("parquet"):
        pytest.importorskip("pyarrow")
    data = quiet(FILES / "cell.bdf.csv")
    again = quiet(write_bdf(data, tmp_path / f"out{suffix}"))
    assert again.equals(data)


def test_bdf_file_has_preferred_labels_and_positive_charging_current(tmp_path):
    data = quiet(FILES / "plain.csv")
    lines = write_bdf(data, tmp_path / "a.bdf.csv").read_text().splitlines()
    assert lines[0] == "Test Time / s,Voltage / V,Current / A,Step Count / 1"
    assert float(lines[2].split(",")[2]) == -0.001


@pytest.mark.parametrize("suffix", [".nc", ".csv"])
def test_files_of_the_package_read_back_with_their_metadata(tmp_path, suffix):
    data = quiet(FILES / "plain.csv", mass="2 mg", area="1.27cm2", temperature=60)
    again = quiet(save_dataset(data, tmp_path / f"a{suffix}"))
    assert again.equals(data)
    assert metadata(again, "capacity_basis_mass_g") == pytest.approx(2e-3)
    assert metadata(again, "area_cm2") == pytest.approx(1.27)


def test_mass_area_and_temperature_come_from_the_user():
    data = quiet(FILES / "tab.txt", mass="2mg", area="127 mm^2", temperature="333.15 K")
    assert metadata(data, "capacity_basis_mass_g") == pytest.approx(2e-3)
    assert metadata(data, "area_cm2") == pytest.approx(1.27)
    assert float(data["Temperature [degC]"][0]) == pytest.approx(60)


def test_current_sign_follows_the_user_then_the_step_names_then_the_voltage(tmp_path):
    rising = write(tmp_path, table().replace("-1.0", "1.0"))
    falling = quiet(rising)["Current [A]"].values
    assert np.all(falling > 0), "the voltage falls while current flows: a discharge"
    assert np.all(quiet(rising, current_sign="charge")["Current [A]"].values < 0)
    with pytest.warns(UserWarning, match="from the voltage"):
        read(rising)
    named = "Time/s,Voltage/V,Current/mA,Step Type\n" + "".join(
        f"{k},{2 + 0.01 * k},{1},{'CC Chg' if k < 5 else 'CC DChg'}\n" for k in range(10)
    )
    signs = np.sign(quiet(write(tmp_path, named, "b.csv"))["Current [A]"].values)
    assert signs.tolist() == [-1] * 5 + [1] * 5


@pytest.mark.parametrize("bad", ["sideways", "plus"])
def test_unknown_current_sign_is_refused_with_what_is_allowed(bad):
    with pytest.raises(ParameterError, match="'discharge' or 'charge'"):
        read(FILES / "plain.csv", current_sign=bad)


def test_columns_named_by_the_user_win_and_carry_a_unit(tmp_path):
    text = "a,b,c\n" + "".join(f"{k},{2500 - k},{-100}\n" for k in range(9))
    path = write(tmp_path, text)
    data = quiet(path, columns={"time": "a:min", "voltage": "b:mV", "current": "c:uA"})
    assert data["Time [s]"].values[1] == 60
    assert data["Voltage [V]"].values[0] == pytest.approx(2.5)
    assert abs(data["Current [A]"].values[0]) == pytest.approx(1e-4)
    same = quiet(path, columns="time=a:min,voltage=b:mV,current=c:uA")
    assert same.equals(data)


def test_missing_column_names_it_and_those_that_are_there(tmp_path):
    path = write(tmp_path, "Time/s,Current/A,Pressure/MPa\n0,1,5\n1,1,5\n2,1,5\n")
    with pytest.raises(
        DataError, match=r"no column for voltage; it has 'Time/s', 'Current/A'"
    ):
        read(path)
    with pytest.raises(DataError, match=r"no column 'U' for voltage; it has"):
        read(path, columns={"voltage": "U"})
    with pytest.raises(ParameterError, match=r"no quantity 'volts'.*'voltage'"):
        read(path, columns={"volts": "U"})


def test_current_density_needs_the_area(tmp_path):
    path = write(tmp_path, table(header="Time/s,Voltage/V,j/mA/cm2"))
    with pytest.raises(DataError, match="give the area"):
        read(path)
    assert abs(quiet(path, area="2 cm2")["Current [A]"].values[0]) == pytest.approx(2e-3)


def test_unread_columns_are_listed():
    data = quiet(FILES / "neware.csv")
    assert metadata(data, "unread_columns") == ["DataPoint", "Time"]


# Ten kinds of broken file.


def test_truncated_file_loses_the_cut_row_and_says_so(tmp_path):
    whole = table()
    path = write(tmp_path, whole[: whole.rindex("\n2340,") + 4])
    with pytest.warns(UserWarning, match="1 row dropped"):
        data = read(path)
    assert data.sizes["time"] == 39


def test_swapped_columns_are_refused(tmp_path):
    lines = [f"{60 * k},{0.001},{2.5 - 0.01 * k:.3f}" for k in range(40)]
    path = write(tmp_path, "\n".join(["Time/s,Voltage/V,Current/A", *lines]))
    with pytest.raises(DataError, match="look swapped"):
        read(path)


def test_rows_with_gaps_are_dropped_and_counted(tmp_path):
    path = write(
        tmp_path, table().replace("600,2.400,", "600,NaN,").replace("660,2.390,", "660,,")
    )
    with pytest.warns(UserWarning, match=r"2 rows dropped of 40 \(first: row 11\)"):
        data = read(path)
    assert data.sizes["time"] == 38
    assert any("2 rows dropped" in w for w in metadata(data, "warnings"))
    assert np.isfinite(data["Voltage [V]"]).all()


def test_duplicate_times_are_kept_and_repeated_rows_dropped(tmp_path):
    text = table().replace(
        "600,2.400,-1.0\n", "600,2.400,-1.0\n600,2.400,-1.0\n600,2.395,-1.0\n"
    )
    data = quiet(write(tmp_path, text))
    notes = " ".join(metadata(data, "warnings"))
    assert "1 row dropped" in notes and "1 row has the time of the row before" in notes
    assert data.sizes["time"] == 41


def test_wrong_units_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"unit 'kg' is not a unit of voltage"):
        read(write(tmp_path, table(header="Time/s,Voltage/kg,Current/mA")))
    text = "Time/s,Voltage/V,Current/mA\n" + "".join(
        f"{k},{2500 - k},-1\n" for k in range(9)
    )
    with pytest.raises(DataError, match=r"too much for one cell.*:mV"):
        read(write(tmp_path, text, "b.csv"))


def test_empty_file_and_header_without_rows_are_refused(tmp_path):
    with pytest.raises(DataError, match="is empty"):
        read(write(tmp_path, ""))
    with pytest.raises(DataError, match="no table of numbers"):
        read(write(tmp_path, "Time/s,Voltage/V,Current/mA\n", "b.csv"))


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.nda", "a.ndax", "a.mpr", "a.nc",
                                  "a.parquet", "a.DTA", "a.xyz"])  # fmt: skip
def test_binary_garbage_ends_in_a_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(
        np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    )
    with pytest.raises((DataError, ParameterError), match=name):
        read(path)


def test_decimal_comma_is_recognised_with_semicolons_and_tabs(tmp_path):
    for sep in (";", "\t"):
        text = table(sep=sep, header=sep.join(["Time/s", "Voltage/V", "Current/mA"]))
        data = quiet(write(tmp_path, text.replace(".", ",")))
        assert data["Voltage [V]"].values[1] == pytest.approx(2.49)


def test_decimal_commas_between_commas_need_quotes(tmp_path):
    quoted = '"Time/s","Voltage/V","Current/mA"\n' + "".join(
        f'"{60 * k}","2,{500 - k}","-1,0"\n' for k in range(9)
    )
    assert quiet(write(tmp_path, quoted))["Voltage [V]"].values[1] == pytest.approx(2.499)
    bare = quoted.replace('"', "")
    with pytest.raises(DataError, match="decimal sign is a comma"):
        read(write(tmp_path, bare, "b.csv"))


def test_headers_in_pybamms_spelling_are_still_checked(tmp_path):
    text = table(header="Time [s],Voltage [V],Current [A]").replace("600,2.400", "600,nan")
    data = quiet(write(tmp_path, text))
    assert any("1 row dropped" in w for w in metadata(data, "warnings"))


@pytest.mark.parametrize("header", ["f;Z';-Z''", "Freq/Hz;Re(Z)/Ohm;-Im(Z)/Ohm",
                                    "frequency (Hz);Z' (Ohm);-Z'' (Ohm)"])  # fmt: skip
def test_minus_in_the_header_of_the_imaginary_part_is_understood(tmp_path, header):
    rows = [f"{10 ** (5 - k / 4)};{10 + k};{k}" for k in range(12)]
    data = quiet(write(tmp_path, "\n".join([header, *rows])))
    assert data["Z imaginary [Ohm]"].values[-1] == -11


def test_time_that_starts_again_with_each_step_is_added_up(tmp_path):
    rows = [f"{c},{60 * k},{v},{i}" for c in (1, 2)
            for i, v in ((-1, 2.0), (1, 2.5)) for k in range(5)]  # fmt: skip
    path = write(tmp_path, "\n".join(["cycle,time_s,voltage_V,current_mA", *rows]))
    data = quiet(path, current_sign="charge")
    assert np.all(np.diff(data["Time [s]"]) >= 0)
    assert float(data["Time [s]"][-1]) == 4 * 240
    assert "starts again 3 times" in " ".join(metadata(data, "warnings"))


def test_rows_out_of_order_are_refused(tmp_path):
    lines = table().splitlines()
    lines[10], lines[20] = lines[20], lines[10]
    with pytest.raises(DataError, match="Time runs backwards at row"):
        read(write(tmp_path, "\n".join(lines)))


def test_huge_file_reads_whole(tmp_path):
    n = 400_000
    t = np.arange(n)
    table_ = np.column_stack([t, 3 - t / n, np.full(n, -1.0)])
    path = tmp_path / "huge.csv"
    with path.open("w") as stream:
        stream.write("Time/s,Voltage/V,Current/mA\n")
        np.savetxt(stream, table_, fmt="%.6g,%.6f,%.1f")
    data = quiet(path)
    assert data.sizes["time"] == n
    assert float(data["Time [s]"][-1]) == n - 1


def test_missing_file_and_unknown_format_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="There is no file"):
        read(tmp_path / "absent.csv")
    with pytest.raises(ParameterError, match="no file format 'newar'.*'neware'"):
        read(FILES / "plain.csv", format="newar")
    assert len({f.name for f in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize(
    ("name", "library", "message"),
    [
        ("a.nda", "NewareNDA", r"pip install 'sscell\[cyclers\]'"),
        ("a.mpr", "galvani", r"pip install 'sscell\[biologic\]'.*GPL.*\.mpt"),
        ("spectrum.z", "impedance", r"pip install 'sscell\[eis\]'"),
    ],
)
def test_missing_library_is_named_with_its_extra(
    tmp_path, monkeypatch, name, library, message
):
    path = tmp_path / name
    path.write_bytes((FILES / "spectrum.z").read_bytes())
    for module in [library, *(m for m in sys.modules if m.startswith(f"{library}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=message):
        read(path)


# Measured files from outside the project.


def test_landt_export_and_its_bdf_twin_read_to_the_same_dataset():
    stem = "SINTEF__LiGrR2032__2024-04-30__25degC__Landt"
    landt = quiet(measured("cycler_files", f"{stem}.csv"))
    twin = quiet(measured("cycler_files", f"{stem}.bdf.csv"))
    assert landt.sizes["time"] == 25162
    assert landt.equals(twin)


def _cycler_files():
    folder = ROOT / "cycler_files"
    names = [p.name for p in sorted(folder.glob("*")) if p.suffix in
             (".csv", ".mpr", ".nda", ".ndax")] if folder.is_dir() else []  # fmt: skip
    return names or ["none"]


@pytest.mark.parametrize("name", _cycler_files())
def test_every_cycler_file_reads(name):
    if name.endswith(".mpr"):
        pytest.importorskip("galvani", reason="BioLogic .mpr needs galvani (GPL)")
    if name.endswith((".nda", ".ndax")):
        pytest.importorskip("NewareNDA")
    data = quiet(measured("cycler_files", name))
    assert data.sizes["time"] >= 2
    assert np.isfinite(data["Voltage [V]"]).all()
    assert np.abs(data["Current [A]"]).max() < 0.01


def test_neware_current_agrees_with_its_step_names_and_capacity():
    pytest.importorskip("NewareNDA")
    data = quiet(measured("cycler_files", "test.nda"))
    current, time = data["Current [A]"].values, data["Time [s]"].values
    charge = np.trapezoid(np.clip(-current, 0, None), time) / 3600
    steps = data["Charge capacity [A.h]"].values
    total = np.sum([steps[data["Step"].values == s].max() for s in np.unique(data["Step"])])
    assert charge == pytest.approx(total, rel=0.02)


@pytest.mark.parametrize(
    ("name", "points", "first"),
    [
        ("exampleDataAutolab.txt", 41, 0.013785863964281 + 0.007191946305823j),
        ("exampleDataGamry.DTA", 72, 825.8584 - 1367.239j),
        ("exampleDataZPlot.z", 21, 147.77 - 11.335j),
        ("exampleDataVersaStudio.par", 61, 55.31571 + 4.575431j),
        ("exampleDataCHInstruments.txt", 73, 98.91 - 2.748j),
        ("exampleDataParstat.txt", 31, -0.00049816 + 0.01751435j),
        ("exampleDataPowersuite.txt", 30, 423929.46 - 49014.063j),
        ("exampleDataBioLogic.mpt", 43, 65.470886 - 0.38998979j),
        ("exampleData.csv", 66, 0.0494999 - 0.0204387j),
    ],
)
def test_instrument_impedance_files_read(name, points, first):
    pytest.importorskip("impedance")
    data = quiet(measured("impedance_references", "data", name))
    z = complex(data["Z real [Ohm]"].values[0], data["Z imaginary [Ohm]"].values[0])
    assert data.sizes["frequency"] == points
    assert abs(z - first) < 1e-6 * abs(first) + 1e-8


def test_export_with_a_lost_header_is_refused_with_the_reason():
    path = measured("impedance_references", "data", "exampleDataBioLogic_MissingFreq.mpt")
    with pytest.raises(
        DataError, match="rows hold 18 numbers but it names only 17 columns"
    ):
        read(path)
