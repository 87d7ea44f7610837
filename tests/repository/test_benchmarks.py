"""The benchmarks run, and say what they promise. What they measure is nobody's business here."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
HARNESS = BENCHMARKS / "harness.py"


@pytest.mark.slow
def test_all_loops_of_the_harness_train_to_the_same_weights(tmp_path: Path, audio_cache: Path) -> None:
    arguments = ("--minutes", "0.5", "--steps", "20", "--rounds", "1", "--starts", "1")
    done = subprocess.run(
        [sys.executable, str(HARNESS), *arguments],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    line = json.loads(done.stdout)
    assert line["weights_equal"]
    assert line["steps"] == 20
    assert line["steps_per_s"].keys() == {"ours", "bare", "attached", "lightning"}
    assert min(line["of_bare"], line["of_bare_attached"]) > 0
    # A difference of two times: on a busy machine it can be anything.
    assert math.isfinite(line["start_s"])


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six chords that swell, nine seconds each."""
    folder = tmp_path_factory.mktemp("music")
    time = np.arange(9 * 22050) / 22050
    for number in range(6):
        notes = 110.0 * 2.0 ** ((np.array([0, 4, 7, 12]) + 2 * number) / 12.0)
        sound = sum(np.sin(2 * np.pi * note * time) for note in notes) * np.abs(np.sin(np.pi * (1 + number) * time / 3))
        (folder / f"artist {number}").mkdir()
        soundfile.write(folder / f"artist {number}" / "chord.wav", 0.15 * sound, 22050)
    return folder


def line_of(benchmark: str, music: Path, audio_cache: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / benchmark), str(music), *arguments],
        env={**os.environ, "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_baseline_says_how_both_did_and_at_what_rate(music: Path, audio_cache: Path) -> None:
    line = line_of("baseline.py", music, audio_cache, "--seconds", "3")
    assert line.keys() == {"dense_db", "harmonic_db", "mean_db", "ratio", "dense_kl_nats", "harmonic_kl_nats"}
    assert line["ratio"] == pytest.approx(line["harmonic_db"] / line["dense_db"], rel=1e-2)


@pytest.mark.slow
def test_the_ablation_has_a_row_for_every_variant_and_the_spread_of_seeds(music: Path, audio_cache: Path) -> None:
    asked = ("--seconds", "3", "--seeds", "2", "--jobs", "2", "--only", "stacking")
    line = line_of("ablation.py", music, audio_cache, *asked)
    assert line["variants"].keys() == {"default", "+ harmonic stacking"}
    for row in line["variants"].values():
        assert row.keys() == {*row["spread"].keys(), "spread"}
        assert row["steps_per_s"] > 0


@pytest.mark.slow
def test_the_vocoder_is_compared_with_and_without_its_network(music: Path, audio_cache: Path) -> None:
    line = line_of("vocoder.py", music, audio_cache, "--seconds", "6", "--train-seconds", "2")
    ratios = {"error_ratio", "time_ratio", "convergence_ratio", "refined_sc_ratio", "refined_lsd_ratio"}
    assert ratios <= line.keys()
    assert all(line[name] > 0 for name in ratios)
    assert line["refined_sc_ratio"] == pytest.approx(
        line["refined"]["convergence"] / line["torchaudio"]["convergence"], rel=1e-2
    )


@pytest.mark.slow
def test_making_music_is_timed_in_its_parts_and_against_torchaudio(tmp_path: Path, audio_cache: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "generate.py"), "--seconds", "6", "--minutes", "0.5"],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    line = json.loads(done.stdout)
    assert all(line[way]["music_s_per_s"] > 0 for way in ("model", "vocoder", "together", "piece", "torchaudio"))
    assert line["music_s"] == 6
    assert line["speed_ratio"] == pytest.approx(line["torchaudio"]["seconds"] / line["vocoder"]["seconds"], rel=1e-2)
    assert line["error_ratio"] == pytest.approx(line["vocoder"]["mel_db"] / line["torchaudio"]["mel_db"], rel=1e-2)


@pytest.mark.slow
def test_the_console_is_measured_on_a_long_run_against_its_bars(tmp_path: Path) -> None:
    arguments = ("--rows", "30000", "--seconds", "2", "--alone")
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "console.py"), *arguments],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    line = json.loads(done.stdout)
    assert line["bars"].keys() <= line.keys()
    assert line["rows"] == 30_000
    assert 0 < line["open_s"] <= line["exact_s"]
    assert line["bytes_per_s"] > 0
    assert line["tensorboard"] is line["leet"] is None


def test_an_event_file_written_for_the_comparison_is_one_that_tensorboard_reads(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from other_consoles import write_events; "
        "write_events(Path('events.out.tfevents.1.x'), 300); "
        "from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader as Loader; "
        "events = list(Loader('events.out.tfevents.1.x').Load()); "
        "print(len(events), events[-1].step, events[-1].summary.value[0].tag)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(BENCHMARKS)], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.split() == ["301", "300", "loss"]
