"""A process that has imported everything, and forks a trainer whenever it is asked to: importing torch takes seconds.

It reads one JSON object a line and answers with one: `{"run", "profile", "log"}` starts a trainer and gives its
`pid`; `{"wait"}` waits for its end and gives its `status`, as `waitpid` does. It has one thread only, and none of what
it has imported has started another, so that what it forks is like a program that was started afresh.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # else every life would begin with a second or two of that

from harmonic_core.errors import HarmonicError
from harmonic_core.profile.resolve import resolve
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import find_resume_point
from harmonic_core.training.checkpoint import checkpoint_steps
from harmonic_core.training.start import train


def live(order: dict[str, Any]) -> int:
    """Train as `harmonic train` would: anew where there is nothing to continue; gives the exit code."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    run = RunDirectory(Path(order["run"]))
    try:
        resolved = resolve(order["profile"], environ={})
        return train(resolved, run, find_resume_point(run.path) if checkpoint_steps(run) else None)
    except HarmonicError as error:
        print(f"harmonic: {error}", file=sys.stderr, flush=True)
        return error.exit_code


def main() -> None:
    """Serve until nobody asks any more."""
    torch.set_num_threads(1)
    assert threading.active_count() == len(os.listdir("/proc/self/task")) == 1
    pid = 0
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = {"status": os.waitpid(pid, 0)[1]}
        else:
            pid = os.fork()
            if pid == 0:
                os._exit(live(order))
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
