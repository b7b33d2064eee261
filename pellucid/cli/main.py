"""`pellucid`: the commands, their options, and their error messages."""

from __future__ import annotations

import io
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pellucid.cli.reading_options import (
    DateFormats,
    Decimal,
    Encoding,
    Header,
    Kinds,
    Missing,
    Separator,
    reading_options,
)
from pellucid.command import INTERRUPTED, Interruptible, was_interrupted
from pellucid.errors import PellucidError, RunFolderError

app = typer.Typer(
    help="Neural networks you can see through: train, predict, evaluate, inspect.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Data = Annotated[Path, typer.Argument(help="A CSV, TSV, Parquet or JSON file.", metavar="DATA")]
RunPath = Annotated[
    Path, typer.Argument(help="A run folder, or a model file in it.", metavar="RUN")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"pellucid {version('pellucid')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Neural networks you can see through: train, predict, evaluate, inspect."""


@app.command()
def fit(
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict.", metavar="COLUMN")],
    out: Annotated[
        Path | None, typer.Option(help="A new folder for the run [default: DATA-COLUMN.run].")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The largest number of epochs.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Epochs without improvement before it stops; 0: never."
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The time limit of training: 60s, 5m or 1h."),
    ] = None,
    networks: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, metavar="N", help="How many networks are trained and averaged."
        ),
    ] = None,
    layers: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The number of hidden layers.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The units of a hidden layer.")
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="P", help="The share of units left out in training."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="R", help="The learning rate of AdamW.")
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(min=0.0, metavar="R", help="The weight decay of AdamW.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The rows of a training step.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The random seed.")] = 0,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK", help="regression or classification, instead of the inferred task."
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN[,…]", help="Columns to leave out; may be repeated."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run in --out.")] = False,
    force: Annotated[bool, typer.Option(help="Replace a run in --out.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the result line and nothing else.")
    ] = False,
    separator: Separator = None,
    decimal: Decimal = None,
    header: Header = None,
    encoding: Encoding = None,
    missing: Missing = None,
    date_format: DateFormats = None,
    kind: Kinds = None,
    json: AsJson = False,
) -> None:
    """Train a network on a table, and save it with its preprocessing.

    What is not set is chosen by rules, which inspect lists.
    """
    from pellucid.cli.fit import run_fit

    if task not in (None, "regression", "classification"):
        raise typer.BadParameter(
            f"'{task}' is not regression or classification", param_hint="--task"
        )
    if resume and force:
        raise typer.BadParameter("--resume and --force exclude each other", param_hint="--resume")
    if target in (drop or []):
        raise typer.BadParameter(
            f"'{target}' is the target, it cannot be left out", param_hint="--drop"
        )
    if dropout is not None and dropout >= 1:
        raise typer.BadParameter(f"{dropout:g} is not below 1", param_hint="--dropout")
    if learning_rate is not None and not 0 < learning_rate <= 1e6:
        raise typer.BadParameter(f"{learning_rate:g} is not above 0", param_hint="--learning-rate")
    plan = {
        "networks": networks,
        "layers": layers,
        "width": width,
        "dropout": dropout,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "batch_size": batch_size,
        "epochs": epochs,
        "patience": patience,
    }
    run_fit(
        data,
        target,
        out=out,
        plan=plan,
        seconds=None if time is None else seconds_of(time),
        seed=seed,
        task=task,
        drop=drop or [],
        resume=resume,
        force=force,
        quiet=quiet,
        as_json=json,
        options=reading_options(separator, decimal, header, encoding, missing, date_format, kind),
    )


@app.command()
def predict(
    run: RunPath,
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A CSV or Parquet file [default: CSV to the screen]."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns of DATA to write beside the predictions, such as id,name; may be repeated.",
            metavar="COLUMN[,…]",
        ),
    ] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    header: Header = None,
    encoding: Encoding = None,
    missing: Missing = None,
    date_format: DateFormats = None,
    kind: Kinds = None,
) -> None:
    """Predict the target for the rows of a table."""
    from pellucid.cli.predict import SUFFIXES, run_predict

    if output is not None and output.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(
            f"{output} should end in {' or '.join(SUFFIXES)}", param_hint="--output"
        )
    options = reading_options(separator, decimal, header, encoding, missing, date_format, kind)
    run_predict(run, data, output, keep or [], options)


@app.command()
def evaluate(
    run: RunPath,
    data: Data,
    separator: Separator = None,
    decimal: Decimal = None,
    header: Header = None,
    encoding: Encoding = None,
    missing: Missing = None,
    date_format: DateFormats = None,
    kind: Kinds = None,
    json: AsJson = False,
) -> None:
    """Score a model on a table with the target, beside baselines."""
    from pellucid.cli.evaluate import run_evaluate

    options = reading_options(separator, decimal, header, encoding, missing, date_format, kind)
    run_evaluate(run, data, json, options)


@app.command()
def columns(
    data: Data,
    separator: Separator = None,
    decimal: Decimal = None,
    header: Header = None,
    encoding: Encoding = None,
    missing: Missing = None,
    date_format: DateFormats = None,
    kind: Kinds = None,
    json: AsJson = False,
) -> None:
    """Show what would become of each column, without training."""
    from pellucid.cli.columns import run_columns

    options = reading_options(separator, decimal, header, encoding, missing, date_format, kind)
    run_columns(data, json, options)


@app.command()
def inspect(
    run: RunPath,
    json: AsJson = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List all columns and classes, not the first 20.")
    ] = False,
    kernels: Annotated[
        bool,
        typer.Option(
            "--kernels",
            help="Show the compiled kernels instead, measured on this machine.",
        ),
    ] = False,
    code: Annotated[
        str | None,
        typer.Option(
            help="Show the kernels' code instead: loops, llvm or assembly.", metavar="LANGUAGE"
        ),
    ] = None,
) -> None:
    """Describe a model: scores, columns, network and choices."""
    if kernels or code is not None:
        from pellucid.cli.kernels import CODE, run_kernels

        if code not in (None, *CODE):
            raise typer.BadParameter(f"'{code}' is not {' or '.join(CODE)}", param_hint="--code")
        if code is not None and json:
            raise typer.BadParameter("--json and --code exclude each other", param_hint="--code")
        run_kernels(run, json, code)
        return
    from pellucid.cli.inspect import run_inspect

    run_inspect(run, json, everything)


def seconds_of(text: str) -> float:
    """Seconds from "90", "60s", "5m" or "1h"; other texts are a usage error."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds < float("inf"):
        raise typer.BadParameter(
            f"'{text}' is not a time such as 60s, 5m or 1h", param_hint="--time"
        )
    return seconds


def main() -> None:
    """Run the command line.

    The exit code is 0, 1 for a failure, 2 for wrong usage, 130 for an interrupt.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # The stream was closed before the process began.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif isinstance(stream, io.TextIOWrapper):
            # A letter outside the encoding of the terminal is written as its code.
            stream.reconfigure(errors="backslashreplace")
    with Interruptible():
        try:
            _run()
        except Exception:
            # C code turns an interrupt into other errors.
            if not was_interrupted():
                raise
            _end("interrupted.", INTERRUPTED)


def _run() -> None:
    try:
        _call()
    except RunFolderError as error:
        _end(_as_options(str(error)), 1)
    except PellucidError as error:
        _end(str(error), 1)
    except MemoryError as error:
        _end(f"There is not enough memory. {error}".rstrip(), 1)
    except KeyboardInterrupt:
        _end("interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # The reader has closed the pipe (`… | head`).
        _end("", 0)
    except OSError as error:
        _end(_as_sentence(error), 1)


def _as_options(text: str) -> str:
    """A message of `fit` with its keywords replaced by options of the command."""
    text = text.replace("choose another folder", "choose another folder with --out")
    return text.replace("force=True", "--force").replace("resume=True", "--resume")


def _call() -> None:
    """Runs the command; Typer's exits for interrupts and broken pipes are raised as those errors."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            app()
    except SystemExit as end:
        # Typer ends the process itself for these.
        for kind in (KeyboardInterrupt, BrokenPipeError):
            if end.code and _is_behind(end, kind):
                raise kind from None
        raise
    finally:
        sys.stdout.flush()


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Prints a warning as one sentence, without its location in the code."""
    print(f"pellucid: warning: {message}", file=sys.stderr)


def _is_behind(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an exception was raised because of one of this kind."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None


def _end(text: str, code: int) -> NoReturn:
    """Exit with a code and a line on standard error; output that cannot be written is dropped."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
            continue
        # Python would try to flush again at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    with suppress(OSError):
        if text:
            print(f"pellucid: {text}", file=sys.stderr)
    raise SystemExit(code) from None


def _as_sentence(error: OSError) -> str:
    """A system error as one sentence."""
    from pellucid.train.storage.files import cause

    location = "" if error.filename is None else f" ({error.filename})"
    return f"Reading or writing failed{location}: {cause(error)}."
