"""Training the vocoder's network: it learns, by itself, the same every time, and files are checked before use."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.tracks import AudioFile, Track
from harmonic_core.errors import RunError
from harmonic_core.profile.sections import Audio
from harmonic_core.training.refining import Closer, Refining, read_refiner, refine_of, train_alone, write_refiner

AUDIO = Audio(sample_rate=8_000, n_fft=512, hop_length=256, n_mels=32)
SEGMENT = 8_000
BETTER = Closer(plain_db=3.0, refined_db=2.0, plain_convergence=0.4, refined_convergence=0.3)
WORSE = Closer(plain_db=3.0, refined_db=3.5, plain_convergence=0.4, refined_convergence=0.3)


@pytest.fixture(scope="module")
def features() -> LogMel:
    return LogMel(AUDIO)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> list[CachedTrack]:
    """Six tracks of struck chords, each of other notes, over a little noise."""
    folder = tmp_path_factory.mktemp("music")
    made = []
    for number in range(6):
        random = np.random.default_rng(number)
        time = np.arange(8 * SEGMENT) / AUDIO.sample_rate
        sound = 0.002 * random.standard_normal(len(time))
        for beat in range(32):
            since = time - 0.25 * beat
            struck = np.where((since >= 0) & (since < 1.0), np.exp(-4.0 * since), 0.0)
            for midi in random.integers(45, 75, 3):
                frequency = 440.0 * 2.0 ** ((midi - 69) / 12)
                partials = [np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 6) if k * frequency < 3_900]
                sound += 0.03 * struck * np.sum(partials, axis=0)
        path = folder / f"{number}.s16"
        path.write_bytes((np.clip(sound, -1, 1) * 32_000).astype(np.int16).tobytes())
        made.append(CachedTrack(Track(str(number), AudioFile(path), str(number)), path, len(time)))
    return made


@pytest.fixture
def learning(tracks: list[CachedTrack]) -> TrainingSegments:
    return TrainingSegments(tracks[:4], SEGMENT, 0)


@pytest.fixture
def held_out(tracks: list[CachedTrack]) -> ValidationSegments:
    return ValidationSegments(tracks[4:], SEGMENT, 100)


@pytest.fixture
def batch(learning: TrainingSegments) -> Tensor:
    return torch.from_numpy(learning.batch(np.arange(8), learning.epoch_starts(0)))


def weights(refining: Refining) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in refining.refiner.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def updated(features: LogMel, batch: Tensor, steps: range) -> Refining:
    refining = Refining(features, 3)
    for step in steps:
        refining.beside(step, batch)
    return refining


def kept(features: LogMel, folder: Path, closer: Closer = BETTER) -> Path:
    refining = Refining(features, 0)
    refining.closer = closer
    write_refiner(folder / "vocoder.safetensors", refining, AUDIO)
    return folder / "vocoder.safetensors"


def refusal(path: Path, features: LogMel, audio: Audio = AUDIO) -> str:
    with pytest.raises(RunError) as caught:
        refine_of(path, features, audio)
    message = str(caught.value)
    assert "\n" not in message
    assert "harmonic vocoder train" in message
    return message


@pytest.mark.slow
def test_sixty_updates_come_nearer_to_music_that_was_held_out(
    features: LogMel, learning: TrainingSegments, held_out: ValidationSegments
) -> None:
    refining = Refining(features, 0)
    untrained = refining.compare(held_out)
    assert untrained is not None
    assert untrained.refined_db == pytest.approx(untrained.plain_db, rel=1e-5)
    assert refining.refine is None
    asked = iter(range(10_000))
    assert train_alone(refining, learning, 1e9, stopped=lambda: next(asked) >= 60) == 60
    trained = refining.compare(held_out)
    assert trained is not None
    assert trained.plain_db == pytest.approx(untrained.plain_db, rel=1e-5)
    assert trained.refined_db < 0.95 * trained.plain_db
    assert trained.refined_convergence < 0.9 * trained.plain_convergence
    assert trained.is_better
    assert refining.refine is refining.refiner


def test_beside_the_model_it_learns_at_every_eighth_update(features: LogMel, batch: Tensor) -> None:
    refining = Refining(features, 0)
    before = weights(refining)
    for step in range(1, 8):
        refining.beside(step, batch)
    assert same(weights(refining), before)
    refining.beside(8, batch)
    assert not same(weights(refining), before)


def test_what_is_learnt_depends_on_seed_step_and_sounds_alone(features: LogMel, batch: Tensor) -> None:
    state = torch.get_rng_state()
    first = updated(features, batch, range(17))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert same(weights(updated(features, batch, range(17))), weights(first))
    assert not same(weights(updated(features, batch, range(8, 25))), weights(first))


def test_it_goes_on_from_its_tensors_bit_by_bit(features: LogMel, batch: Tensor) -> None:
    whole = updated(features, batch, range(17))
    half = updated(features, batch, range(9))
    half.closer = BETTER
    fresh = Refining(features, 3)
    fresh.restore(load(save({name: tensor.contiguous() for name, tensor in half.tensors().items()})))
    assert fresh.closer == BETTER
    fresh.beside(16, batch)
    assert same(weights(fresh), weights(whole))
    restored = whole.tensors()
    assert all(torch.equal(tensor, restored[name]) for name, tensor in fresh.tensors().items() if name != "closer")


def test_an_update_whose_loss_is_not_finite_is_left_out(features: LogMel, batch: Tensor) -> None:
    refining = updated(features, batch, range(1))
    before = refining.tensors()
    before = {name: tensor.clone() for name, tensor in before.items()}
    broken = batch.float() / 32768.0
    broken[0] = float("nan")
    refining.beside(8, broken)
    assert same(refining.tensors(), before)
    refining.beside(16, batch)
    assert not same(refining.tensors(), before)


def test_no_gradient_passes_to_the_sounds_or_stays(features: LogMel, batch: Tensor) -> None:
    sounds = (batch.float() / 32768.0).requires_grad_()
    refining = updated(features, sounds, range(1))
    assert sounds.grad is None
    assert all(weight.grad is None for weight in refining.refiner.parameters())


def test_silence_teaches_nothing_that_is_not_finite(features: LogMel) -> None:
    refining = updated(features, torch.zeros(4, SEGMENT, dtype=torch.int16), range(17))
    assert all(tensor.isfinite().all() for tensor in weights(refining).values())


def test_nothing_held_out_gives_no_figures(features: LogMel) -> None:
    refining = Refining(features, 0)
    assert refining.compare(ValidationSegments([], SEGMENT, 9)) is None
    assert refining.refine is None


def test_training_alone_tells_how_far_it_is(features: LogMel, learning: TrainingSegments) -> None:
    told: list[float] = []
    refining = Refining(features, 0)
    updates = train_alone(refining, learning, 0.5, told.append)
    assert updates == len(told) >= 1
    assert told == sorted(told)
    assert 0.0 <= told[0] <= told[-1] <= 1.0
    assert train_alone(refining, learning, 1e9, stopped=lambda: True) == 0


def test_training_alone_leaves_the_number_of_threads_as_it_was(features: LogMel, learning: TrainingSegments) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen: list[int] = []
        asked = iter((False, True))
        train_alone(
            Refining(features, 0), learning, 1e9, lambda _: seen.append(torch.get_num_threads()), lambda: next(asked)
        )
        assert seen == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_network_comes_back_as_it_was_written(features: LogMel, batch: Tensor, tmp_path: Path) -> None:
    refining = updated(features, batch, range(9))
    refining.closer = BETTER
    write_refiner(tmp_path / "vocoder.safetensors", refining, AUDIO)
    state = torch.get_rng_state()
    refiner, closer = read_refiner(tmp_path / "vocoder.safetensors", features, AUDIO)
    assert torch.equal(torch.get_rng_state(), state)
    assert closer == BETTER
    assert same(refiner.state_dict(), weights(refining))


def test_only_a_network_that_betters_the_inversion_is_used(features: LogMel, tmp_path: Path) -> None:
    assert refine_of(tmp_path / "vocoder.safetensors", features, AUDIO) is None
    assert refine_of(kept(features, tmp_path, WORSE), features, AUDIO) is None
    assert refine_of(kept(features, tmp_path, Closer(3.0, float("nan"), 0.4, 0.3)), features, AUDIO) is None
    assert refine_of(kept(features, tmp_path), features, AUDIO) is not None


def test_a_network_for_other_audio_is_refused_and_says_which(features: LogMel, tmp_path: Path) -> None:
    path = kept(features, tmp_path)
    message = refusal(path, features, AUDIO.model_copy(update={"hop_length": 128, "top_db": 6.0}))
    assert "hop_length 256 instead of 128" in message
    assert "top_db 0.0 instead of 6.0" in message
    other = AUDIO.model_copy(update={"n_mels": 40})
    assert "n_mels 32 instead of 40" in refusal(path, LogMel(other), other)


def test_what_is_no_network_is_refused_and_never_run(features: LogMel, tmp_path: Path) -> None:
    path = kept(features, tmp_path)
    whole, about = path.read_bytes(), metadata(path)
    tensors = load_file(path)
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (trap,)

    name = next(iter(tensors))
    spoiled = {
        "truncated": whole[: len(whole) // 2],
        "cut in its head": whole[:40],
        "empty": b"",
        "pickle": pickle.dumps(Trap()),
        "without metadata": save(tensors),
        "figures that are none": save(tensors, metadata={**about, "closer": "[" * 100_000}),
        "a figure missing": save(tensors, metadata={**about, "closer": "{}"}),
        "settings that are none": save(tensors, metadata={**about, "audio": "[]"}),
        "a tensor missing": save({key: value for key, value in tensors.items() if key != name}, metadata=about),
        "a tensor too many": save({**tensors, "more": torch.zeros(3)}, metadata=about),
        "another shape": save({**tensors, name: torch.zeros(3, 3)}, metadata=about),
        "not finite": save({**tensors, name: torch.full_like(tensors[name], float("nan"))}, metadata=about),
    }
    for what, content in spoiled.items():
        path.write_bytes(content)
        assert "not a vocoder's network" in refusal(path, features), what
    assert not trap.exists()
    path.unlink()
    path.mkdir()
    assert "not a vocoder's network" in refusal(path, features)


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says beside its tensors."""
    content = path.read_bytes()
    found: dict[str, str] = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    return found
