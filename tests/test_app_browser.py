"""The workbench in a real browser: it opens, asks nobody else, and three whole flows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sscell.app.pages import PAGES
from sscell.app.security import COOKIE

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")
pytest.importorskip("nicegui", reason="the extra 'app' is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
SHOTS = os.environ.get("SSCELL_SHOTS")  # a folder that keeps pictures of all pages
SLOW = 120_000  # ms: a machine that is busy


def _started(*options):
    words = [sys.executable, "-m", "sscell", "app", "--no-browser", *options]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    begun = time.monotonic()
    line = server.stdout.readline()
    return server, line.split()[-1], time.monotonic() - begun


@pytest.fixture(scope="module")
def server():
    server, url, _ = _started()
    yield url
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(server, browser):
    """A fresh tab; whatever the console or the net complains of fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(SLOW)
    faults, hosts = [], set()
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("request", lambda r: hosts.add(r.url.split("/")[2]) if "://" in r.url else None)
    page.goto(server)
    page.wait_for_selector("h1")
    yield page
    assert not faults
    assert hosts == {server.split("/")[2]}
    context.close()


def _go(page, name):
    page.goto(page.url.rsplit("/", 1)[0] + f"/{name}")
    page.get_by_role("heading", name=PAGES[name], exact=True).wait_for()


def _shoot(page, name):
    if SHOTS:
        for width in (1400, 800):
            page.set_viewport_size({"width": width, "height": 1000})
            page.wait_for_timeout(700)
            page.screenshot(path=str(Path(SHOTS, f"{name}_{width}.png")), full_page=True)
        page.set_viewport_size({"width": 1400, "height": 1000})


def _choose(page, label, wanted):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=wanted, exact=True).click()


def _pick(page, label, wanted):
    """Type into a list that is searched, and take what it finds."""
    box = page.get_by_label(label, exact=True)
    box.click()
    box.fill(wanted)
    page.get_by_role("option", name=wanted, exact=True).click()


def test_every_page_opens_and_all_is_reached_by_the_keyboard(page):
    for name in PAGES:
        _go(page, name)
        page.wait_for_timeout(300)
    _go(page, "run")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => {const e = document.activeElement;"
                " return e.getAttribute('aria-label') || e.innerText || ''}"
            ).strip()
        )
    assert {
        *PAGES.values(),
        "Cell",
        "Protocol",
        "Rate",
        "Temperature [°C]",
        "Start",
    } <= reached


def test_a_reload_finds_the_run_again(page):
    _go(page, "run")
    _choose(page, "Protocol", "Titration (GITT)")
    page.get_by_label("Rate", exact=True).fill("C/50")
    page.get_by_role("button", name="Start").click()
    page.get_by_text(" running, ").wait_for()
    page.reload()
    page.get_by_text(" running, ").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="hidden", timeout=5000)


def test_beyond_this_machine_nothing_is_served_without_the_token(browser):
    server, url, _ = _started("--host", "0.0.0.0")
    try:
        context = browser.new_context()
        page = context.new_page()
        bare = url.partition("?")[0]
        assert page.goto(bare).status == 403
        page.goto(url)
        page.get_by_role("heading", name="Cell", exact=True).wait_for(timeout=SLOW)
        assert "token" not in page.url
        assert COOKIE in {cookie["name"] for cookie in context.cookies()}
        context.close()
    finally:
        server.terminate()
        server.wait(20)


# The flows -----------------------------------------------------------------------------------


def _csv(path, data):
    """A file as an instrument writes it."""
    rows = ["Time/s,Ewe/V,I/mA"]
    names = ("Time [s]", "Voltage [V]", "Current [A]")
    for t, v, i in zip(*(data[n].values for n in names), strict=True):
        rows.append(f"{t:.3f},{v:.5f},{-1e3 * i:.6f}")
    path.write_text("\n".join(rows))


@pytest.mark.slow
def test_run_cancel_and_overlay(page, tmp_path):
    import sscell

    measured = tmp_path / "mine.csv"
    _csv(measured, sscell.simulate("Ji2024", sscell.cycle("C/20"), temperature=55))
    _shoot(page, "cell")
    _go(page, "run")
    page.get_by_label("Rate", exact=True).fill("C/20")
    page.get_by_label("Temperature [°C]").fill("60")
    page.get_by_role("button", name="Start").click()
    page.locator(".js-plotly-plot").first.wait_for()
    page.get_by_text("upper voltage cut-off").wait_for()
    for view in ("Losses", "Phases"):
        page.get_by_role("button", name=view, exact=True).click()
        page.locator(".js-plotly-plot .legendtext").first.wait_for()
    _shoot(page, "run")
    _choose(page, "Protocol", "Titration (GITT)")
    page.get_by_label("Rate", exact=True).fill("C/20")
    page.get_by_label("Rest", exact=True).fill("1h")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("titration (gitt)").filter(has_text="running").wait_for()
    page.wait_for_function(
        "() => {const b = document.querySelector('[aria-label=Progress]');"
        " return b && Number(b.getAttribute('aria-valuenow')) > 0.33}"
    )
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").wait_for(state="hidden", timeout=5000)
    page.get_by_text("cancelled").first.wait_for()
    page.get_by_role("button", name="Titration", exact=True).click()
    page.locator(".js-plotly-plot").first.wait_for()
    _shoot(page, "titration")
    _go(page, "data")
    page.locator("input[type=file]").set_input_files(str(measured))
    page.get_by_text("Recognised: ").wait_for()
    _shoot(page, "data")
    _go(page, "compare")
    page.locator(".js-plotly-plot .legendtext").nth(1).wait_for()
    _shoot(page, "compare")


@pytest.mark.slow
def test_fit_an_unknown_cell_from_three_files(page, tmp_path):
    import sscell
    from sscell.cells.cell import Cell
    from sscell.cells.parameters import ParameterSet
    from sscell.cells.parts import Parts, tables_of

    parts = Parts("secret", "NMC811:70", "Li6PS5Cl:27", ("Li6PS5Cl:100mg",), "Li-In:60mg",
                  carbon="3", cathode_mass="12mg", diameter="10mm")  # fmt: skip
    name = "Positive electrode exchange-current density [A.m-2]"
    secret = Cell(ParameterSet.from_table(tables_of(parts)))
    secret = secret.replace({name: 0.4 * secret.values[name]})
    files = {}
    for file, rate in {"slow.csv": "C/20", "half.csv": "C/2", "one.csv": "1C"}.items():
        files[file] = tmp_path / file
        _csv(files[file], sscell.simulate(secret, sscell.cycle(rate), outputs=()))
    _go(page, "data")
    page.locator("input[type=file]").set_input_files([str(f) for f in files.values()])
    for file in files:
        page.get_by_role("button", name=file, exact=True).click()
        page.get_by_text("Recognised: ").wait_for()
        page.get_by_label("Mass of the capacity basis").fill("8.4mg")
        page.get_by_label("Cycles", exact=True).fill("1")
        uses = {"slow.csv": "only show it", "one.csv": "hold it out: only predicted"}
        if file in uses:
            _choose(page, "In a fit", uses[file])
        page.wait_for_timeout(1500)
    _go(page, "cell")
    page.get_by_role("tab", name="Build your own").click()
    page.get_by_text("Areal capacity [mAh/cm²]").nth(1).wait_for()
    page.get_by_text("Open-circuit voltage from a slow measurement").click()
    _choose(page, "File", "slow.csv")
    page.get_by_label("Mass of the active material").fill("8.4mg")
    page.get_by_role("button", name="Make the material").click()
    page.get_by_text("mAh/g,").wait_for()
    page.get_by_role("button", name="Build this cell").click()
    page.get_by_text("Cell: mycell.toml").wait_for()
    page.wait_for_timeout(3000)
    _shoot(page, "own_cell")
    _go(page, "fit")
    page.get_by_label("Find a parameter").fill("exchange-current density [A")
    row = page.get_by_role("row", name="Positive electrode exchange-current")
    row.get_by_role("checkbox").click()
    page.get_by_text("times the noise").wait_for()
    before = page.get_by_text("times the noise").inner_text()
    page.get_by_label(f"Upper bound of {name}").focus()
    page.keyboard.press("Tab")  # to the slider
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "text => [...document.querySelectorAll('.note')].some("
        "e => e.innerText.includes('times the noise') && e.innerText !== text)",
        arg=before,
    )
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("best").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("heading", name="What was found").wait_for()
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("fit_2.toml").first.wait_for()
    page.get_by_text("Not fitted, only predicted").wait_for()
    _shoot(page, "fit")
    page.get_by_role("button", name="Back one state").click()
    page.get_by_text("Cell: fit_1.toml").wait_for()
    _go(page, "download")
    _shoot(page, "download")
    for file in ("fit_1.html", "fit_1.toml"):
        with page.expect_download() as download:
            page.get_by_role("button", name=file, exact=True).last.click()
        download.value.save_as(tmp_path / file)
    assert "<h1>Fit of mycell" in (tmp_path / "fit_1.html").read_text(encoding="utf-8")
    words = [sys.executable, "-m", "sscell", "show", "fit_1.toml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "fitted" in done.stdout


@pytest.mark.slow
def test_map_of_a_design(page):
    _pick(page, "Cell", "Song2024")
    page.get_by_text("Cell: Song2024").wait_for()
    _go(page, "plan")
    page.wait_for_timeout(2000)
    _shoot(page, "plan")
    page.get_by_role("tab", name="Map").click()
    _pick(page, "Across", "Stack pressure [MPa]")
    page.get_by_label("Across: values").fill("20,50")
    _pick(page, "Upwards", "Separator thickness [m]")
    page.get_by_label("Upwards: values").fill("3e-4,9e-4")
    page.get_by_role("button", name="Draw the map").click()
    page.locator(".js-plotly-plot .hm").first.wait_for()
    _shoot(page, "map")
    page.set_viewport_size({"width": 800, "height": 1000})
    page.wait_for_timeout(1500)
    drawn = page.locator(".js-plotly-plot .main-svg").first.bounding_box()
    assert drawn["x"] + drawn["width"] <= 800  # it follows a window that gets smaller
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.get_by_role("tab", name="Energy of a stack").click()
    page.get_by_label("Cathode thickness").fill("30um,90um")
    page.get_by_label("Rates").fill("C/10")
    page.get_by_role("button", name="Compute the energies").click()
    page.get_by_text("Best cathode [µm]").wait_for()
    _shoot(page, "energies")


@pytest.mark.slow
def test_500_runs_leave_a_page_that_is_open_small():
    """Memory of the server after 500 runs, less that after 100, with their session open."""
    from sscell.app.bench import Bench
    from sscell.app.jobs import Job
    from sscell.app.recipes import Run

    def resident():
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1e3
        raise AssertionError

    bench = Bench()
    session = bench.new_session()
    try:
        for number in range(500):
            run = Run("Liang2023", "discharge", {"rate": "1C"})
            file = str(session.folder / session.new_name("run.nc"))
            arguments = {"run": run, "cell": "Liang2023", "file": file}
            job = bench.start(session, "run", Job("runs.simulate", arguments, run.title))
            assert job.wait(120) and job.state == "done", job.note
            session.keep_run(run, job.result)
            if number == 99:
                before = resident()
        assert resident() - before < 50
    finally:
        bench.close()
