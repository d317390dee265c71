"""The command `alphaomega`: study, fit, predict, datasets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .datasets import Table
    from .study import Study

FAULT = 2
LONGEST = 2000  # letters of a message
INTERRUPTED = 130

app = typer.Typer(
    name="alphaomega",
    help="Regularization from least squares to deep networks: J + alpha * Omega, with a certificate.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Data = Annotated[
    str,
    typer.Argument(help="A file (CSV, TSV, Parquet, Arrow, libsvm, npz) or a name that 'alphaomega datasets' lists."),
]
Target = Annotated[str, typer.Option(metavar="COLUMN", help="Column to predict; default the last one.")]
Family = Annotated[str, typer.Option(help="auto, gaussian, binomial, multinomial or poisson.")]
Folds = Annotated[int, typer.Option(help="Folds of the cross-validation.")]
Seed = Annotated[int, typer.Option(help="Seed of all that is drawn.")]
Offset = Annotated[str, typer.Option(metavar="COLUMN", help="Column added to the linear predictor.")]
Exposure = Annotated[str, typer.Option(metavar="COLUMN", help="Column whose logarithm is added; for counts.")]
Exclude = Annotated[list[str], typer.Option(metavar="COLUMN", help="Column to leave out; may be repeated.")]
Text = Annotated[str, typer.Option(metavar="COLUMN", help="Column of text, read as a bag of words.")]


def show_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        from . import __version__

        print(f"alphaomega {__version__}")
        raise typer.Exit


@app.callback()
def options_of_all(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Regularization from least squares to deep networks: J + alpha * Omega, with a certificate."""


@app.command()
def study(
    data: Data = "diabetes",
    target: Target = "",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the report and the files.")] = Path(
        "alphaomega-study"
    ),
    family: Family = "auto",
    test_size: Annotated[float, typer.Option(help="Share of the rows held out for the test.")] = 0.2,
    folds: Folds = 10,
    seed: Seed = 0,
    offset: Offset = "",
    exposure: Exposure = "",
    text: Text = "",
    exclude: Exclude = [],  # noqa: B006 (typer wants a list)
    networks: Annotated[
        bool, typer.Option("--networks/--no-networks", help="Also train small networks, where PyTorch is installed.")
    ] = True,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also the long analyses: stability, bias and variance, ensembles ...")
    ] = False,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="Memory to use, e.g. 2GB; larger files are read in batches.")
    ] = "",
) -> None:
    """Compare no penalty, L2, L1 and the elastic net on DATA, and recommend one.

    Writes report.html, summary.json, coefficients.csv and model.json.
    """
    from rich.console import Console

    from .study.chapters.terminal import show_chapters
    from .study.large import budget, study_large, too_large, understand_large
    from .study.progress import progress_bar
    from .study.run import Options, study_of
    from .study.terminal import show_study, show_understanding
    from .study.understanding import understand

    options = Options(
        target, family, test_size, folds, seed, offset, exposure, text, networks, tuple(exclude), thorough
    )
    console = Console()
    folder = usable_folder(out)
    allowed = budget(memory)
    told = too_large(data, allowed)
    if told:
        console.print(told, markup=False, highlight=False)
    reading = understand_large(data, options, allowed) if told else understand(table_of(data), options)
    show_understanding(reading.understanding, console)
    with progress_bar() as progress:
        found = (study_large if told else study_of)(reading, options, progress)
    show_study(found, console)
    show_chapters(found, console)
    written = write_files(found, options.exposure, options.offset, folder)
    console.print()
    for file in written:
        console.print(f"  {file}", markup=False, highlight=False, soft_wrap=True)
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)


@app.command()
def fit(
    data: Data,
    target: Target = "",
    out: Annotated[Path, typer.Option(metavar="FILE", help="The model file.")] = Path("model.json"),
    penalty: Annotated[str, typer.Option(help="L1, L2 or elastic-net.")] = "L1",
    alpha: Annotated[str, typer.Option(help="cv, 1se, or a number >= 0.")] = "cv",
    l1_ratio: Annotated[float, typer.Option(help="Share of L1 in the elastic net.")] = 0.5,
    family: Family = "auto",
    folds: Folds = 10,
    seed: Seed = 0,
    offset: Offset = "",
    exposure: Exposure = "",
    text: Text = "",
    exclude: Exclude = [],  # noqa: B006 (typer wants a list)
) -> None:
    """Fit one model on all rows of DATA and write it to a model file."""
    from rich.console import Console

    from .study.progress import progress_bar
    from .study.single import Request, fit_single
    from .study.understanding import Options, understand

    usable_file(out)
    options = Options(target, family, 0.2, folds, seed, offset, exposure, text, False, tuple(exclude))
    request = Request(penalty, alpha, l1_ratio)
    reading = understand(table_of(data), options)
    with progress_bar() as progress:
        model, told = fit_single(reading, options, request, progress)
    from .study.model_file import write_model

    write_model(model, out)
    console = Console()
    console.print(told, markup=False, highlight=False)
    console.print(f"  {out}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="The model.json that a study or fit wrote.")],
    data: Annotated[str, typer.Argument(help="New data: a file with the columns of the old.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV to write; default standard output.")] = None,
) -> None:
    """Predict new rows with a model file; columns are matched by name."""
    import warnings

    from .study.model_file import read_model

    if out is not None:
        usable_file(out)
    loaded = read_model(model)
    table = table_of(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predictions = loaded.predict(table)
    for warning in caught:
        print(f"Note: {warning.message}", file=sys.stderr)
    if out is None:
        sys.stdout.write(predictions.write_csv())
    else:
        predictions.write_csv(out)
        print(f"{predictions.height:,} predictions of {loaded.target} in {out}")


@app.command()
def datasets() -> None:
    """List the data sets that can be named as DATA."""
    from rich.console import Console
    from rich.table import Table as Grid

    from .datasets import BUNDLED, DEFAULT, load

    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("name", "size", "family"):
        grid.add_column(head, no_wrap=True)
    grid.add_column("what it is")
    for name, entry in BUNDLED.items():
        rows, columns = load(name).shape
        mark = " (default)" if name == DEFAULT else ""
        grid.add_row(name + mark, f"{rows:,} x {columns - 1}", entry.family, entry.description)
    Console().print(grid)


def table_of(data: str) -> Table:
    """A bundled data set by name, else a file."""
    from .datasets import BUNDLED, load, read

    return load(data) if data in BUNDLED and not Path(data).is_file() else read(data)


def usable_folder(out: Path) -> Path:
    """The folder, made where it is missing."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; name a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out {out} cannot be made ({error.strerror}); name another folder") from error
    return out


def usable_file(out: Path) -> None:
    """See to it, before any work, that the file can be written: its folder made where it is missing."""
    if out.is_dir():
        raise ValueError(f"--out {out} is a folder; name a file in it")
    usable_folder(out.parent)


def write_files(found: Study, exposure: str, offset: str, folder: Path) -> list[Path]:
    """Write all files of a study; what could not be finished is not written."""
    from . import report
    from .study.files import write_coefficients, write_summary
    from .study.model_file import model_of, write_model

    files = [folder / name for name in ("summary.json", "coefficients.csv", "model.json", "report.html")]
    write_summary(found, files[0])
    if found.chosen is None:
        return files[:1]
    write_coefficients(found, files[1])
    write_model(model_of(found, exposure, offset), files[2])
    report.write(found, files[3])
    return files


def main(arguments: list[str] | None = None) -> None:
    """Run the command; a fault in the input is one message and exit code 2, Ctrl-C is exit code 130."""
    try:
        app(args=arguments, prog_name="alphaomega")
    except ValueError as error:
        fault(str(error))
    except OSError as error:
        fault(f"{error.filename or 'a file'}: {error.strerror or error}")


def fault(message: str) -> None:
    """One message, exit code 2; what it quotes of the data is cut where it is too long to read."""
    from rich.console import Console

    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]} ... {message[-LONGEST // 2 :]}"
    Console(stderr=True).print(f"Error: {message}", markup=False, highlight=False, style="red")
    sys.exit(FAULT)


if __name__ == "__main__":
    main()
