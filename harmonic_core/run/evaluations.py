"""What a model is measured to be, and `evaluations.jsonl`: the same, measured by a run of itself now and then."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows


class Figures(BaseModel):
    """What all of them share: frozen; what a newer version wrote beside is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Closeness(Figures):
    """How near a reconstruction is, means over segments. None where a figure needs sound and there are only mels."""

    mel_db: float
    """Mean absolute log-mel error in dB."""
    perceptual_db: float
    """The same, weighted by how much an error is heard; the weights have a mean of one."""
    multi_scale: float | None = None
    """Mean absolute difference of log10 mel magnitudes, windows of 32 to 2048 samples (Kumar et al. 2023)."""
    lsd_db: float | None = None
    """Log-spectral distance: root mean square over frequency of the level's difference in dB, mean over frames."""
    chroma: float | None = None
    """Cosine between chromas, 1 at best."""
    tonnetz: float | None = None
    """Cosine between tonal centroids, 1 at best."""
    loudness_db: float | None = None
    """Absolute difference of A-weighted levels in dB."""


class Telling(Figures):
    """How well latents tell the values of one label apart; segments of one track never judge each other."""

    neighbours: float
    """Share of segments whose nearest neighbours from other tracks name the right value."""
    probe: float | None
    """The same by a linear classifier trained on other tracks; None where there are too few tracks."""
    chance: float
    """Share that always naming the commonest value would get right."""
    silhouette: float
    """Silhouette of the values as clusters of held-out segments, −1 to 1; those of one track count as near."""
    values: int
    segments: int


class Smoothness(Figures):
    """Straight paths between latents of held-out segments, decoded."""

    evenness: float
    """Mean change of the mel from one point of a path to the next, as a share of the largest: 1 is perfectly even."""
    middle: float
    """Distance of the middles from the nearest real segment, as a multiple of that between real segments of different
    tracks: around 1 a middle is as near to real music as real music is."""


class Musicality(Figures):
    """How much like music sounds are, whatever music it is; means over them."""

    key_clarity: float
    """Correlation of the pitch classes with the key that fits best, up to 1 (Krumhansl & Kessler 1982)."""
    onset_regularity: float
    """How alike the onsets are to themselves one beat later, 0 to 1: autocorrelation of their strength."""


class Draws(Figures):
    """Samples from the prior against real music. Distances are those of normalised mels, in dB."""

    mel_fd: float
    """Fréchet distance between the mel frames of the samples and of held-out music, in dB² (mel-FD; never FAD, which
    is that of another network's embeddings)."""
    mel_fd_mean: float
    """The same for always answering with the mean spectrum."""
    mel_fd_noise: float
    """The same for noise with every band's own mean and deviation."""
    diversity: float
    """Mean distance between samples, as a multiple of that between held-out segments: far below 1 all sound alike."""
    nearest_training: float | None
    """Distance of the samples to the nearest of some hundred training segments, as a multiple of the held-out segments'
    distance to it: far below 1 the samples are copies. None where the training music is not at hand."""


class Report(Figures):
    """Everything that was measured of one state of a model, on music that it was not trained on."""

    weights: str
    """What was evaluated: the file or folder."""
    step: int
    epoch: int
    music: str
    """One line on the music."""
    segments: int
    """Held-out segments whose latents were looked at."""
    heard: int
    """Of these, how many were rendered as sound."""
    mean_spectrum_db: float
    """Error of always answering with the mean spectrum, in dB: what a model has to beat."""
    vocoder: Closeness
    """Original against itself through mels and back: what no model can better."""
    model: Closeness
    """Original mels against the model's, before any sound is made."""
    model_and_vocoder: Closeness
    """Original against what is heard of its reconstruction."""
    kl_nats: float
    """A segment's, in nats."""
    kl_bits_per_s: float
    kl_per_dim: tuple[float, ...]
    active_units: int
    latent_dim: int
    sparsity: float
    principal_shares: dict[int, float]
    """Share of the latent's variance that the first so many principal components have."""
    tells_apart: dict[str, Telling]
    """By label: genre, composer, key and whatever else is known of the tracks."""
    smoothness: Smoothness | None
    """None where there are not two tracks."""
    draws: Draws | None
    """None where there are too few segments to compare with."""
    samples_music: Musicality | None = None
    """Of samples from the prior, as they are heard."""
    held_out_music: Musicality | None = None
    """Of the held-out originals: what to compare the samples with."""
    seconds: float = 0.0
    """How long it took to measure."""


def read_evaluations(run: RunDirectory) -> list[Report]:
    """What a run measured of itself, oldest first; rows that are no such report are passed over."""
    return [report for row in read_rows(run.evaluations) if (report := report_of(row)) is not None]


def report_of(row: dict[str, Any]) -> Report | None:
    """The report on a line of `evaluations.jsonl`; None where it is something else."""
    try:
        return Report.model_validate(row)
    except ValidationError:
        return None
