"""The server of the workbench: who is refused, and what its workers do with a job."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

pytest.importorskip("nicegui", reason="the extra 'app' is not installed")

from sscell.app.jobs import Job
from sscell.app.pool import Pool
from sscell.app.recipes import Run
from sscell.app.security import COOKIE, Guard, local_hosts
from sscell.app.session import Session, safe_name
from sscell.app.tasks.data import facts
from sscell.errors import DataError, ParameterError
from sscell.units import parse_quantity

HERE = "127.0.0.1:8080"


async def _page(scope, receive, send):
    """An application that reads the whole body and answers with its length."""
    size = 0
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def _ask(guard, kind="http", query="", body=(b"",), **heads):
    """Messages that a guard sends in answer to a request."""
    answers = []
    parts = list(body)

    async def receive():
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        answers.append(message)

    scope = {
        "type": kind,
        "path": "/",
        "query_string": query.encode(),
        "headers": [
            (k.replace("_", "-").encode(), v.encode())
            for k, v in ({"host": HERE} | heads).items()
        ],
    }
    asyncio.run(guard(scope, receive, send))
    return answers


def _status(answers):
    return answers[0].get("status", answers[0]["type"])


@pytest.fixture
def guard():
    return Guard(_page, local_hosts(8080), most_bytes=1000)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_this_machine_is_answered(guard, host):
    assert _status(_ask(guard, host=host)) == 200
    assert _status(_ask(guard, host=host, origin=f"http://{host}")) == 200


@pytest.mark.parametrize(
    "heads",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:9999"},
        {"host": "127.0.0.1.evil.example:8080"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8080.evil.example"},
    ],
    ids=str,
)
def test_foreign_names_and_pages_are_refused_by_http_and_socket(guard, heads):
    assert _status(_ask(guard, **heads)) == 403
    assert _status(_ask(guard, "websocket", **heads)) == "websocket.close"


def test_a_body_over_the_limit_is_refused_whatever_its_head_says(guard):
    assert _status(_ask(guard, content_length="1001")) == 413
    assert _status(_ask(guard, content_length="many")) == 413
    assert _status(_ask(guard, body=[b"x" * 600, b"x" * 600])) == 413
    assert _ask(guard, body=[b"x" * 600, b"x" * 400])[1]["body"] == b"1000"


def test_beyond_this_machine_the_token_is_asked_for():
    guard = Guard(_page, None, "secret")
    far = {"host": "lab.example:80"}
    assert _status(_ask(guard, **far)) == 403
    assert _status(_ask(guard, query="token=wrong", **far)) == 403
    assert (
        _status(_ask(guard, "websocket", query="token=secret", **far)) == "websocket.close"
    )
    first = _ask(guard, query="token=secret&x=1", **far)[0]
    heads = dict(first["headers"])
    assert first["status"] == 303 and heads[b"location"] == b"/?x=1"
    cookie = heads[b"set-cookie"].decode()
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert _status(_ask(guard, cookie=cookie.split(";")[0], **far)) == 200
    assert _status(_ask(guard, cookie=f"{COOKIE}=wrong", **far)) == 403
    assert (
        _status(_ask(guard, cookie=f"{COOKIE}=secret", origin="http://a.b", **far)) == 403
    )


@pytest.mark.parametrize(
    "name", ["../../up.csv", "..\\..\\up.csv", "/etc/up.csv", "C:\\up.csv", "a/../up.csv"]
)
def test_a_name_of_a_client_leads_nowhere(tmp_path, name):
    folder = tmp_path / "session"
    folder.mkdir()
    session = Session(folder)
    entry = session.add_data(name, b"t,V\n0,1\n")
    assert entry.measured.file == "up.csv"
    assert [p.name for p in tmp_path.iterdir()] == ["session"]
    assert session.own_file(name).parent == folder


@pytest.mark.parametrize("name", ["..", "", "/", ".", "\x00", "...", "-rf"])
def test_names_of_nothing_become_a_file(name):
    assert safe_name(name) in ("file", "rf")


def test_units_are_never_evaluated():
    parse_quantity("1 mm", "m", "thickness")  # loads the units
    start = time.monotonic()
    for text in ("9**9**9 m", "__import__('os').getcwd() m", "1e9999999**2 m"):
        with pytest.raises(ParameterError):
            parse_quantity(text, "m", "thickness")
    assert time.monotonic() - start < 3


def test_a_project_comes_back_and_a_foreign_archive_is_refused(tmp_path):
    import io
    import zipfile

    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    one, two = map(Session, folders)
    one.add_data("d.csv", b"t,V\n0,1\n")
    one.choose("d.csv", mass="2 mg", cycles="1-2")
    one.cell = "Song2024"
    two.restore(one.project())
    assert two.as_dict() == one.as_dict()
    assert (folders[1] / "d.csv").read_bytes() == b"t,V\n0,1\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("project.json", '{"sscell_project": 1}')
        archive.writestr("files/../../out.txt", "x")
    for content in (stream.getvalue(), b"nothing"):
        with pytest.raises((DataError, ParameterError)):
            two.restore(content)
    assert two.cell == "Song2024" and not (tmp_path / "out.txt").exists()


def test_keys_of_sessions_are_no_paths():
    assert Session.is_key("abcDEF12_-34")
    assert not any(map(Session.is_key, ("..", "../../../etc", "a b c d e f", "")))


# Workers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool():
    pool = Pool(1)
    yield pool
    pool.close()


def _titration(tmp_path, **job):
    run = Run("Ji2024", "gitt", {"rate": "C/50", "pulse": "10min", "rest": "1h"})
    arguments = {"run": run, "cell": "Ji2024", "file": str(tmp_path / "run.nc")}
    return Job("runs.simulate", arguments, "titration", **job)


def _until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_run_tells_its_curve_and_keeps_what_it_had_when_cancelled(pool, tmp_path):
    from sscell.dataset import load_dataset

    ended = []
    job = pool.submit(_titration(tmp_path, on_end=ended.append))
    behind = pool.submit(Job("cells.listed", {}))
    _until(lambda: len(job.curve.columns.get("Time [s]", ())) > 50)
    assert job.share < 1 and "V" in job.text and pool.place(behind) == 1
    pool.cancel(job)
    assert job.wait(20)
    assert job.state == "cancelled" and ended == [job]
    kept = load_dataset(tmp_path / "run.nc")
    assert float(kept["Time [s]"][-1]) > 600 and "cancelled" in job.note
    assert behind.wait(60) and behind.state == "done"  # and the worker goes on
    assert "Ji2024" in behind.result["cells"]


def test_a_killed_worker_is_replaced_and_its_job_says_so(pool, tmp_path):
    job = pool.submit(_titration(tmp_path))
    after = pool.submit(Job("cells.shown", {"cell": "Ji2024"}))
    _until(lambda: job.state == "running")
    (before,) = pool.pids
    os.kill(before, signal.SIGKILL)
    assert job.wait(10) and job.state == "lost"
    assert "signal 9" in job.note and "again" in job.note
    assert after.wait(90) and after.result["name"] == "Ji2024"
    assert pool.pids != [before]


def test_what_is_refused_is_one_sentence(pool):
    asked = [
        Job("cells.shown", {"cell": "Ji2042"}),
        Job("cells.sized", {"parts": {"name": "a", "cathode": "NMC811:70",
                                      "catholyte": "Li6PS5Cl:20", "separator": ("Li6PS5Cl:1mg",),
                                      "anode": "Li", "cathode_mass": "1mg", "diameter": "1cm"}}),
    ]  # fmt: skip
    for job in asked:
        pool.submit(job)
    for job, word in zip(asked, ("Ji2024", "100"), strict=True):
        assert job.wait(60) and job.state == "refused"
        assert word in job.note and "\n" not in job.note


def test_a_waiting_job_is_cancelled_at_once(pool):
    first, second = (pool.submit(Job("cells.listed", {})) for _ in range(2))
    pool.cancel(second)
    assert second.state == "cancelled" and first.wait(60)


def test_a_file_is_read_with_what_was_recognised(tmp_path):
    from sscell.app.recipes import Measured

    rows = ["Time/h,Ewe/V,I/mA"]
    rows += [f"{k / 100},{2 - k / 100},-1" for k in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    told = facts(None, str(tmp_path / "a.csv"), Measured("a.csv", mass="2 mg"))
    assert told["rows"] == 100 and told["halves"][0]["capacity"] == pytest.approx(495)
    assert "100 rows" in told["recognised"] and told["figure"]["data"]
