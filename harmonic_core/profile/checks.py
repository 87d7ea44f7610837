"""Settings that are right by themselves and wrong together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from harmonic_core.profile.explain import Key, fields
from harmonic_core.profile.mel_bands import empty_bands, most_bands, shortest_window
from harmonic_core.profile.search_space import objections
from harmonic_core.profile.sections import Data, Profile


@dataclass(frozen=True)
class Finding:
    """A contradiction and the way out."""

    keys: tuple[Key, ...]
    """The settings it concerns, the likeliest to change first."""
    message: str


def findings(profile: Profile) -> list[Finding]:
    """All contradictions in a profile, none of which needs a look at the disk."""
    return [
        *_paths(profile),
        *_folders(profile),
        *_audio(profile),
        *_model(profile),
        *_training(profile),
        *(Finding((("tune", "space"),), objection) for objection in objections(profile)),
    ]


def _paths(profile: Profile) -> Iterator[Finding]:
    for each in fields():
        value = getattr(getattr(profile, each.section), each.leaf)
        if each.kind not in {"path", "paths"} or value is None:
            continue
        for path in value if isinstance(value, tuple) else (value,):
            if "\0" in str(path):
                yield Finding(((each.section, each.leaf),), "a path cannot hold a NUL character; write it anew")
            elif any("\ud800" <= character <= "\udfff" for character in str(path)):
                # The run's own profile.toml could not hold it.
                yield Finding(((each.section, each.leaf),), "the path is not UTF-8; rename the file or folder")


def _folders(profile: Profile) -> Iterator[Finding]:
    data = profile.data
    if data.dataset == "custom" and not data.custom_dir and data.dataset_dir is None:
        yield Finding(
            (("data", "custom_dir"), ("data", "dataset"), ("data", "dataset_dir")),
            "the data set `custom` needs your folder of audio; give it with `--custom-dir path/to/audio`",
        )
    parts = (data.custom_dir, data.gtzan_dir, data.maestro_dir)
    if data.dataset == "combined" and not any(parts):
        yield Finding(
            (("data", "dataset"), ("data", "custom_dir"), ("data", "gtzan_dir"), ("data", "maestro_dir")),
            "the data set `combined` needs a folder at least; give one or more of `--gtzan-dir data/gtzan`, "
            "`--maestro-dir data/maestro` and `--custom-dir path/to/audio`",
        )
    only = {"official": "maestro", "fault_filtered": "gtzan"}.get(data.split)
    if only and data.dataset not in {only, "combined"}:
        yield Finding(
            (("data", "split"), ("data", "dataset")),
            f"the data set `{data.dataset}` has no such division, `{only}` has; take `random`, or leave it out",
        )
    if data.segment_length < data.min_clip_length:
        yield Finding(
            (("data", "segment_length"), ("data", "min_clip_length")),
            f"a segment of {data.segment_length:g} s is shorter than min_clip_length, {data.min_clip_length:g} s; "
            "make segments longer or min_clip_length smaller",
        )


def _audio(profile: Profile) -> Iterator[Finding]:
    audio, seconds = profile.audio, profile.data.segment_length
    if profile.segment_samples < audio.n_fft:
        least = math.ceil(1000 * audio.n_fft / audio.sample_rate) / 1000
        yield Finding(
            (("data", "segment_length"), ("audio", "n_fft"), ("audio", "sample_rate")),
            f"a segment of {seconds:g} s is {profile.segment_samples} samples, shorter than one STFT window of "
            f"{audio.n_fft}; take a segment_length of at least {least:g} or a smaller n_fft",
        )
    if audio.hop_length > audio.n_fft:
        yield Finding(
            (("audio", "hop_length"), ("audio", "n_fft")),
            f"windows of {audio.n_fft} samples, {audio.hop_length} apart, leave sound out between them; "
            f"take a hop_length of at most n_fft, usually a quarter of it: {audio.n_fft // 4}",
        )
    nyquist = audio.sample_rate / 2
    f_max = nyquist if audio.f_max is None else audio.f_max
    if f_max > nyquist:
        yield Finding(
            (("audio", "f_max"), ("audio", "sample_rate")),
            f"{f_max:g} Hz is above half the sample rate, where there is no sound; take at most {nyquist:g}",
        )
    elif audio.f_min >= f_max:
        yield Finding(
            (("audio", "f_min"), ("audio", "f_max"), ("audio", "sample_rate")),
            f"the lowest band begins at {audio.f_min:g} Hz and the highest ends at {f_max:g} Hz; "
            "take an f_min below f_max",
        )
    else:
        yield from _mel_bands(profile, f_max)


def _mel_bands(profile: Profile, f_max: float) -> Iterator[Finding]:
    audio = profile.audio
    question = (audio.sample_rate, audio.n_fft, audio.n_mels, audio.f_min, f_max)
    empty = empty_bands(*question)
    if empty:
        fewer, longer = most_bands(*question), shortest_window(*question)
        ways = [f"an n_mels of at most {fewer}"] if fewer and fewer >= 8 else []
        ways += [f"an n_fft of at least {longer}"] if longer else []
        yield Finding(
            (("audio", "n_mels"), ("audio", "n_fft"), ("audio", "f_min"), ("audio", "f_max"), ("audio", "sample_rate")),
            f"{empty} of {audio.n_mels} mel bands are narrower than the STFT can tell apart and would stay empty; "
            f"take {' or '.join(ways) or 'a wider range from f_min to f_max'}",
        )


def _model(profile: Profile) -> Iterator[Finding]:
    model = profile.model
    if model.kernel_size % 2 == 0:
        yield Finding(
            (("model", "kernel_size"),),
            f"a convolution needs a middle; take an odd kernel_size such as {model.kernel_size + 1}",
        )
    if model.latent_dim % model.latent_frames:
        whole = math.ceil(model.latent_dim / model.latent_frames) * model.latent_frames
        yield Finding(
            (("model", "latent_dim"), ("model", "latent_frames")),
            f"a latent of {model.latent_dim} cannot be spread evenly over {model.latent_frames} frames; "
            f"take a multiple of latent_frames such as {whole}",
        )
    if model.architecture == "harmonic":
        yield from _stages(profile)
    elif model.latent_frames > 1:
        yield Finding(
            (("model", "latent_frames"), ("model", "architecture")),
            "the architecture `dense` has one latent for the whole segment; "
            "take latent_frames = 1, or the architecture `harmonic`",
        )


def _stages(profile: Profile) -> Iterator[Finding]:
    if not profile.hidden_dims and not profile.model.principal_components:
        yield Finding(
            (("model", "hidden_dims"), ("model", "principal_components")),
            "without stages and without principal components nothing is encoded; "
            "take at least one of hidden_dims, or principal_components = true",
        )
    frames, stages, latent_frames = profile.segment_frames, len(profile.hidden_dims), profile.model.latent_frames
    where: tuple[Key, ...] = (("data", "segment_length"), ("audio", "hop_length"), ("model", "architecture"))
    if frames < 2**stages:
        yield Finding(
            (("model", "hidden_dims"), *where),
            f"{stages} stages halve the {frames} frames of a segment until none is left; "
            f"take at most {frames.bit_length() - 1} hidden_dims, or longer segments",
        )
    elif latent_frames > (left := math.ceil(frames / 2**stages)):
        yield Finding(
            (("model", "latent_frames"), ("model", "hidden_dims"), *where),
            f"after {stages} stages {left} of {frames} frames are left; "
            f"take a latent_frames of at most {left}, or fewer hidden_dims",
        )


def _training(profile: Profile) -> Iterator[Finding]:
    loss, train = profile.loss, profile.train
    if loss.beta_end < loss.beta_start:
        yield Finding(
            (("loss", "beta_end"), ("loss", "beta_start")),
            f"beta would fall from {loss.beta_start:g} to {loss.beta_end:g}, and it can only rise or stay; "
            "swap the two, or give both the same value",
        )
    if loss.beta_schedule == "cyclical" and loss.beta_steps == 0:
        yield Finding(
            (("loss", "beta_steps"), ("loss", "beta_schedule")),
            "a cycle of 0 epochs leaves beta no time to rise; take a beta_steps of at least 1, "
            "or the beta_schedule `linear`",
        )
    yield from _held_out(profile)
    if train.batch_size % train.grad_accum_steps:
        divisors = [n for n in range(1, train.batch_size + 1) if train.batch_size % n == 0]
        nearest = min(divisors, key=lambda n: abs(n - train.grad_accum_steps))
        yield Finding(
            (("train", "grad_accum_steps"), ("train", "batch_size")),
            f"a batch of {train.batch_size} cannot be divided into {train.grad_accum_steps} equal parts; "
            f"take a grad_accum_steps that divides it, such as {nearest}",
        )


def _held_out(profile: Profile) -> Iterator[Finding]:
    data, train = profile.data, profile.train
    if data.validation_split or _official_validation(data):
        return
    where: tuple[Key, ...] = (("data", "validation_split"), ("data", "split"), ("data", "official_parts"))
    if train.early_stopping:
        yield Finding(
            (("train", "early_stopping"), *where),
            "nothing is held out, so no validation error can say when to stop; "
            "take a validation_split such as 0.1, or an early_stopping of 0",
        )
    if train.learning_rate_schedule == "plateau":
        yield Finding(
            (("train", "learning_rate_schedule"), *where),
            "`plateau` follows the validation error, and nothing is held out; "
            "take a validation_split such as 0.1, or another schedule such as `cosine`",
        )


def _official_validation(data: Data) -> bool:
    """Tell whether tracks may be held out by a division that does not ask for `validation_split`."""
    parts = set(data.official_parts or ("train", "validation"))
    maestro = data.dataset == "maestro" or (data.dataset == "combined" and bool(data.maestro_dir))
    gtzan = data.dataset == "gtzan" or (data.dataset == "combined" and bool(data.gtzan_dir))
    # MAESTRO's division is taken only where what is used of it has both sides.
    by_maestro = maestro and data.split != "random" and parts >= {"train", "validation"}
    return by_maestro or (gtzan and data.split == "fault_filtered")
