"""What the model makes, as WAV files: samples of the prior, and validation segments beside their reconstructions."""

from __future__ import annotations

import io
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import Refine, mel_to_sound
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.evaluation.level import level_offset
from harmonic_core.evaluation.validation import posterior_of, typical_segments
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Audio, Evaluation
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import Sample, Take, step_folder
from harmonic_core.training.signals import StoppedError

_ENVELOPE_POINTS = 48
_QUIET_DB = -60.0
_USUAL = 16


@dataclass(frozen=True)
class SoundWriter:
    """Renders the same items at every call, so that one can be followed through training.

    Attributes
    ----------
    run
        Where to.
    features
        The analysis to invert.
    segments
        Validation segments; the items are spread evenly over them.
    evaluation
        How many, and how carefully.
    training
        What the model is trained on: it says how loud the sounds should be.
    audio
        How sound becomes mels.
    seed
        Decides the prior's noise and the vocoder's first phase.
    stopped
        Asked before every sound; where it says so the set is given up.
    """

    run: RunDirectory
    features: LogMel
    segments: ValidationSegments
    evaluation: Evaluation
    training: TrainingSegments
    audio: Audio
    seed: int
    stopped: Callable[[], bool] = lambda: False

    def write(self, model: VAE, step: int, epoch: int, refine: Refine | None = None) -> int:
        """Write one set of sounds to `samples/step-N`, whole or not at all; gives their number.

        `refine` is a part of the vocoder; see `mel_to_sound`.

        Raises
        ------
        OSError
            If there is no room.
        StoppedError
            If it was `stopped`.
        """
        target = step_folder(self.run, step)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        self.run.samples.mkdir(exist_ok=True)
        temporary.mkdir()
        try:
            items = [
                *self._priors(model, temporary, step, epoch, refine),
                *self._reconstructions(model, temporary, step, epoch, refine),
            ]
            for item in items:
                name = f"{'prior' if item.kind == 'prior' else 'recon'}-{item.index}.json"
                (temporary / name).write_text(item.model_dump_json(indent=1), encoding="utf-8")
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return len(items)

    def _priors(self, model: VAE, folder: Path, step: int, epoch: int, refine: Refine | None) -> list[Sample]:
        count = self.evaluation.prior_samples
        if not count:
            return []
        noise = torch.randn((count, model.latent_dim), generator=torch.Generator().manual_seed(self.seed))
        model.eval()
        with torch.no_grad():
            mel = model.sample(noise.to(self.features.window.device))
        model.train()
        sounds = self._render(mel + self._offset(model), refine)
        return [
            Sample(
                kind="prior",
                index=index,
                step=step,
                epoch=epoch,
                title=f"prior {index + 1}",
                files={"prior": self._save(folder / f"prior-{index}.wav", sound)},
                duration_s=len(sound) / self.audio.sample_rate,
                level_db={"prior": level_db(sound)},
                envelope=envelope(sound),
            )
            for index, sound in enumerate(sounds)
        ]

    def _reconstructions(self, model: VAE, folder: Path, step: int, epoch: int, refine: Refine | None) -> list[Sample]:
        count = min(self.evaluation.reconstructions, len(self.segments))
        if not count:
            return []
        chosen = np.linspace(0, len(self.segments), count, endpoint=False).astype(int)
        pcm = np.concatenate([self.segments.batch(int(index), 1) for index in chosen])
        mel = self.features(torch.from_numpy(pcm).to(self.features.window.device))
        with torch.no_grad():
            reconstruction = model.decode(posterior_of(model, mel).mu)
        originals = pcm.astype(np.float32) / 32768.0
        decoded, reconstructed = self._render(mel, refine), self._render(reconstruction + self._offset(model), refine)
        items = []
        for index, place in enumerate(chosen):
            cached, start = self.segments.places[place]
            takes: dict[Take, NDArray[np.float32]] = {
                "original": originals[index],
                "decoded": decoded[index],
                "reconstruction": reconstructed[index],
            }
            heard = self.features(torch.from_numpy(decoded[index : index + 1]).to(mel.device))
            items.append(
                Sample(
                    kind="reconstruction",
                    index=index,
                    step=step,
                    epoch=epoch,
                    title=f"{cached.track.label} at {start / self.audio.sample_rate:.0f} s",
                    source=cached.track.source,
                    files={take: self._save(folder / f"recon-{index}.{take}.wav", takes[take]) for take in takes},
                    duration_s=pcm.shape[1] / self.audio.sample_rate,
                    level_db={take: level_db(sound) for take, sound in takes.items()},
                    envelope=envelope(reconstructed[index]),
                    recon_db=self.features.error_db(reconstruction[index].clamp(0, 1), mel[index]).item(),
                    decoded_db=self.features.error_db(heard[0], mel[index]).item(),
                )
            )
        return items

    def _render(self, mel: Tensor, refine: Refine | None) -> NDArray[np.float32]:
        return np.concatenate([self._sound(each, refine) for each in torch.split(mel, 1)])

    def _sound(self, mel: Tensor, refine: Refine | None) -> NDArray[np.float32]:
        if self.stopped():
            raise StoppedError
        samples = self.segments.segment_samples
        sound = mel_to_sound(mel, self.features, samples, self.evaluation.griffin_lim_steps, self.seed, refine)
        rendered: NDArray[np.float32] = sound.cpu().numpy()
        return rendered

    def _offset(self, model: VAE) -> float:
        chosen, starts = typical_segments(self.training, _USUAL), self.training.epoch_starts(0)
        pcm = self.training.batch(chosen, starts)[:, : self.training.segment_samples]
        mel = self.features(torch.from_numpy(pcm).to(self.features.window.device))
        return level_offset(model, self.features, self.audio, [mel])

    def _save(self, path: Path, sound: NDArray[np.float32]) -> str:
        wav = io.BytesIO()
        soundfile.write(wav, sound, self.audio.sample_rate, format="WAV", subtype="PCM_16")
        # Not by libsndfile, which says of a full disk only "System error".
        path.write_bytes(wav.getvalue())
        return path.name


def level_db(sound: NDArray[np.float32]) -> float:
    """Root-mean-square level of (samples,) in dB relative to full scale; −120 for silence."""
    return max(-120.0, 10.0 * float(np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-12)))


def envelope(sound: NDArray[np.float32]) -> list[float]:
    """Loudness over time of (samples,), 48 values from 0 (−60 dB or less) to 1 (full scale)."""
    parts = np.array_split(sound.astype(np.float64), _ENVELOPE_POINTS)
    power = np.array([np.mean(np.square(part)) if len(part) else 0.0 for part in parts])
    level = 10.0 * np.log10(power + 1e-12)
    return [round(float(value), 3) for value in np.clip(1.0 - level / _QUIET_DB, 0.0, 1.0)]
