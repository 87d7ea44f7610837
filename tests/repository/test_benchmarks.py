"""The benchmarks run, and say what they promise. What they measure is nobody's business here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[1] / "benchmarks" / "harness.py"


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
    assert min(line["of_bare"], line["of_bare_attached"], line["start_s"]) > 0
