"""The command line run in this process, as a person's own process would."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from unittest import mock

from sscell.cli import main

_CODE = "import sys; from sscell.cli import main; main(sys.argv[1:])"


def run_here(*arguments, cwd=None):
    """Finished command: `returncode`, `stdout` and `stderr`, without a process of its own."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ))
        stack.enter_context(contextlib.chdir(cwd or os.getcwd()))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        code = _exit_code([str(a) for a in arguments])
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def _exit_code(arguments):
    try:
        main(arguments)
    except SystemExit as ended:
        return ended.code
    raise AssertionError("a command ends with an exit code")


def run_process(*arguments, cwd=None):
    """Finished process of the command line."""
    return subprocess.run(
        [sys.executable, "-c", _CODE, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        env=os.environ | {"PYBAMM_DISABLE_TELEMETRY": "true"},
    )
