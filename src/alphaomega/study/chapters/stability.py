"""Which features half of the rows select again and again."""

from __future__ import annotations

from dataclasses import replace

from ...model_selection import Stability, stability_selection
from ...plotting import stability_figure
from ..numbers import number
from .base import Chapter, Grid, Material, Picture

MENU = "Stability"
TITLE = "Which features are selected again and again"
SHOWN = 20
NAMED = 6
MOST_CELLS = 2e6


def chapter(material: Material) -> Chapter:
    """Stability selection on complementary halves, with both bounds on the number of false selections."""
    found, note = selected(material)
    names = material.names
    frame = found.to_frame().head(SHOWN)
    rows = tuple(
        (names[int(name[1:])], probability, both, "yes" if chosen else "no")
        for name, probability, both, chosen in frame.iter_rows()
    )
    head = ("feature", "probability", "both halves of a pair", "selected")
    grid = Grid("Selection probabilities", head, rows, f"The {len(rows)} most often selected features.", 3)
    lead = (
        f"L1 was fitted to {2 * found.n_pairs} random halves of the rows, and each half named its first {found.q} "
        f"features. A feature that at least {found.threshold:.0%} of the halves name is selected: a feature of chance "
        "seldom comes back."
    )
    drawn = _picture(found, names)
    notes = tuple(text for text in (note, found.message) if text)
    return Chapter("stability", MENU, TITLE, lead, (_sentence(found, names),), (grid,), (drawn,), notes)


def selected(material: Material) -> tuple[Stability, str]:
    """Stability selection on the training rows, done once for all chapters; a note where they are a sample."""

    def select() -> tuple[Stability, str]:
        sample, note = material.sample(MOST_CELLS)
        found = stability_selection(
            sample.X, sample.y, n_resamples=50 if material.curved else 100, n_alphas=25 if material.curved else 100,
            seed=material.study.seed, progress=material.told, **sample.arguments(),
        )  # fmt: skip
        return found, note

    return material.once("stability", select)


def _sentence(found: Stability, names: tuple[str, ...]) -> str:
    chosen = sorted(found.selected, key=lambda j: -found.probability[j])
    bound = (
        f"on average at most {number(found.bound, 2)} of them are false (Meinshausen and Bühlmann), or "
        f"{number(found.bound_shah_samworth, 2)} under the milder assumption of Shah and Samworth"
    )
    if not chosen:
        return "No feature is selected: none is named by enough of the halves."
    listed = ", ".join(names[j] for j in chosen[:NAMED]) + (" ..." if len(chosen) > NAMED else "")
    return f"{len(chosen)} of {len(names):,} features are stable: {listed}; {bound}."


def _picture(found: Stability, names: tuple[str, ...]) -> Picture:
    figure = stability_figure(replace(found, feature_names=names))
    caption = f"{_sentence(found, names)} Grey bars stay below the threshold."
    return Picture(figure, caption, f"Bar chart of selection probabilities. {caption}")
