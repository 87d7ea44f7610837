"""What training does to get the most out of a processor."""

from __future__ import annotations

import subprocess
import sys

UPDATES = """
import resource
import sys

import torch
from harmonic_core.training.device import keep_freed_memory

def faults_of_an_update():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for size in (3, 40, 7, 90):
        torch.ones(size << 18).sum()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    assert keep_freed_memory()
faults_of_an_update()
print(faults_of_an_update())
"""


def faults(mode: str) -> int:
    said = subprocess.run([sys.executable, "-c", UPDATES, mode], check=True, stdout=subprocess.PIPE, text=True)
    return int(said.stdout)


def test_memory_that_one_update_frees_is_there_for_the_next_without_being_cleared_again() -> None:
    assert faults("kept") < faults("as it is") / 10
