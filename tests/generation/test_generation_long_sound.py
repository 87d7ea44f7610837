"""Sound that is rendered in stretches: nobody hears where they meet."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import harmonic_core.generation.voice as rendering
from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import griffin_lim, mel_to_magnitude
from harmonic_core.generation import Voice, noise
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Profile

PROFILE = Profile.model_validate(
    {
        "data": {"segment_length": 1.0},
        "audio": {"n_mels": 64, "n_fft": 1024, "hop_length": 256},
        "model": {"hidden_dims": [16, 16], "latent_dim": 8},
    }
)
RATE = PROFILE.audio.sample_rate
HOP = PROFILE.audio.hop_length


@pytest.fixture(scope="module")
def voice() -> Voice:
    torch.manual_seed(0)
    model = build_model(PROFILE.model, PROFILE.audio, PROFILE.segment_frames)
    return Voice(model.eval(), LogMel(PROFILE.audio), None, 0.0, PROFILE.segment_samples, 16, 0)


def chord(seconds: float) -> torch.Tensor:
    """Steady tones: whatever is wrong where stretches meet shows in them."""
    time = torch.arange(round(seconds * RATE)) / RATE
    return sum(0.1 * torch.sin(2 * torch.pi * hertz * time + hertz) for hertz in (220.0, 277.2, 329.6, 440.0, 1318.5))  # type: ignore[return-value]


def rendered(voice: Voice, mel: torch.Tensor, samples: int) -> NDArray[np.float32]:
    return np.concatenate(list(voice.render(torch.split(mel, 37, dim=1), lambda: samples)))


def level_db(sound: NDArray[np.float32], middle: int, half: int = 1000) -> float:
    return float(10 * np.log10(np.mean(np.square(sound[middle - half : middle + half]))))


def test_long_sound_has_no_seams(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_STRETCH", 120)
    sound = chord(8.0)
    mel = voice.features(sound.unsqueeze(0))[0]
    made = rendered(voice, mel, len(sound))
    assert len(made) == len(sound)
    advance = 120 - 16 - 16
    seams = [HOP * (advance * number + part) for number in range(1, 7) for part in (0, 4, 8, 12, 16)]
    steady = np.median([level_db(made, place) for place in range(RATE, 7 * RATE, 2000)])
    for place in seams:
        assert level_db(made, place) == pytest.approx(steady, abs=1.0)
    # A click has no place in tones that all lie below 1.4 kHz.
    bend = np.abs(np.diff(made[RATE // 10 : -RATE // 10], 3))
    assert bend.max() < 4.0 * np.quantile(bend, 0.99)


def test_without_going_on_in_phase_there_would_be_seams(voice: Voice) -> None:
    sound = chord(2.0)
    magnitude = mel_to_magnitude(voice.features(sound.unsqueeze(0)), voice.features)
    count = 16 * HOP

    def made(seed: int, before: torch.Tensor | None = None) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return griffin_lim(magnitude, voice.features, len(sound), 16, generator, before)

    first = made(0)
    before = first[:, 40 * HOP :][:, :count]
    going_on = made(1, before)
    assert torch.allclose(going_on[:, : count // 2], before[:, : count // 2], atol=1e-5)

    def likeness(one: torch.Tensor, other: torch.Tensor) -> float:
        # What is heard of both in the second half, where one becomes the other: the same wave, or two that cancel.
        part = slice(count // 2, count)
        return torch.nn.functional.cosine_similarity(one[0, part], other[0, part], dim=0).item()

    assert likeness(going_on, before) > 0.95
    assert likeness(made(1), before) < 0.8


def test_of_an_endless_stream_sound_comes_at_once(voice: Voice) -> None:
    def endless() -> Iterator[torch.Tensor]:
        while True:
            yield torch.full((64, 50), 0.5)

    samples: Callable[[], int | None] = lambda: None  # noqa: E731
    stream = voice.render(endless(), samples)
    assert all(len(next(stream)) > 0 for _ in range(3))


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 5000, 200_000])
def test_sound_is_as_long_as_is_said(voice: Voice, samples: int) -> None:
    mel = torch.rand((64, 1 + 220_000 // HOP), generator=torch.Generator().manual_seed(0))
    assert len(rendered(voice, mel, samples)) == samples


def test_segments_that_are_not_alike_meet_without_a_jump_in_loudness(voice: Voice) -> None:
    # A soft and a loud one in turn: between them the level goes evenly.
    loud = torch.stack([noise(8, 0, 0), noise(8, 0, 1)])
    mels = {0: torch.full((64, voice.frames), 0.3), 1: torch.full((64, voice.frames), 0.8)}

    class Fixed(torch.nn.Module):
        def decode(self, z: torch.Tensor) -> torch.Tensor:
            return torch.stack([mels[index % 2] for index in range(len(z))])

    plain = Voice(Fixed(), voice.features, None, 0.0, voice.samples, 4, 0)  # type: ignore[arg-type]
    faded = voice.frames // 3
    advance = voice.frames - faded
    found = torch.cat(list(plain.mels([([0, advance], loud)], faded)), dim=1)
    steps = found.mean(dim=0).diff().abs() * 80.0
    assert found.mean(dim=0)[:advance].std() < 0.01
    assert steps.max().item() < 1.5 * 40.0 / (faded - 2 * 2)


def test_segments_that_are_alike_meet_in_the_mean_of_both(voice: Voice) -> None:
    latents = torch.stack([noise(8, 0, 0), noise(8, 0, 1)])
    faded = voice.frames // 2
    advance = voice.frames - faded
    one, other = voice.decode(latents)
    found = torch.cat(list(voice.mels([([0, advance], latents)], faded, alike=True)), dim=1)
    middle = advance + faded // 2
    low, high = (
        torch.minimum(one[:, middle], other[:, middle - advance]),
        torch.maximum(one[:, middle], other[:, middle - advance]),
    )
    assert (found[:, middle] >= low - 1e-5).all()
    assert (found[:, middle] <= high + 1e-5).all()
    assert torch.allclose(found[:, : advance - 2], one[:, : advance - 2], atol=1e-4)
