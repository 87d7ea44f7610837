"""Ways, directions and draws in the latent space, and the sound of them."""

import math
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harmonic_core.audio.features import LogMel
from harmonic_core.generation import Voice, Way, draw, principal_directions, walk
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Profile

PROFILE = Profile.model_validate(
    {
        "data": {"segment_length": 1.0},
        "audio": {"n_mels": 32, "n_fft": 512, "hop_length": 256},
        "model": {"hidden_dims": [16, 16], "latent_dim": 8},
    }
)
WAYS: list[Way] = ["spherical", "linear"]


@pytest.fixture(scope="module")
def voice() -> Voice:
    torch.manual_seed(0)
    model = build_model(PROFILE.model, PROFILE.audio, PROFILE.segment_frames)
    return Voice(model.eval(), LogMel(PROFILE.audio), None, 0.0, PROFILE.segment_samples, 4, 0)


def latents(count: int, seed: int = 1) -> torch.Tensor:
    return draw(count, 8, seed)


@pytest.mark.parametrize("way", WAYS)
def test_a_walk_begins_and_ends_where_it_should(way: Way) -> None:
    start, end = latents(2)
    path = walk(start, end, 7, way)
    assert path.shape == (7, 8)
    assert torch.allclose(path[0], start, atol=1e-5)
    assert torch.allclose(path[-1], end, atol=1e-5)


def test_a_spherical_walk_turns_evenly_and_its_length_changes_evenly() -> None:
    start, end = latents(2)
    path = walk(start, end, 9, "spherical")
    lengths = path.norm(dim=1)
    steps = lengths.diff()
    assert torch.allclose(steps, steps.mean().expand_as(steps), atol=1e-5)
    turns = torch.nn.functional.cosine_similarity(path[1:], path[:-1]).arccos()
    assert torch.allclose(turns, turns.mean().expand_as(turns), atol=1e-4)
    # The straight way leads through the inside.
    assert walk(start, end, 9, "linear").norm(dim=1)[4] < lengths[4]


@given(st.sampled_from(["zero", "same", "opposite"]), st.sampled_from(WAYS))
def test_where_no_sphere_tells_the_way_it_is_the_straight_one(case: str, way: str) -> None:
    start = latents(1)[0]
    end = {"zero": torch.zeros(8), "same": 2 * start, "opposite": -start}[case]
    path = walk(start, end, 5, cast("Way", way))
    assert torch.allclose(path, torch.lerp(start, end, torch.linspace(0, 1, 5)[:, None]), atol=1e-4)


def test_a_draw_is_that_of_its_seed_and_as_wide_as_its_temperature() -> None:
    assert torch.equal(draw(3, 8, 5), draw(3, 8, 5))
    assert not torch.equal(draw(3, 8, 5), draw(3, 8, 6))
    assert torch.equal(draw(3, 8, 5, 0.5), 0.5 * draw(3, 8, 5))


def test_coordinates_lead_back_to_their_latent() -> None:
    mu, deviation = latents(40) * torch.linspace(3.0, 0.1, 8), torch.linspace(0.5, 1.0, 8)
    found = principal_directions(mu, deviation)
    coordinates = found.coordinates(mu)
    assert coordinates.shape == (40, 8)
    assert torch.allclose(coordinates.std(dim=0, correction=0), torch.ones(8), atol=1e-4)
    assert torch.allclose(found.latent(coordinates[3]), mu[3], atol=1e-4)
    # The first two of another point, and the rest as it is: nothing has changed.
    assert torch.allclose(found.latent(coordinates[5, :2], mu[5]), mu[5], atol=1e-4)
    assert found.shares.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert (found.shares.diff() <= 0).all()


def test_directions_are_the_same_whatever_the_order_of_the_segments() -> None:
    mu, deviation = latents(40), torch.ones(8)
    one, other = principal_directions(mu, deviation), principal_directions(mu.flip(0), deviation)
    assert torch.allclose(one.axes, other.axes, atol=1e-4)


@pytest.mark.parametrize("count", [1, 5])
def test_of_latents_that_are_all_alike_there_are_no_directions(count: int) -> None:
    mu = latents(1).expand(count, 8)
    found = principal_directions(mu, torch.ones(8))
    assert len(found.axes) == len(found.shares) == 0
    assert torch.allclose(found.latent(torch.zeros(0)), mu[0], atol=1e-6)


def test_a_segment_sounds_the_same_every_time(voice: Voice) -> None:
    latent = latents(1)[0]
    sound = voice.sound(latent)
    assert sound.shape == (PROFILE.segment_samples,)
    assert np.abs(sound).max() <= 1.0
    assert np.array_equal(sound, voice.sound(latent))


def test_what_is_encoded_can_be_decoded(voice: Voice) -> None:
    mel = voice.decode(latents(20))
    posterior = voice.encode(mel)
    assert posterior.mu.shape == posterior.logvar.shape == (20, 8)
    assert voice.sound_of_mel(mel[0]).shape == (PROFILE.segment_samples,)


def test_one_sound_is_made_of_several_segments_without_a_step_in_loudness(voice: Voice) -> None:
    same = latents(1).expand(4, 8)
    sound, starts = voice.continuous(same)
    alone = voice.sound(same[0])
    assert len(starts) == 4
    assert starts[0] == 0.0
    hop_s = (starts[1] - starts[0]) * len(sound) / PROFILE.audio.sample_rate
    assert hop_s == pytest.approx(PROFILE.data.segment_length * 2 / 3, abs=0.02)
    # Around the middle of every crossing it is as loud as one segment alone is in its middle.
    level = math.sqrt(float(np.mean(np.square(alone[len(alone) // 4 : -len(alone) // 4]))))
    for start in starts[1:]:
        middle = int(start * len(sound)) + len(alone) // 6
        crossing = sound[middle - 1000 : middle + 1000]
        assert math.sqrt(float(np.mean(np.square(crossing)))) == pytest.approx(level, rel=0.35)


def test_one_segment_is_continuous_by_itself(voice: Voice) -> None:
    sound, starts = voice.continuous(latents(1))
    assert starts == [0.0]
    alone = voice.sound(latents(1)[0])
    assert np.allclose(sound, alone, atol=0.01 * np.abs(alone).max())
