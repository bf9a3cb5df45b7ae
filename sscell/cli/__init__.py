"""The command line: each command imports what it needs only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Any

import typer

from sscell.errors import DataError, ParameterError, SimulationError

__all__ = ["app", "main"]

app = typer.Typer(
    name="sscell",
    help="Simulate, fit and analyse all-solid-state cells.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# Typer carries its own Click or uses the installed one, depending on its version.
_ClickError: Any = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)

# Each of these modules has a function `register(app)` that adds its commands.
_COMMAND_MODULES = (
    "cells",
    "new",
    "materials",
    "runs",
    "lab",
    "data",
    "papers",
    "sweeps",
    "design",
    "fitting",
    "interchange",
    "bench",
    "workbench",
)

_NO_CACHE = "--no-cache"

for _name in _COMMAND_MODULES:
    importlib.import_module(f"sscell.cli.{_name}").register(app)


@app.callback()
def _for_all_commands(
    no_cache: Annotated[
        bool, typer.Option(_NO_CACHE, help="Keep no files for later runs, and use none.")
    ] = False,
) -> None:
    """Simulate, fit and analyse all-solid-state cells."""
    if no_cache:
        os.environ["SSCELL_CACHE"] = "off"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process. Exit codes: 0 done, 1 the simulation failed,
        2 bad input, 130 interrupted.
    """
    os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    if _NO_CACHE in given:  # wherever it stands
        given = [_NO_CACHE, *(a for a in given if a != _NO_CACHE)]
    try:
        code = app(args=given, prog_name="sscell", standalone_mode=False)
        # Some versions of Typer make an exit code of an interrupt, without a word.
        return _complain("Interrupted.", 130) if code == 130 else int(code or 0)
    except (ParameterError, DataError) as error:
        return _complain(error, 2)
    except SimulationError as error:
        return _complain(error, 1)
    except _ClickError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())
            return 0
        return _complain(error.format_message(), 2)
    except OSError as error:
        return _complain(f"{error.strerror or error}: {error.filename or ''}", 2)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("Interrupted.", 130)


def _complain(message: object, code: int) -> int:
    print("sscell:", " ".join(str(message).split()), file=sys.stderr)
    return code
