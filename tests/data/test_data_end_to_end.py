"""The whole way through the command line: download, validate, preprocess, train, with real music in every format."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from download_server import MisbehavingServer
from made_archives import GENRES, maestro_csv, maestro_json, maestro_rows, tar_gz, zip_of
from numpy.typing import NDArray
from programs import TINY, Programs

from harmonic_core.data.demo import plan, render
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.samples import read_samples
from harmonic_core.run.status import read_status

RATE = 22_050
SECONDS = 3.0
SMALL = [f"--set={key}={value}" for key, value in TINY.items()] + ["--epochs", "2", "--batch-size", "4"]
FORMATS = [
    ("wav", 8_000, 1),
    ("wav", 96_000, 2),
    ("au", 22_050, 1),
    ("mp3", 44_100, 2),
    ("flac", 96_000, 1),
    ("ogg", 48_000, 2),
    ("m4a", 44_100, 2),
    ("m4a", 48_000, 1),
]


@pytest.fixture(scope="module")
def pieces() -> Iterator[NDArray[np.float32]]:
    """An endless supply of music by the demo's generator, each piece another: (samples,) at 22 050 Hz."""
    sound = np.concatenate([render(track, RATE) for track in plan(2.0, 7)]).astype(np.float32)
    length = round(SECONDS * RATE)

    def supply() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(sound) - length, length // 3):
            yield 0.9 * sound[start : start + length]

    return supply()


def encoded(piece: NDArray[np.float32], suffix: str = "wav", rate: int = RATE, channels: int = 1) -> bytes:
    """A piece of music as an audio file."""
    time = np.arange(round(len(piece) * rate / RATE)) * RATE / rate
    mono = np.interp(time, np.arange(len(piece)), piece).astype(np.float32)
    sound = np.stack([mono, 0.8 * mono], axis=1)[:, :channels]
    file = io.BytesIO()
    if suffix != "m4a":
        soundfile.write(file, sound, rate, format=suffix.upper())
        return file.getvalue()
    layout = "mono" if channels == 1 else "stereo"
    with av.open(file, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), "fltp", layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture(scope="module")
def site(pieces: Iterator[NDArray[np.float32]]) -> Iterator[MisbehavingServer]:
    """A mirror of small data sets in the layouts of the large ones, on a line that breaks once."""
    clips = {
        f"genres/{genre}/{genre}.{number:05d}.wav": encoded(next(pieces)) for genre in GENRES for number in range(2)
    }
    rows = maestro_rows(8)
    recordings = {str(row["audio_filename"]): encoded(next(pieces), "wav", 44_100, 2) for row in rows}
    for row in rows:
        row["duration"] = 450.0
    lists = {"maestro-v3.0.0.csv": maestro_csv(rows), "maestro-v3.0.0.json": maestro_json(rows)}
    archive = zip_of({f"maestro-v3.0.0/{name}": data for name, data in {**recordings, **lists}.items()})
    files = {
        "/genres.tar.gz": tar_gz(clips),
        "/maestro-v3.0.0.zip": archive,
        **{f"/{name}": data for name, data in lists.items()},
    }
    with MisbehavingServer(files) as server:
        server.misbehave("/genres.tar.gz", times=1, cut_after=100_000)
        yield server


@pytest.fixture
def music(harmonic: Programs, pieces: Iterator[NDArray[np.float32]]) -> Path:
    """A folder of one's own: every format, 8 to 96 kHz, mono and stereo, genre/artist/album."""
    folder = harmonic.place / "music"
    for number, (suffix, rate, channels) in enumerate(FORMATS):
        path = folder / ("jazz", "folk")[number % 2] / f"artist {number % 5}" / "album" / f"{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(next(pieces), suffix, rate, channels))
    return folder


def validated(harmonic: Programs, *arguments: str) -> dict[str, Any]:
    """What `harmonic data validate` says of music that is fine."""
    document: dict[str, Any] = json.loads(harmonic.run("data", "validate", *arguments, "--json").stdout)
    assert document["ready"]
    return document["summary"]


def trained(harmonic: Programs, *arguments: str) -> RunDirectory:
    """A run of two epochs that came to its end; its cache was full before, so nothing is decoded."""
    harmonic.run("train", *arguments, *SMALL, "--output-dir", "run")
    run = RunDirectory(harmonic.place / "run")
    status = read_status(run.status)
    assert status is not None
    assert (status.state, status.epoch) == ("finished", 2)
    assert status.preparation is not None
    assert status.preparation.from_cache == status.preparation.done == status.preparation.total
    epochs = [row for row in read_rows(run.metrics) if row["kind"] == "epoch"]
    assert all(np.isfinite(row["val_recon_db"]) for row in epochs)
    assert read_samples(run, status.step)
    return run


@pytest.mark.slow
def test_gtzan_from_the_download_to_the_last_epoch(harmonic: Programs, site: MisbehavingServer) -> None:
    harmonic.run("data", "download", "gtzan", "--base-url", site.url)
    summary = validated(harmonic, "gtzan")
    assert (summary["files"], summary["sources"]) == (20, {"gtzan": 20})
    assert summary["genres"] == dict.fromkeys(GENRES, 2)
    harmonic.run("data", "preprocess", "gtzan")
    assert "20 tracks" in (run := trained(harmonic, "gtzan", "--validation-split", "0.5")).console_log.read_text()
    assert "10 tracks (0.5 min) to train on, 10 (0.5 min) held out, 10 genres" in run.console_log.read_text()


@pytest.mark.slow
def test_maestro_as_a_whole_from_the_download_to_the_last_epoch(harmonic: Programs, site: MisbehavingServer) -> None:
    harmonic.run("data", "download", "maestro", "--base-url", site.url)
    assert validated(harmonic, "data/maestro")["segments"]["aside"]
    harmonic.run("data", "preprocess", "data/maestro")
    run = trained(harmonic, "maestro")
    assert "4 tracks (0.2 min) to train on, 2 (0.1 min) held out, 2 kept aside" in run.console_log.read_text()


@pytest.mark.slow
def test_maestro_in_part_costs_a_part_and_trains(harmonic: Programs, site: MisbehavingServer) -> None:
    harmonic.run("data", "download", "maestro", "--hours", "0.5", "--base-url", site.url, "--dataset-dir", "part")
    assert 2 <= len(list((harmonic.place / "part").rglob("*.wav"))) < 8
    harmonic.run("data", "preprocess", "part")
    run = trained(harmonic, "maestro", "--maestro-dir", "part")
    assert "held out" in run.console_log.read_text()


@pytest.mark.slow
def test_a_folder_of_every_format_is_checked_made_ready_and_trained_on(harmonic: Programs, music: Path) -> None:
    summary = validated(harmonic, "music")
    assert (summary["files"], summary["refused"]) == (len(FORMATS), 0)
    assert summary["hours"] == pytest.approx(len(FORMATS) * SECONDS / 3600, rel=0.02)
    harmonic.run("data", "preprocess", "music")
    run = trained(harmonic, "custom", "--custom-dir", "music")
    assert not [row for row in read_rows(run.events) if row["kind"] == "refused"]


@pytest.mark.slow
def test_a_mixture_of_all_trains_on_all(harmonic: Programs, site: MisbehavingServer, music: Path) -> None:
    harmonic.run("data", "download", "gtzan", "--base-url", site.url)
    harmonic.run("data", "download", "maestro", "--base-url", site.url)
    folders = ["--custom-dir", "music", "--set", "data.custom_weight=2"]
    summary = validated(harmonic, "combined", "--set", "data.custom_dir=music")
    assert summary["sources"] == {"custom": len(FORMATS), "gtzan": 20, "maestro": 8}
    harmonic.run("data", "preprocess", "combined", "--set", "data.custom_dir=music")
    run = trained(harmonic, "combined", *folders)
    status, last = read_status(run.status), [row for row in read_rows(run.metrics) if row["kind"] == "epoch"][-1]
    assert status is not None
    assert set(last["recon_db_by_source"]) == {"custom", "gtzan", "maestro"}
    heard = {sample.source for sample in read_samples(run, status.step) if sample.kind == "reconstruction"}
    assert heard <= {"custom", "gtzan", "maestro"}
    assert heard
