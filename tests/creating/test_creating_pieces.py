"""Pieces that a model draws, sends through itself, changes, and keeps as latents."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from studio_of_a_model import RATE, studio, write_tune

from harmonic_core.creating.encoding import decode, encode
from harmonic_core.creating.performing import between_classes, joined, long_piece, place_of, through_the_model
from harmonic_core.creating.sources import drawn
from harmonic_core.creating.studio import is_silent
from harmonic_core.errors import DataError, RunError
from harmonic_core.generation import draw
from harmonic_core.training.signals import StoppedError


def test_a_draw_is_that_of_its_seed_and_number_alone() -> None:
    source = drawn(studio(3), 0.8)
    latents = [source.latent(number) for number in range(3)]
    assert torch.equal(latents[2], drawn(studio(3), 0.8).latent(2))
    assert torch.allclose(drawn(studio(3), 0.4).latent(2), 0.5 * latents[2], atol=1e-6)
    assert not torch.equal(latents[0], latents[1])
    assert not torch.equal(drawn(studio(4), 0.8).latent(2), latents[2])
    # A long piece begins where the short one is.
    assert torch.equal(next(source.course(1)), latents[1])


def test_a_genre_is_drawn_from_where_its_music_lies() -> None:
    jazz, metal = (drawn(studio(), 1.0, label=("genre", genre)) for genre in ("Jazz", "metal"))
    assert all((jazz.latent(number) > 1.0).all() and (metal.latent(number) < -1.0).all() for number in range(20))
    assert all((each > 1.0).all() for each in islice(jazz.course(0), 30))
    everything = torch.stack([drawn(studio(), 1.0, music=True).latent(number) for number in range(40)])
    # Both genres are drawn from together, with all that lies between.
    assert everything.mean(dim=0).abs().max() < 1.0
    assert 1.5 < everything.std().item() < 2.5


def test_what_is_drawn_like_a_piece_is_near_one_of_its_segments(tmp_path: Path) -> None:
    tune = write_tune(tmp_path / "tune.wav", 6.0)
    exact = drawn(studio(), 0.0, like=tune)
    course = list(islice(exact.course(0), 12))
    segments = torch.stack(course)
    assert all((segments - exact.latent(number)).abs().max(dim=1).values.min() < 1e-6 for number in range(8))
    # Its own course, and from the beginning again after its end.
    count = next(n for n in range(1, 12) if torch.equal(course[n], course[0]))
    assert count == len({tuple(each.tolist()) for each in course})
    near = drawn(studio(), 0.5, like=tune)
    assert (
        0.0
        < (near.latent(0) - exact.latent(0)).norm()
        < (drawn(studio(), 2.0, like=tune).latent(0) - exact.latent(0)).norm()
    )


@pytest.mark.parametrize("seconds", [0.01, 1.0, 12.345])
def test_a_piece_is_as_long_as_it_should_be_and_the_same_every_time(seconds: float) -> None:
    place = studio(5)
    sound = long_piece(place, drawn(place, 0.8), 1, seconds)
    assert len(sound) == round(seconds * RATE)
    assert np.isfinite(sound).all()
    assert np.array_equal(sound, long_piece(studio(5), drawn(studio(5), 0.8), 1, seconds))
    assert seconds < 1.0 or not np.array_equal(sound, long_piece(place, drawn(place, 0.8), 2, seconds))
    assert abs(sound[0]) < 1e-3
    assert abs(sound[-1]) < 1e-2


@pytest.mark.parametrize(("seconds", "rate"), [(0.002, RATE), (0.3, RATE), (1.0, RATE), (5.7, RATE), (5.7, 44_100)])
def test_a_file_comes_back_as_long_as_it_was(tmp_path: Path, seconds: float, rate: int) -> None:
    tune = write_tune(tmp_path / "tune.wav", seconds, rate)
    sound = through_the_model(studio(), tune)
    assert len(sound) == pytest.approx(seconds * RATE, abs=2)
    assert np.isfinite(sound).all()
    assert np.array_equal(sound, through_the_model(studio(), tune))


def test_whole_files_err_no_more_than_their_segments_do(tmp_path: Path) -> None:
    place = studio()
    tune = write_tune(tmp_path / "tune.wav", 9.0)
    pcm = torch.from_numpy(soundfile.read(tune, dtype="int16")[0])
    voice = place.voice
    mel = voice.features(pcm.unsqueeze(0))[0]
    encoded = encode(place, [tune], {})
    frames = (encoded.starts // voice.features.hop_length).tolist()
    whole = torch.cat(list(voice.mels([(frames, torch.from_numpy(encoded.mu))], place.close, alike=True)), dim=1)
    errors = []
    for part in torch.split(pcm, voice.samples):
        if len(part) == voice.samples:
            seen = voice.features(part.unsqueeze(0))
            errors.append((voice.decode(voice.encode(seen).mu) - seen).abs().mean().item())
    assert (whole - mel).abs().mean().item() < 1.05 * float(np.mean(errors))


def test_latents_that_are_kept_give_what_a_reconstruction_is(tmp_path: Path) -> None:
    place = studio()
    tunes = [write_tune(tmp_path / "one.wav", 4.3), write_tune(tmp_path / "two.wav", 0.5)]
    encoded = encode(place, tunes, {})
    for number, tune in enumerate(tunes):
        assert np.array_equal(decode(place, encoded.part(number)), through_the_model(place, tune))
    assert encoded.names.tolist() == ["one.wav", "two.wav"]
    with pytest.raises(RunError, match="another model"):
        decode(place, replace(encoded, mu=encoded.mu[:, :4], logvar=encoded.logvar[:, :4]))
    with pytest.raises(DataError, match="multiples of 256"):
        decode(place, replace(encoded.part(0), starts=encoded.part(0).starts + 1))


def test_to_blend_is_to_move_every_latent_from_one_mean_to_the_other(tmp_path: Path) -> None:
    place = studio()
    shift = between_classes(place, "genre", "jazz", "metal", 0.5)
    assert torch.allclose(shift, torch.full((8,), -2.0), atol=0.1)
    tune = write_tune(tmp_path / "tune.wav", 3.0)
    encoded = encode(place, [tune], {})
    moved = decode(place, replace(encoded, mu=encoded.mu + shift.numpy()))
    assert np.array_equal(moved, through_the_model(place, tune, shift))
    assert np.array_equal(through_the_model(place, tune, 0.0 * shift), through_the_model(place, tune))
    with pytest.raises(DataError, match="It knows: jazz, metal"):
        between_classes(place, "genre", "jazz", "mettal", 0.5)


def test_names_stand_for_places_in_the_latent_space(tmp_path: Path) -> None:
    place = studio()
    latent, words = place_of(place, "seed:3", 0.8)
    assert torch.equal(latent, drawn(studio(3), 0.8).latent(0))
    assert "seed 3" in words
    latent, words = place_of(place, "genre:JAZZ", 0.8)
    assert any(torch.equal(latent, each) for each in place.latents().mu[:10])
    tune = write_tune(tmp_path / "a:b.wav", 3.0)
    latent, words = place_of(place, str(tune), 0.8)
    assert any(torch.equal(latent, torch.from_numpy(each)) for each in encode(place, [tune], {}).mu)
    for name, reason in (
        ("nowhere.wav", "no such file; name music"),
        ("mood:sad", "there are seed:, genre:"),
        ("seed:-1", "a whole number"),
        ("seed:²", "a whole number"),
        (f"seed:{2**63}", "a whole number"),
    ):
        with pytest.raises(DataError, match=reason):
            place_of(place, name, 0.8)


def test_steps_become_one_piece() -> None:
    place = studio()
    sound = joined(place, draw(5, 8, 0))
    hop_s = (place.voice.frames - place.apart) * 256 / RATE
    assert len(sound) / RATE == pytest.approx(4 * hop_s + 1.0, abs=0.001)


def test_work_that_should_stop_is_given_up(tmp_path: Path) -> None:
    place = studio()
    place.stopped = lambda: True
    with pytest.raises(StoppedError):
        long_piece(place, drawn(place, 0.8), 0, 3.0)
    with pytest.raises(StoppedError):
        through_the_model(place, write_tune(tmp_path / "tune.wav", 3.0))


def test_a_model_that_diverged_makes_no_music() -> None:
    place = studio()
    next(place.opened.trained.model.parameters()).data.fill_(float("nan"))
    with pytest.raises(RunError, match="no numbers"):
        replace(place)


def test_silence_is_not_made_loud() -> None:
    assert is_silent(np.zeros(1000, np.float32))
    assert is_silent(np.full(1000, 5e-4, np.float32))
    assert not is_silent(np.full(1000, 0.01, np.float32))
