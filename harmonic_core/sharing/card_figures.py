"""The figures of a model card."""

from __future__ import annotations

from collections.abc import Iterator

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import Report, read_evaluations
from harmonic_core.run.records import Row, read_rows


def figures(run: RunDirectory | None, step: int, latent_dim: int) -> Iterator[str]:
    """Lines of Markdown on how well the weights of a step do, as their run measured it.

    Parameters
    ----------
    run
        None where that is not known.
    step
        Updates made.
    latent_dim
        Numbers in a latent.
    """
    row, report = (_row(run, step), _report(run, step)) if run else (None, None)
    if row is None and report is None:
        yield "Not measured."
        return
    yield "On music that it was not trained on; dB are mean absolute errors of log-mels.\n"
    yield "| | |"
    yield "|---|---|"
    if row is not None:
        yield from _line("validation error, of a draw from the posterior", row.get("val_recon_db"), "{:.2f} dB")
        yield from _line("error of always answering with the mean spectrum", row.get("mean_spectrum_db"), "{:.2f} dB")
        yield from _line("KL", row.get("val_kl_nats"), "{:.1f} nats a segment")
        yield from _line("rate", row.get("val_kl_bits_per_s"), "{:.1f} bit/s")
        yield from _line("active units", row.get("active_units"), "{:.0f} of " + str(latent_dim))
    if report is not None:
        yield from _of_report(report)


def _of_report(report: Report) -> Iterator[str]:
    yield f"| measured at | step {report.step}, epoch {report.epoch}, on {report.segments} held-out segments |"
    yield from _line("reconstructed mels", report.model.mel_db, "{:.2f} dB")
    yield from _line("reconstructions as they are heard", report.model_and_vocoder.mel_db, "{:.2f} dB")
    yield from _line("the vocoder alone", report.vocoder.mel_db, "{:.2f} dB")
    yield from _line("always the mean spectrum", report.mean_spectrum_db, "{:.2f} dB")
    yield from _line("KL there", report.kl_nats, "{:.1f} nats a segment")
    yield f"| active units there | {report.active_units} of {report.latent_dim} |"
    if report.draws is not None:
        draws = report.draws
        yield from _line("mel-FD of samples from the prior", draws.mel_fd, "{:.0f} dB²")
        yield f"| mel-FD of the mean spectrum, of noise | {draws.mel_fd_mean:.0f} dB², {draws.mel_fd_noise:.0f} dB² |"


def _line(name: str, value: object, form: str) -> Iterator[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield f"| {name} | {form.format(value)} |"


def _row(run: RunDirectory, step: int) -> Row | None:
    """Row of the epoch that the weights are of."""
    found = [row for row in read_rows(run.metrics) if row.get("kind") == "epoch" and row.get("step") == step]
    return found[-1] if found else None


def _report(run: RunDirectory, step: int) -> Report | None:
    """What the run measured of itself last, up to the step of the weights."""
    earlier = [report for report in read_evaluations(run) if report.step <= step]
    return earlier[-1] if earlier else None
