"""Pages that are made from the code: the commands, the configuration, the sentences of all errors."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files

from harvester.cli import main
from harvester.errors import Exit
from harvester.export.columns import COLUMNS
from harvester.flickr.methods import DETAILS, PARTS, list_parts
from harvester.progress.metrics.names import METRICS

ROOT = Path(__file__).parent.parent
CODES = {
    Exit.COMPLETE: "All is there.",
    Exit.UNEXPECTED: "An error that is none of these: please report it, with what `-v` says.",
    Exit.USAGE: "An option, a setting or a name is wrong.",
    Exit.INCOMPLETE: "It ended, but something is missing: run it again.",
    Exit.KEY_REFUSED: "Flickr refuses the key or the login.",
    Exit.CANNOT_WRITE: "The disk is full, a permission is missing, or another process writes there.",
    Exit.INTERRUPTED: "Stopped by SIGINT (Ctrl-C): the same command goes on.",
    Exit.TERMINATED: "Stopped by SIGTERM: the same command goes on.",
}
_TYPES = {
    "text": "text",
    "int16": "int16",
    "int32": "int32",
    "int64": "int64",
    "float64": "float64",
    "bool": "bool",
    "moment": "timestamp, UTC",
    "local": "timestamp without a zone",
    "texts": "list of text",
    "sizes": "list of label, width, height, source, url, media",
}
_LANGUAGES = {".service": "ini", ".timer": "ini", ".py": "python", "": "dockerfile"}
_ERRORS = {"UsageError": 2, "KeyRefused": 4, "CannotWrite": 5, "cannot_write": 5, "Unreachable": 3}


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages: mkdocs calls this."""
    pages = (commands, configuration, columns, sentences)
    for name, build in ((f"{page.__name__}.md", page) for page in pages):
        files.append(File.generated(config, name, content="\n".join(build())))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put tables, and files of recipes, where a page asks for them: mkdocs calls this."""
    for mark, build in (("parts", parts), ("metrics", metrics), ("calls", calls), ("listing", listing)):
        markdown = markdown.replace(f"<!-- {mark} -->", "\n".join(build()))
    return re.sub(r"<!-- file: (\S+) -->", _show, markdown)


def _show(asked: re.Match[str]) -> str:
    path = ROOT / "docs" / "recipes" / asked[1]
    return f"```{_LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}```"


def parts() -> Iterator[str]:
    """All parts of a photo, in their order on a line."""
    yield "| member | asked for by | is | method |\n|---|---|---|---|"
    for name, part in PARTS.items():
        least = " or ".join(f"`--detail {each}`" for each in DETAILS if name in list_parts(each)) or f"`--with {name}`"
        yield f"| `{name}` | {least} | {part.told} | {part.method} |"


def calls() -> Iterator[str]:
    """What each source costs, as a test measures it."""
    depths = "a photo at `info` | `full` | `full --sizes listing`"
    yield f"| source | photos | calls to list them | {depths} | update, unchanged |\n|---|--:|--:|--:|--:|--:|--:|"
    for source, photos, listed, info, full, sizes, update in _read_table("calls.tsv"):
        yield f"| {source} | {photos} | {listed} | {info} | {full} | {sizes} | {update} |"


def listing() -> Iterator[str]:
    """What a listing costs in each world, as a test holds it."""
    yield "| what goes wrong | calls for 500 photos, at most |\n|---|--:|"
    yield from (f"| {told} | {most} |" for told, most in _read_table("listing.tsv"))


def _read_table(name: str) -> Iterator[list[str]]:
    for line in (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines():
        yield line.split("\t")


def metrics() -> Iterator[str]:
    """All metrics of a run, as a scrape shows them."""
    yield "| metric | is a | labels | |\n|---|---|---|---|"
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |"


def commands() -> Iterator[str]:
    """Every command with every option, as `--help` knows them."""
    yield "# Commands\n\nMade from the code of `harvester --help`.\n"
    yield from _codes()
    context = click.Context(main, info_name="harvester")
    for name in main.list_commands(context):
        yield from _command(main.get_command(context, name), name, context, level=2)


def _codes() -> Iterator[str]:
    yield "## Exit codes\n\n| code | |\n|--:|---|"
    yield from (f"| {code.value} | {text} |" for code, text in CODES.items())
    yield ""


def _command(command: Any, name: str, parent: click.Context, *, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"{'#' * level} {context.command_path}\n"
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    yield _text(inspect.cleandoc(command.help or ""))
    yield from _options(command, context)
    if command.epilog:
        yield f"\n```text\n{inspect.cleandoc(command.epilog).replace(chr(8), '').strip()}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(command.get_command(context, inner), inner, context, level=level + 1)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    sections: dict[str, list[str]] = {}
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if isinstance(param, click.Option) and record is not None:
            names, text = record
            row = f"| <code>{_cell(names)}</code> | {_cell(_text(text))} |"
            sections.setdefault(getattr(param, "section", "Options"), []).append(row)
    for title, rows in sections.items():
        yield f"\n**{title}**\n\n| | |\n|---|---|"
        yield from rows
        yield ""


def _text(text: str) -> str:
    return re.sub(r"\s*\x08\s*", "\n\n", text).replace("<", "&lt;")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "&#124;")


def configuration() -> Iterator[str]:
    """The example of a config file, which shows every setting with its default, and the environment."""
    yield (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    yield f"```toml\n{(ROOT / 'config.example.toml').read_text(encoding='utf-8')}```"


def columns() -> Iterator[str]:
    """The columns of `harvester export`, from their definition."""
    yield (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    yield "| column | type | meaning | from | other names |\n|---|---|---|---|---|"
    for column in COLUMNS:
        source = " or ".join(filter(None, (column.info, column.listed, column.made)))
        cells = (f"`{column.name}`", _TYPES[column.kind], column.meaning, source, ", ".join(column.terms))
        yield f"| {' | '.join(map(_cell, cells))} |"


def sentences() -> Iterator[str]:
    """The sentences of errors that end a command, by exit code; `…` stands for what differs each time."""
    yield "# All error sentences\n\nMade from the code. `…` stands for what differs: a name, a number, a path."
    found: dict[int, set[str]] = {}
    for path in sorted((ROOT / "harvester").rglob("*.py")):
        for code, sentence in _raised(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(code, set()).add(sentence)
    for code in sorted(found):
        yield f"\n## Exit code {code}\n\n{CODES[Exit(code)]}\n"
        yield from (f"- {sentence.replace('<', '&lt;')}" for sentence in sorted(found[code], key=str.lower))


def _raised(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and node.func.id in _ERRORS:
            sentence = _template(node.args[0])
            if sentence is not None and len(re.findall(r"[A-Za-z]+", sentence)) > 2:
                yield _ERRORS[node.func.id], sentence


def _template(node: ast.expr) -> str | None:
    """A text of the code, with `…` for what is put in; None where it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(parts)
    return None
