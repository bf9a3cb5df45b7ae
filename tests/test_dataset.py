"""One result format: it survives its files, and says what is wrong with a bad one."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import xarray as xr

import sscell
from sscell.dataset import (
    check,
    load_dataset,
    metadata,
    require,
    save_dataset,
    set_metadata,
    spectrum,
    time_series,
)
from sscell.errors import DataError, ParameterError

SUFFIXES = (".nc", ".csv", ".parquet")
NESTED = {
    "steps": [{"step": 1, "direction": "discharge", "preparatory": False}],
    "balances": {"sulfur": 1e-15, "sodium": 2.5e-14},
    "warnings": [],
    "text": "a: colon, a # and äöü",
    "mass": 0.7e-3,
    "count": 3,
    "flag": True,
}


@pytest.fixture
def series():
    columns = {
        "Time [s]": [0.0, 1.5, 1.5, 1e5],
        "Voltage [V]": [2.1, 1 / 3, np.pi, 0.7],
        "Step": [1, 1, 2, 2],
    }
    return time_series(columns, NESTED)


@pytest.fixture
def spectra():
    return spectrum(
        {
            "Frequency [Hz]": [1e5, 1.0, 1e-3],
            "Z real [Ohm]": [[1, 2, 3.5], [4, 5, 6]],
            "Z imaginary [Ohm]": [[-1, -2, -3.5], [-4, -5, -6]],
        },
        NESTED,
        states=["charged", "50%"],
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("which", ["series", "spectra"])
def test_file_gives_back_what_was_saved(which, suffix, tmp_path, request):
    data = request.getfixturevalue(which)
    path = save_dataset(data, tmp_path / f"run{suffix}")
    back = load_dataset(path)
    assert set(back.data_vars) == set(data.data_vars)
    assert back.sizes == data.sizes
    for name in data.data_vars:
        assert np.array_equal(back[name].values, data[name].values)
        assert back[name].attrs["units"] == data[name].attrs["units"]
    for key, value in NESTED.items():
        assert metadata(back, key) == value
    if which == "spectra":
        assert [str(s) for s in back["state"].values] == ["charged", "50%"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_spectrum_survives_its_file(suffix, tmp_path):
    columns = {
        "Frequency [Hz]": [10.0, 1.0],
        "Z real [Ohm]": [1.0, 2.0],
        "Z imaginary [Ohm]": [-1.0, 0.0],
    }
    back = load_dataset(save_dataset(spectrum(columns), tmp_path / f"z{suffix}"))
    assert back.sizes == {"frequency": 2}
    assert back["Z imaginary [Ohm]"].values.tolist() == [-1.0, 0.0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_simulation_has_the_same_summary_after_its_file(ji_run, suffix, tmp_path):
    run = ji_run(60)
    before = sscell.summary(run)
    after = sscell.summary(load_dataset(save_dataset(run, tmp_path / f"run{suffix}")))
    assert before["steps"] and after["steps"]
    assert len(before["steps"]) == len(after["steps"])
    for one, other in zip(before["steps"], after["steps"], strict=True):
        assert one["capacity_mAh_g"] == pytest.approx(other["capacity_mAh_g"], rel=1e-12)
        assert one["stop_reason"] == other["stop_reason"]
        assert one["final_phase_fraction"] == pytest.approx(other["final_phase_fraction"])
    assert {k: after[k] for k in ("cell", "balances", "warnings")} == {
        k: before[k] for k in ("cell", "balances", "warnings")
    }


def test_every_variable_of_a_simulation_has_its_unit(ji_run):
    for name, variable in ji_run(60).data_vars.items():
        expected = name[name.index("[") + 1 : -1] if name.endswith("]") else ""
        assert variable.attrs["units"] == expected


def test_simulation_says_where_it_comes_from(ji_run):
    attributes = (
        "cell capacity_basis capacity_basis_mass_g energy_basis energy_basis_mass_g area_cm2 "
        "voltage_reference protocol versions steps balances warnings parameters"
    )
    run = ji_run(60)
    assert all(metadata(run, key) is not None for key in attributes.split())
    assert metadata(run, "parameters")["Ambient temperature [K]"] == pytest.approx(333.15)
    assert {"sscell", "pybamm", "python"} <= set(metadata(run, "versions"))


def test_missing_folder_is_one_sentence(series, tmp_path):
    with pytest.raises(ParameterError, match="does not exist"):
        save_dataset(series, tmp_path / "absent" / "run.nc")


@pytest.mark.parametrize("name", ["run.xlsx", "run", "run.csvv"])
def test_unknown_ending_is_one_sentence(series, tmp_path, name):
    with pytest.raises(ParameterError, match=r"Cannot tell the format of .*\.csv"):
        save_dataset(series, tmp_path / name)


def test_absent_file_is_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="There is no file"):
        load_dataset(tmp_path / "absent.nc")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"\x00\x01 garbage \xff\n1;2\n"])
def test_a_file_that_is_none_of_ours_is_one_sentence(suffix, content, tmp_path):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_dataset(path)
    assert "bad" in str(caught.value) or "dataset" in str(caught.value)


def test_parquet_without_pyarrow_says_what_to_install(series, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ParameterError, match=r"pip install 'sscell\[files\]'"):
        save_dataset(series, tmp_path / "run.parquet")


def test_time_that_runs_backwards_names_the_row():
    with pytest.raises(DataError, match="row 2: 5 s, then 1 s"):
        time_series({"Time [s]": [0, 5, 1]})


def test_columns_of_different_length_are_refused():
    with pytest.raises(DataError, match="length"):
        time_series({"Time [s]": [0, 1], "Voltage [V]": [1.0]})
    with pytest.raises(DataError, match="length"):
        spectrum({"Frequency [Hz]": [1.0], "Z real [Ohm]": [1.0, 2.0]})


def test_what_is_neither_series_nor_spectrum_is_refused():
    with pytest.raises(DataError, match="'time' or 'frequency'"):
        check(xr.Dataset({"x": ("row", [1.0])}))
    with pytest.raises(DataError, match="no 'Z imaginary"):
        spectrum({"Frequency [Hz]": [1.0], "Z real [Ohm]": [1.0]})
    with pytest.raises(DataError, match=r"no 'Time \[s\]'"):
        time_series({"Voltage [V]": [1.0]})


def test_missing_variable_and_attribute_are_named(series):
    with pytest.raises(DataError, match=r"no 'Current \[A\]'.*Voltage"):
        require(series, "Current [A]")
    with pytest.raises(DataError, match="its mass_g; energy needs it"):
        metadata(series, "mass_g", "energy")


def test_none_removes_an_attribute(series):
    set_metadata(series, text=None)
    assert metadata(series, "text") is None
    assert "text" not in series.attrs


@pytest.fixture
def both(series, spectra):
    """A run with the spectra that were taken on its way."""
    return series.merge(spectra, combine_attrs="drop_conflicts")


def test_netcdf_holds_the_series_and_the_spectra_of_a_run(both, tmp_path):
    path = save_dataset(both, tmp_path / "run.nc")
    xr.testing.assert_identical(load_dataset(path), both)
    one, other = (load_dataset(path, kind) for kind in ("series", "spectra"))
    assert set(one.dims) == {"time"} and set(other.dims) == {"state", "frequency"}
    assert set(one.data_vars) | set(other.data_vars) == set(both.data_vars)
    assert one.attrs == other.attrs == both.attrs
    with xr.open_datatree(path) as tree:
        assert set(tree.children) == {"series", "spectra"}


def test_a_file_of_one_kind_is_not_given_for_the_other(series, spectra, tmp_path):
    path = save_dataset(series, tmp_path / "run.nc")
    assert load_dataset(path, "series").sizes == series.sizes
    with pytest.raises(DataError, match="holds series and no spectra"):
        load_dataset(path, "spectra")
    with pytest.raises(DataError, match="holds spectra and no series"):
        load_dataset(save_dataset(spectra, tmp_path / "z.csv"), "series")
    with pytest.raises(ParameterError, match="'series' or 'spectra'"):
        load_dataset(path, "serie")


def test_a_classic_netcdf_file_still_opens(both, tmp_path):
    path = tmp_path / "old.nc"
    both.to_netcdf(path, engine="scipy")
    xr.testing.assert_equal(load_dataset(path), both)
    assert load_dataset(path).attrs == both.attrs
    assert set(load_dataset(path, "series").dims) == {"time"}


def test_series_make_the_same_dataset_as_the_public_constructor():
    columns = {
        "Time [s]": [0.0, 1.0],
        "Cycle": [1, 1],
        "Label": ["a", "b"],
        "I [A]": [1, 2],
    }
    ours = time_series(columns, {"cell": "X"})
    units = {"Time [s]": "s", "Cycle": "", "Label": "", "I [A]": "A"}
    public = xr.Dataset(
        {n: ("time", np.asarray(v), {"units": units[n]}) for n, v in columns.items()},
        attrs={"cell": "X"},
    )
    assert ours.identical(public) and ours.sizes == public.sizes
    later = ours.isel(time=[1]).assign_coords(time=[7.0])
    assert later.identical(public.isel(time=[1]).assign_coords(time=[7.0]))
