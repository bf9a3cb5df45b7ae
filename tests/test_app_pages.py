"""The pages of the workbench, opened without a browser; and their commands, which do the same."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import json
import shlex
from dataclasses import replace

import pytest

pytest.importorskip("nicegui", reason="the extra 'app' is not installed")

from nicegui import ui
from nicegui.testing import user_simulation

import sscell
from sscell.app.bench import Bench
from sscell.app.jobs import Job
from sscell.app.pages import PAGES, register
from sscell.app.pages.vary import bounds_for
from sscell.app.recipes import KINDS, Design, Fit, Measured, Run, Sweep, notebook
from sscell.app.session import FitState, RunEntry
from sscell.cli import main
from sscell.dataset import save_dataset


@pytest.fixture(scope="module")
def bench():
    bench = Bench()
    yield bench
    bench.close()


def _visit(bench, steps):
    async def visit():
        async with user_simulation() as user:
            register(bench)
            await steps(user)

    asyncio.run(visit())


@pytest.fixture(scope="module")
def full(bench, ji_run):
    """A session that has a run, a file and a fit."""
    session = bench.new_session()
    run = Run("Ji2024", "discharge", {"rate": "C/20"}, {"temperature": "60"})
    data = ji_run(60, "C/20")
    save_dataset(data, session.folder / "run_1.nc")
    summary = dict(sscell.summary(data))
    session.runs.append(
        RunEntry(run, run.title, "run_1.nc", summary, ["Voltage", "Phases"])
    )
    rows = ["Time/h,Ewe/V,I/mA"] + [f"{k / 10},{2 - k / 100},-1" for k in range(50)]
    session.add_data("a b$.csv", "\n".join(rows).encode())
    session.states.append(FitState("start", "Ji2024"))
    for page in ("run", "fit", "tests", "map", "design"):
        session.jobs[page] = Job("none.at_all", {}, "a job")
        session.jobs[page].end("failed", note="It was tried before.")
    return session


def test_every_page_opens_with_its_title_and_its_commands(bench, full):
    async def steps(user):
        for name, title in PAGES.items():
            await user.open(f"/s/{full.key}/{name}")
            await user.should_see(title)
            await user.should_see("The same without this page")

    _visit(bench, steps)


def test_a_stranger_gets_a_session_of_its_own(bench):
    async def steps(user):
        await user.open("/")
        await user.should_see("Build your own")
        await user.open("/s/not-a-session/run")
        await user.should_see("Build your own")

    before = len(bench._sessions)
    _visit(bench, steps)
    assert len(bench._sessions) == before + 2


def test_the_pages_show_what_the_session_has(bench, full):
    async def steps(user):
        await user.open(f"/s/{full.key}/cell")
        await user.should_see("Areal capacity", retries=900)
        await user.open(f"/s/{full.key}/run")
        await user.should_see("lower voltage cut-off")
        await user.should_see("It was tried before.")
        await user.should_see(ui.plotly, retries=300)
        await user.open(f"/s/{full.key}/data")
        await user.should_see("Recognised: ", retries=300)
        await user.open(f"/s/{full.key}/compare")
        await user.should_see(ui.plotly, retries=300)
        await user.open(f"/s/{full.key}/download")
        await user.should_see("Project, all of it (.zip)")

    _visit(bench, steps)


def test_typing_changes_the_command_and_bad_input_is_a_sentence(bench):
    session = bench.new_session()

    async def steps(user):
        await user.open(f"/s/{session.key}/run")
        user.find("Rate").type("C/10")
        user.find("Temperature [°C]").type("60")
        await user.should_see("sscell simulate Ji2024 -C C/10 --cycles 1 -T 60")
        user.find(ui.input, content="Cycles").type("x")
        await user.should_see("must be a whole number")

    _visit(bench, steps)


def test_two_sessions_do_not_disturb_each_other(bench):
    one, two = bench.new_session(), bench.new_session()
    one.cell = "Song2024"
    one.forms["run"] = {"kind": "gitt", "options": {}, "conditions": {}}

    async def steps(user):
        await user.open(f"/s/{two.key}/run")
        await user.should_see("sscell simulate Ji2024")
        await user.open(f"/s/{one.key}/run")
        await user.should_see("sscell gitt Song2024")

    _visit(bench, steps)


def test_history_goes_back_and_forth_with_its_cell(bench):
    session = bench.new_session()
    session.keep_state(FitState("start", "Ji2024"))
    session.keep_state(FitState("fit 1", "fit_1.toml", {"misfit": 2.0}))
    session.keep_state(FitState("fit 2", "fit_2.toml", {"misfit": 1.0}))
    assert session.cell == "fit_2.toml" and session.states[-1].misfit == 1.0
    assert session.go_back().title == "fit 1" and session.cell == "fit_1.toml"
    assert session.go_back().cell == session.cell == "Ji2024"
    assert session.go_back() is None


@pytest.mark.parametrize(
    "parameter, bounds",
    [
        ({"value": 2.0, "lower": 0.0, "upper": 5.0, "range": [1, 3]}, (1, 3)),
        ({"value": 0.5, "lower": 0.0, "upper": 1.0}, (0.05, 1.0)),
        ({"value": -2.0, "lower": -50.0, "upper": 5.0}, (-20.0, -0.2)),
        ({"value": 0.0, "lower": 0.0, "upper": 9.0}, (0.0, 1.0)),
    ],
    ids=str,
)
def test_bounds_hold_the_value_and_stay_in_what_is_allowed(parameter, bounds):
    assert bounds_for(parameter) == bounds
    assert bounds[0] <= parameter["value"] <= bounds[1]


# The same by command and in Python ----------------------------------------------------------


def _command(text, capsys):
    """JSON of a command."""
    words = shlex.split(text)
    assert words[0] == "sscell"
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*words[1:], "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def _python(text):
    """Names that the lines leave behind."""
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "lines", "exec"), names)
    return names


def test_a_run_is_the_same_by_page_command_and_lines(capsys, tmp_path):
    from sscell.app.tasks.runs import simulate
    from sscell.app.worker import Work

    run = Run("Ji2024", "discharge", {"rate": "C/10"}, {"temperature": "60"})
    told = []
    page = simulate(Work(1, told.append), run, "Ji2024", str(tmp_path / "run.nc"))
    by_page = page["summary"]["steps"][0]["capacity_mAh_g"]
    by_command = _command(run.command(), capsys)["steps"][0]["capacity_mAh_g"]
    by_lines = sscell.summary(_python(run.python())["run"])["steps"][0]["capacity_mAh_g"]
    assert by_command == pytest.approx(by_lines, rel=1e-9)
    assert by_page == pytest.approx(by_command, rel=1e-4)  # solved in pieces
    assert told and "Phases" in page["views"]


FILLED = {"rate": {"currents": "C/10"}, "step": {"voltage": "1.9V"}, "eis": {"points": "3"},
          "cv": {"window": "1V,2.5V", "scan_rates": "0.1,1mV/s"}}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_protocol_is_a_command_and_lines_that_parse(kind, capsys, monkeypatch):
    """What both ask of the simulation is the same, for every protocol of the form."""
    asked = []

    def record(cell, protocol, **options):
        asked.append(
            (protocol.describe(), options.get("temperature"), options["resolution"])
        )
        raise sscell.SimulationError("enough")

    defaults = {f.name: f.default for f in KINDS[kind].fields}
    along = {"along": "discharge"} if kind == "eis" else {}
    run = Run(
        "Ji2024", kind, defaults | FILLED.get(kind, {}) | along, {"temperature": "60"}
    )
    module = importlib.import_module("sscell.simulation.simulation")
    monkeypatch.setattr(module, "simulate", record)
    with pytest.raises(SystemExit):
        main(shlex.split(run.command())[1:])
    lines = run.python().replace("sscell.simulate(cell, protocol", "record(cell, protocol")
    if "resolution" not in lines:
        lines = lines.replace("temperature='60'", "temperature='60', resolution=None")
    with pytest.raises(sscell.SimulationError):
        exec(lines, {"record": record})
    by_command, by_lines = asked
    assert by_command[:2] == by_lines[:2]
    if by_lines[2] is not None:
        assert by_command[2] == by_lines[2]


def test_a_fit_is_the_same_by_page_command_and_lines(capsys, tmp_path, monkeypatch, ji):
    from sscell.app.tasks.fits import fit
    from sscell.app.worker import Work
    from sscell.simulation.engine import Resolution

    name = "Separator conductivity [S.m-1]"
    coarse = Resolution(shells=25)
    truth = ji.replace({name: 0.005})
    run = sscell.simulate(truth, sscell.discharge("C/5"), temperature=60, resolution=coarse,
                          outputs=())  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for file in ("d60.csv", "held.csv"):
        save_dataset(run, tmp_path / file)
    asked = Fit("Ji2024", (Measured("d60.csv"),), {name: (0.001, 0.1)},
                (Measured("held.csv"),), {"d60.csv": "60"})  # fmt: skip
    told = []
    paths = {file: str(tmp_path / file) for file in ("d60.csv", "held.csv")}
    page = fit(Work(1, told.append), asked, "Ji2024", paths, str(tmp_path / "page"))
    by_page = page["result"]["parameters"][0]["value"]
    by_command = _command(asked.command("command"), capsys)["parameters"][0]["value"]
    by_lines = _python(asked.python("lines"))["found"].values[name]
    assert by_page == pytest.approx(0.005, rel=0.02)
    assert by_command == pytest.approx(by_page, rel=1e-3)
    assert by_lines == pytest.approx(by_page, rel=1e-3)
    assert page["result"]["held_out"][0]["rms_mV"] < 1
    assert any("figures" in event for event in told)
    assert sscell.load(tmp_path / "page.toml").values[name] == pytest.approx(
        by_page, rel=1e-6
    )
    assert "held.csv" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_files_sweeps_and_designs_are_commands_and_lines(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ["Time/h,Ewe/V,I/mA"] + [f"{k / 10},{2 - k / 100},-1" for k in range(50)]
    (tmp_path / "my cell.csv").write_text("\n".join(rows))
    measured = Measured("my cell.csv", mass="2 mg", current_sign="charge", window="1.6V,2V")
    found = _command(measured.command("dqdv"), capsys)
    data = _python("import sscell\n" + measured.python())[measured.variable]
    assert found["rows"] == data.sizes["time"] or found["rows"] == 50
    assert float(data["Voltage [V]"].min()) >= 1.6
    sweep = Sweep("Ji2024", {"temperature": "60", "rate": "C/10"})
    grid = _python(sweep.python())["grid"]
    (row,) = _command(sweep.command(), capsys)["rows"]
    assert row["capacity_mAh_g"] == pytest.approx(
        float(grid["capacity_mAh_g"].values.item())
    )
    design = Design("Ji2024", {"thickness": "20um", "rates": "C/10", "temperature": "60"})
    best = _python(design.python())["result"]["best"][0]
    same = _command(design.command(), capsys)["best"][0]
    assert same["energy_Wh_kg"] == pytest.approx(best["energy_Wh_kg"], rel=1e-6)


def test_a_notebook_holds_the_lines(tmp_path):
    run = replace(Run("Ji2024"), options={"rate": "C/10"})
    told = notebook([run.python()])
    assert "".join(told["cells"][0]["source"]) == run.python()
    assert told["nbformat"] == 4
