"""What the list of profiles and runs says of music and figures, without reading much."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from recorded_run import Recording, metric_rows, record_run

from harmonic_core.audio.suffixes import AUDIO_SUFFIXES
from harmonic_core.data.cache import Cache
from harmonic_core.data.tracks import AudioFile
from harmonic_core.profile.sections import Data, Profile, Run, Train
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_tui.curves.sparks import spark, validation_errors
from harmonic_tui.profiles import readiness
from harmonic_tui.profiles.readiness import hardware, look, needs
from harmonic_tui.runs.runs_seen import RunsSeen


def songs(number: int) -> Profile:
    Path("songs").mkdir()
    for index in range(number):
        Path(f"songs/{index}.wav").write_bytes(b"x" * (index + 1))
    Path("songs/cover.jpg").touch()
    Path("songs/.hidden.wav").touch()
    return Profile(data=Data(dataset="custom", custom_dir=(Path("songs"),), cache_dir=Path("cache")))


def decode(path: str) -> None:
    """What the real cache keeps of a decoded file, the samples themselves apart."""
    cache, sound = Cache(Path("cache")), AudioFile(Path(path))
    cache.hold()
    source = hashlib.sha256(path.encode()).hexdigest()
    cache.partial.mkdir(exist_ok=True)
    cache.remember(sound, sound.identity(), source)
    samples = cache.samples_path(source, 22050)
    samples.parent.mkdir(parents=True, exist_ok=True)
    samples.touch()


def test_music_is_counted_and_looked_up_in_the_real_cache() -> None:
    profile = songs(3)
    assert look(profile) == readiness.Readiness("ready", "3 files, not decoded yet")
    decode("songs/0.wav")
    decode("songs/2.wav")
    assert look(profile) == readiness.Readiness("partly", "2 of 3 files decoded")
    decode("songs/1.wav")
    assert look(profile) == readiness.Readiness("ready", "3 files, decoded")
    other_rate = profile.model_copy(update={"audio": profile.audio.model_copy(update={"sample_rate": 44100})})
    assert look(other_rate).words == "3 files, not decoded yet"


def test_of_very_many_files_a_part_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = songs(9)
    monkeypatch.setattr(readiness, "MOST_FILES", 3)
    decode("songs/0.wav")
    assert look(profile).words == "about 33 % of 9 files decoded"


def test_missing_music_comes_with_the_way_out() -> None:
    gtzan = look(Profile(data=Data(dataset="gtzan")))
    assert gtzan.state == "missing"
    assert gtzan.words == "data/gtzan: no such folder"
    assert "harmonic data download gtzan --dataset-dir data/gtzan" in gtzan.way_out
    assert look(Profile(data=Data(dataset="custom"))).words == "your folder is not named yet"
    assert look(Profile(data=Data(dataset="combined"))).words == "no folder is named"
    assert look(Profile()).state == "ready"


def test_what_is_counted_as_music_the_trainer_takes() -> None:
    assert readiness.AUDIO_SUFFIXES <= AUDIO_SUFFIXES


def test_needs_are_said_in_words() -> None:
    assert "1.2 GB" in needs(Data(dataset="gtzan"))
    assert hardware(Profile()) == ""
    assert hardware(Profile(run=Run(device="cuda"), train=Train(mixed_precision=True))) == (
        "needs a CUDA GPU, 16 bits, for a GPU"
    )


def test_of_a_long_file_the_same_figures_are_found_as_by_reading_it_all(workplace: Path) -> None:
    path = workplace / "metrics.jsonl"
    rows = []
    for epoch in range(1, 41):
        step = {"kind": "step", "epoch": epoch, "loss": 1.0, "note": "x" * 200}
        rows += [step] * (10 + 7 * epoch)
        rows.append(
            {"kind": "epoch", "epoch": epoch, "val_recon_db": 100.0 / epoch, "kl_per_dim": [1.0] * (50 * epoch)}
        )
        if epoch == 20:
            rows.append({"kind": "note", "text": "no epoch here"})
    path.write_bytes(b"".join(map(encode_row, rows)).replace(b'"text":"no', b'"te') + b'{"kind":"epoch","epo')
    assert path.stat().st_size > 1 << 20
    assert validation_errors(path, 40) == tuple(100.0 / epoch for epoch in range(1, 41))
    few = validation_errors(path, 5)
    assert len(few) == 5
    assert few[0] == 100.0
    assert few[-1] == 2.5


def test_a_file_of_garbage_gives_no_curve_and_no_error(workplace: Path) -> None:
    path = workplace / "metrics.jsonl"
    assert validation_errors(path) == ()
    path.write_bytes(b"\x00\xff{]\n" * 200_000)
    assert validation_errors(path) == ()
    path.write_bytes(b"x" * 2_000_000)
    assert validation_errors(path) == ()
    path.write_bytes(b'{"kind":"epoch","epoch":"one"}\n{"kind":"epoch","epoch":2,"val_recon_db":[]}\n')
    assert validation_errors(path) == ()


def test_a_figure_that_is_no_number_shows_where_it_was() -> None:
    assert spark((4.0, float("nan"), 2.0, 1.0), 8) == "█×▃▁"
    assert spark((1.0,), 8) == "▁"
    assert spark((), 8) == ""
    assert len(spark(tuple(float(value) for value in range(100)), 10)) == 10


def test_files_are_read_again_only_where_they_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = record_run(Path("runs/one"), Recording(epochs_done=3))
    runs = RunsSeen()
    (seen,) = runs.look(0.0)
    assert seen.status is not None
    curve = runs.curves([run])[run.path]
    assert len(curve) == 3
    read: list[Path] = []
    monkeypatch.setattr("harmonic_tui.runs.runs_seen.validation_errors", lambda path: read.append(path) or ())
    monkeypatch.setattr("harmonic_core.run.status.read_status", read.append)
    assert runs.look(0.0) == [seen]
    assert runs.curves([run])[run.path] == curve
    assert not read
    run.metrics.write_bytes(b"".join(map(encode_row, metric_rows(Recording(epochs_done=4)))))
    assert runs.curves([run])[run.path] == ()
    os.utime(run.status, (5, 5))
    runs.look(0.0)
    assert read == [run.metrics, run.status]


def test_runs_that_are_gone_are_forgotten() -> None:
    run = record_run(Path("runs/one"), Recording(epochs_done=1))
    runs = RunsSeen()
    assert len(runs.look(0.0)) == 1
    run.path.rename("elsewhere")
    assert runs.look(0.0) == []
    assert runs.curves([RunDirectory(run.path)])[run.path] == ()


def test_the_cache_keeps_its_records_where_they_are_looked_for() -> None:
    songs(1)
    decode("songs/0.wav")
    (record,) = Path("cache/files-1").glob("*/*.json")
    assert json.loads(record.read_text())["path"] == str(Path("songs/0.wav").absolute())
