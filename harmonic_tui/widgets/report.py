"""A whole evaluation in blocks: whose error is whose, the latent, what it tells apart, samples, promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from harmonic_core.run.words import UNKNOWN, count
from harmonic_tui.plain import plain
from harmonic_tui.runs.evaluated import Evaluated
from harmonic_tui.widgets.case_study import goal_lines
from harmonic_tui.wording import figure, hundredths, percent

if TYPE_CHECKING:
    from harmonic_core.run.evaluations import Draws, Musicality, Report

_GAP = "  "
_COPIES = 0.5
"""Relative distance to the training music below which samples may be copies of it."""
_MOST_LABELS, _MOST_SHARES = 12, 4
_ERRORS = {
    "mel_db": "mel, dB",
    "perceptual_db": "perceptual, dB",
    "lsd_db": "spectrum, dB",
    "loudness_db": "loudness, dB",
    "multi_scale": "multi-scale",
    "chroma": "chroma, 1 at best",
    "tonnetz": "Tonnetz, 1 at best",
}
_SIDES = {"vocoder": "vocoder", "model": "model", "model_and_vocoder": "both"}

Cell = str | Content


class Block(Static):
    """One part of an evaluation, in a frame with a title."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__(id=name, classes="frame")
        self.border_title = Content(title)


COLUMNS: tuple[dict[str, str], ...] = (
    {"promises": "Case study", "errors": "Whose error is whose", "telling": "What the latent tells apart"},
    {"space": "Latent", "draws": "Samples of the prior"},
)
"""Titles of the blocks by the id of their widget, in the order of reading, as they stand side by side."""


def block(name: str, evaluated: Evaluated, width: int) -> Content:
    """What stands in a block of that width; nothing where there is no evaluation yet."""
    report = evaluated.report
    if report is None:
        lines: list[Content] = goal_lines(evaluated.goals, width) if name == "promises" else []
    else:
        match name:
            case "errors":
                lines = _errors(report)
            case "telling":
                lines = _telling(report, width)
            case "space":
                lines = _space(report)
            case "draws":
                lines = _draws(report.draws, report.samples_music, report.held_out_music)
            case _:
                lines = goal_lines(evaluated.goals, width)
    return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def heading(evaluated: Evaluated) -> Content:
    """Which model was measured, and on what."""
    report = evaluated.report
    if report is None:
        return Content.styled(evaluated.measured, "$muted")
    heard = f", {count(report.heard)} of them heard"
    return Content.assemble(
        Content.styled(f"epoch {count(report.epoch)}, step {count(report.step)}", "bold"),
        f"   {count(report.segments)} held-out segments{heard}\n",
        Content.styled(plain(report.music, 200), "$muted"),
    )


def _errors(report: Report) -> list[Content]:
    sides = [getattr(report, side) for side in _SIDES]
    rows: list[list[Cell]] = [
        [title, *(hundredths(getattr(side, field)) for side in sides)] for field, title in _ERRORS.items()
    ]
    beaten = report.model.mel_db < report.mean_spectrum_db
    reference = Content.styled(hundredths(report.mean_spectrum_db), "" if beaten else "$look")
    rows.insert(1, [Content.styled("  mean spectrum, dB", "$muted"), "", reference, ""])
    return [
        *_table(["", *_SIDES.values()], rows),
        Content.styled("the vocoder is the limit; both is what is heard", "$muted"),
    ]


def _telling(report: Report, width: int) -> list[Content]:
    if not report.tells_apart:
        return [Content.styled("no labels to tell apart, or no time for it", "$muted")]
    labels = list(report.tells_apart.items())[:_MOST_LABELS]
    rows: list[list[Cell]] = [
        [
            plain(label, 16),
            Content.styled(percent(told.neighbours), "" if told.neighbours > told.chance else "$look"),
            percent(told.probe),
            percent(told.chance),
            hundredths(told.silhouette),
            count(told.values),
        ]
        for label, told in labels
    ]
    head: list[Cell] = ["", "kNN", "probe", "chance", "silhouette", "values"]
    lines = _table(head, rows)
    if lines[0].cell_length > width:
        lines = _table(head[:-1], [row[:-1] for row in rows])
    left = len(report.tells_apart) - len(labels)
    return [*lines, *([Content.styled(f"and {left} more", "$muted")] if left else [])]


def _space(report: Report) -> list[Content]:
    active = Content.styled(count(report.active_units), "" if report.active_units else "$look")
    rows: list[list[Cell]] = [
        ["KL of a segment, nats", figure(report.kl_nats)],
        ["KL, bit/s", figure(report.kl_bits_per_s)],
        ["dimensions active", Content.assemble(active, f" of {count(report.latent_dim)}")],
        ["sparsity", percent(report.sparsity)],
    ]
    for components, share in list(report.principal_shares.items())[:_MOST_SHARES]:
        rows.append([f"variance of {count(components)} component{'s' * (components != 1)}", percent(share)])
    smooth = report.smoothness
    rows += [
        ["evenness of paths, 1 at best", hundredths(smooth.evenness if smooth else None)],
        ["their middles, 1 is real music", hundredths(smooth.middle if smooth else None)],
    ]
    return _table([], rows)


def _draws(draws: Draws | None, samples: Musicality | None, held_out: Musicality | None) -> list[Content]:
    lines = []
    if draws is not None:
        copies = draws.nearest_training is not None and draws.nearest_training < _COPIES
        near = Content.styled(hundredths(draws.nearest_training), "$look" if copies else "")
        lines += _table(
            [],
            [
                ["mel-FD, dB²", figure(draws.mel_fd)],
                [Content.styled("  of the mean spectrum", "$muted"), figure(draws.mel_fd_mean)],
                [Content.styled("  of noise", "$muted"), figure(draws.mel_fd_noise)],
                ["diversity, 1 is real music", hundredths(draws.diversity)],
                ["distance to training, 1 is held out", near],
            ],
        )
        lines += [Content.styled("! they may be copies of the training music", "$look")] if copies else []
    if samples is not None or held_out is not None:
        both = (samples, held_out)
        lines += _table(
            ["", "samples", "held out"],
            [
                ["key clarity", *(hundredths(each.key_clarity) if each else UNKNOWN for each in both)],
                ["onset regularity", *(hundredths(each.onset_regularity) if each else UNKNOWN for each in both)],
            ],
        )
    return lines or [Content.styled("too few held-out segments to compare with", "$muted")]


def _table(head: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> list[Content]:
    """Aligned lines, the first column to the left and figures to the right; the head is muted."""
    table = [[Content(cell) if isinstance(cell, str) else cell for cell in row] for row in ([head] if head else [])]
    table += [[Content(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    widths = [max(cell.cell_length for cell in column) for column in zip(*table, strict=True)]
    lines = [
        Content(_GAP).join(
            Content.assemble(cell, " " * (width - cell.cell_length))
            if place == 0
            else Content.assemble(" " * (width - cell.cell_length), cell)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    return [lines[0].stylize("$muted"), *lines[1:]] if head else lines
