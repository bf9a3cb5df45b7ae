"""Reference of the command line, from the commands themselves."""

from __future__ import annotations

from typing import Any

from sheets import markdown as md

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """A page for each command, by its file."""
    import typer

    from sscell.cli import app

    root: Any = typer.main.get_command(app)
    found = {
        f"commands/{name}.md": _page(f"sscell {name}", command)
        for name, command in root.commands.items()
    }
    names = list(root.commands)
    rows = [
        (f"[`sscell {n}`]({n}.md)", md.cell(_first(root.commands[n].help))) for n in names
    ]
    found["commands/index.md"] = md.page(
        "Command line",
        [
            "Exit codes: 0 done, 1 the simulation failed (what it had is kept), 2 bad input "
            "(one sentence on stderr), 130 interrupted. With `--json` standard output is one "
            "JSON object and nothing else. `sscell --no-cache ...` keeps and uses no files.",
            md.table(["command", "what it does"], rows),
            "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```",
        ],
    )
    return found


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _page(title: str, command: Any) -> str:
    parts = [_prose(command.help), *_usage(title, command)]
    for name, below in getattr(command, "commands", {}).items():
        parts += [
            f"## {title} {name}",
            _prose(below.help),
            *_usage(f"{title} {name}", below),
        ]
    return md.page(title, parts)


def _prose(text: str | None) -> str:
    """Paragraphs; nothing in them is markup but what looks like a command."""
    return "\n\n".join(
        md.code(p) if p.startswith("sscell ") else md.cell(p)
        for p in (text or "").split("\n\n")
    )


def _usage(title: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    words = [title, "[OPTIONS]", *(_placeholder(p) for p in arguments)]
    parts = ["```text\n" + " ".join(words) + "\n```"]
    if arguments:
        rows = [(md.code(p.name), md.cell(p.help or "")) for p in arguments]
        parts.append(md.table(["argument", "what it is"], rows))
    if options:
        rows = [(_flags(p), _default(p), md.cell(p.help or "")) for p in options]
        parts.append(md.table(["option", "default", "what it is"], rows))
    return parts


def _placeholder(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    word = f"{word}..." if argument.nargs == -1 and not word.endswith("...") else word
    return word if argument.required else f"[{word}]"


def _flags(option: Any) -> str:
    names = ", ".join(md.code(n) for n in (*option.opts, *option.secondary_opts))
    repeatable = " (repeatable)" if option.multiple else ""
    return names + repeatable


def _default(option: Any) -> str:
    value = option.default
    if option.required:
        return "required"
    if value is None or value is False or value == () or callable(value):
        return ""
    return "on" if value is True else md.code(value)
