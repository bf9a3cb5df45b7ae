"""Files that spare later processes work: never out of date, never in the way."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import sscell
from sscell.simulation import building, engine
from sscell.simulation.engine import Engine, Resolution
from sscell.solver import cache
from sscell.solver.functions import Functions

COARSE = Resolution(shells=8)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Folder of a cache of this test's own."""
    monkeypatch.setenv("SSCELL_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(cache, "_complained", set())
    return tmp_path / "kept" / "sscell"


@pytest.fixture(scope="module")
def liang():
    return sscell.load("Liang2023")


def _run(cell, resolution=COARSE):
    """As in a new process: with no model built."""
    engine.forget()
    run = sscell.simulate(cell, sscell.discharge("C/5"), resolution=resolution)
    return run["Voltage [V]"].values


RUNS = """
import hashlib, sys
import sscell
from sscell.cells.library import families
from sscell.simulation.engine import Resolution
for name in families():
    cell = sscell.load(name)
    for protocol in (
        sscell.discharge(cell.slow_rate, duration="2 h"),
        sscell.gitt(cell.slow_rate, "4 h", "1 h", cell.first_step),
    ):
        run = sscell.simulate(cell, protocol, resolution=Resolution(shells=8))
        series = b"".join(run[n].values.tobytes() for n in sorted(run))
        print(name, hashlib.sha256(series).hexdigest())
print("pybamm" in sys.modules)
"""


def test_a_warm_process_runs_every_cell_to_the_last_bit_without_pybamm(kept, capsys):
    """Here the models are built, with PyBaMM; the next process needs it no more."""
    engine.forget()
    exec(RUNS, {})
    cold = capsys.readouterr().out.splitlines()
    warm = subprocess.run(
        [sys.executable, "-c", RUNS], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert (cold[-1], warm[-1]) == ("True", "False")
    assert warm[:-1] == cold[:-1]
    assert len(cold) > 10


def test_an_entry_of_another_form_is_built_anew(kept, liang):
    right = _run(liang)
    paths = list(kept.iterdir())
    assert len(paths) == 2  # the functions, and those of this cell's zeros and ones
    for path in paths:
        for other in (b'{"texts": {}}', b'{"rhs": 1}', b"[]", b"no JSON"):
            assert cache.keep(path.name, other)
            assert np.array_equal(_run(liang), right)


def test_second_process_builds_no_model_and_gets_the_same(kept, liang, monkeypatch):
    first = _run(liang)
    assert len(list(kept.iterdir())) == 2

    def refuse(*_, **__):
        raise AssertionError("a model is built")

    monkeypatch.setattr(building, "model_of", refuse)
    assert np.array_equal(_run(liang), first)
    with pytest.raises(AssertionError):
        _run(liang, Resolution(shells=9))


def test_file_has_another_name_when_anything_it_depends_on_changes(
    kept, liang, monkeypatch
):
    def names():
        return {path.name for path in kept.iterdir()}

    changed = liang.replace({"Separator thickness [m]": 1e-4}) if (
        "Separator thickness [m]" in liang.values
    ) else liang.replace({"Electrode area [m2]": 2e-4})  # fmt: skip
    _run(liang)
    _run(changed)
    assert len(names()) == 2  # values are inputs
    before = names()
    for resolution in (Resolution(shells=9), Resolution(shells=8, double_layer=True)):
        _run(liang, resolution)
        assert len(names() - before) == 2
        before = names()
    Engine(liang, COARSE, "voltage").functions  # noqa: B018
    assert len(names() - before) == 1
    before = names()
    monkeypatch.setattr(cache, "_surroundings", lambda: "another version")
    _run(liang)
    assert len(names() - before) == 2


def test_damaged_file_is_made_anew(kept, liang):
    right = _run(liang)
    for path in list(kept.iterdir()):
        whole = path.read_bytes()
        for damaged in (whole[: len(whole) // 2], b"", whole.replace(b"rhs", b"hrs", 1)):
            path.write_bytes(damaged)
            assert np.array_equal(_run(liang), right)
            assert path.read_bytes() == whole


def test_unwritable_cache_gives_a_warning_and_a_correct_result(kept, liang):
    right = _run(liang)
    for path in kept.iterdir():
        path.unlink()
    kept.rmdir()
    kept.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="cannot be used"):
        assert np.array_equal(_run(liang), right)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        assert np.array_equal(_run(liang), right)


def test_full_disk_gives_a_warning_and_a_correct_result(kept, liang, monkeypatch):
    right = _run(liang)
    for path in list(kept.iterdir()):
        path.unlink()
    opened = os.fdopen

    def full(number, mode):
        file = opened(number, mode)
        if mode != "wb":
            return file

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data):
                file.write(data[:10])
                raise OSError(errno.ENOSPC, "No space left on device")

        return Full()

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert np.array_equal(_run(liang), right)
    assert not list(kept.iterdir())


def test_readers_find_all_of_a_file_or_nothing_while_others_write_it(kept):
    content = [bytes([k]) * 200_000 for k in range(4)]
    stop = threading.Event()
    found = set()

    def read():
        while not stop.is_set():
            found.add(cache.fetch("shared"))

    def write(k):
        for _ in range(20):
            assert cache.keep("shared", content[k])

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    reader.start()
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert found <= {None, *content}
    assert cache.fetch("shared") in content
    assert [path.name for path in kept.iterdir()] == ["shared"]


def test_longest_unused_files_go_first_when_there_is_too_much(kept):
    names = [f"{k:040x}.json" for k in range(5)]
    for k, name in enumerate(names):
        cache.keep(name, b"x" * 1000)
        os.utime(kept / name, (k, k))
    cache.fetch(names[0])  # used now: the youngest
    cache.trim(limit=2500)
    assert sorted(path.name for path in kept.iterdir()) == [names[0], names[4]]


def test_files_of_the_user_stay_whatever_they_take(kept):
    kept.mkdir(parents=True)
    own = [kept.parent / "thesis.nc", kept / "notes.txt", kept / f"{7:040x}.json.txt"]
    for path in own:
        path.write_bytes(b"x" * 1000)
        os.utime(path, (1, 1))
    left = kept / ".new-abc"  # by a process that was killed
    left.write_bytes(b"x")
    os.utime(left, (1, 1))
    cache.keep(f"{1:040x}.json", b"x" * 1000)
    cache.trim(limit=0)
    assert sorted(kept.rglob("*")) == sorted(own[1:])
    assert own[0].exists()


def test_cache_is_found_from_a_tilde_and_without_a_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSCELL_CACHE", "~/mine")
    assert cache.folder() == tmp_path / "mine" / "sscell"
    monkeypatch.setattr(cache, "_complained", set())
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as without any home
    with pytest.warns(UserWarning, match="home folder"):
        assert cache.folder() is None


@pytest.mark.parametrize("word", ["off", "", "no"])
def test_cache_can_be_turned_off(monkeypatch, liang, word):
    monkeypatch.setenv("SSCELL_CACHE", word)
    assert cache.folder() is None
    assert not cache.keep("name", b"")
    assert cache.fetch("name") is None
    assert _run(liang).size


def test_functions_survive_being_written_down(liang):
    built = Engine(liang, COARSE, "current").functions
    again = Functions.from_bytes(built.to_bytes())
    assert vars(again).keys() >= {"texts", "slices"}
    assert again.slices == built.slices
    assert again.events == built.events
    assert again.texts == built.texts
    assert (again.columns, again.rows) == (built.columns, built.rows)


def test_no_cache_option_leaves_no_file(kept):
    from sscell.cli import main

    arguments = ["simulate", "Liang2023", "--mode", "discharge", "--shells", "8", "--json"]
    engine.forget()
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--no-cache"])
    assert ended.value.code == 0
    assert not kept.exists()


# Compiled functions -----------------------------------------------------------------------

needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")),
    reason="needs a C compiler",
)


@pytest.fixture
def compiling(kept, monkeypatch):
    monkeypatch.delenv("SSCELL_COMPILE")
    return kept


def _libraries(folder):
    return [path.name for path in folder.glob("*.so")]


@needs_compiler
def test_compiled_functions_give_the_same_and_a_second_process_compiles_nothing(
    compiling, liang, monkeypatch
):
    built = Engine(liang, COARSE, "current")
    inputs = built.inputs(liang, liang.current("C/5"), **{"Lower limit [V]": 3.0})
    right = built.step(None, 3600.0, inputs)
    assert not _libraries(compiling)
    assert built.compile()
    assert len(_libraries(compiling)) == 1
    on = inputs | {"Lower limit [V]": 2.5}  # the first step ended at its limit
    again = built.step(right.last_state, 3600.0, on)
    same = Engine(liang, COARSE, "current")
    monkeypatch.setattr(subprocess, "run", None)
    first = same.step(None, 3600.0, inputs)
    assert same.functions_of(liang)["rhs"].class_name() == "External"
    assert np.allclose(first.y, right.y, rtol=1e-10, atol=1e-12)
    second = same.step(first.last_state, 3600.0, on)
    assert np.allclose(second.y[:, -1], again.y[:, -1], rtol=1e-10, atol=1e-12)


@needs_compiler
def test_compiling_waits_until_it_pays(compiling, liang, monkeypatch):
    monkeypatch.setattr(engine, "LONGEST", 0.0)
    large = Engine(liang, COARSE, "current")  # as if its compiler took too long
    inputs = large.inputs(liang)
    monkeypatch.setattr(large._form(large.values(inputs)), "spent", 1e3)
    large.step(None, 3600.0, inputs)
    assert not _libraries(compiling)
    monkeypatch.undo()
    monkeypatch.setenv("SSCELL_CACHE", str(compiling.parent))
    monkeypatch.delenv("SSCELL_COMPILE")
    built = Engine(liang, COARSE, "current")
    built.step(None, 3600.0, built.inputs(liang))
    assert not _libraries(compiling)
    monkeypatch.setattr(built._form(built.values(inputs)), "spent", 1e3)
    built.step(None, 3600.0, inputs)
    assert len(_libraries(compiling)) == 1
    assert built.functions_of(liang)["newton"].class_name() == "MXFunction"


@needs_compiler
def test_failing_compiler_gives_a_warning_and_a_correct_result(
    compiling, liang, monkeypatch
):
    from sscell.solver import compiling as module

    built = Engine(liang, COARSE, "current")
    right = built.step(None, 3600.0, built.inputs(liang))
    monkeypatch.setattr(module, "_FLAGS", ("--no-such-option",))
    with pytest.warns(UserWarning, match="compiler failed"):
        assert not built.compile()
    again = built.step(None, 3600.0, built.inputs(liang))
    assert np.array_equal(again.y, right.y)


def test_without_a_compiler_it_works_all_the_same(compiling, liang, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    built = Engine(liang, COARSE, "current")
    assert not built.compile()
    assert built.step(None, 3600.0, built.inputs(liang)).t[-1] == 3600.0


@needs_compiler
def test_damaged_library_is_made_anew(compiling, liang):
    assert Engine(liang, COARSE, "current").compile()
    (name,) = _libraries(compiling)
    whole = (compiling / name).read_bytes()
    for damaged in (b"no library", whole[: len(whole) // 2]):
        (compiling / name).unlink()  # a library that is in use is not written to
        (compiling / name).write_bytes(damaged)
        built = Engine(liang, COARSE, "current")
        assert built.step(None, 60.0, built.inputs(liang)).t[-1] == 60.0
        assert not _libraries(compiling)
        assert built.compile()
        assert (compiling / name).read_bytes() == whole
