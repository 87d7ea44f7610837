"""A study: trial after trial until there are as many as asked for, each in its own process, none lost."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from signal import Signals

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from harmonic_core.errors import ExitCode, RunError
from harmonic_core.text import plain
from harmonic_core.tuning.attempt import Attempt
from harmonic_core.tuning.lock import StoppedError
from harmonic_core.tuning.processes import noted_signals
from harmonic_core.tuning.record import StudyRecord, best_of, written
from harmonic_core.tuning.report import closing_lines, trial_line
from harmonic_core.tuning.search import Search
from harmonic_core.tuning.space import by_name
from harmonic_core.tuning.storage import Memory, open_study
from harmonic_core.tuning.strategy import Strategy, Wait, strategy_of
from harmonic_core.tuning.trials import is_settled, standing_trials, take_up_interrupted

_SIGNALLED = 128
_ALL_FAILED = 5
"""When so many trials failed and none did anything else, the fault lies in what they share."""
_WAIT_S = 0.3


@dataclass(frozen=True)
class Voice:
    """Where a study says what happens: lines for stdout and for stderr."""

    result: Callable[[str], None]
    log: Callable[[str], None]


class GaveUpError(RunError):
    """Trials fail for a reason that they share."""


class Stop:
    """Whether a study is to end, and why."""

    def __init__(self, received: Sequence[Signals], timeout_s: float | None, leader: int | None) -> None:
        self._received, self._timeout_s, self._leader = received, timeout_s, leader
        self._deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s

    def __call__(self) -> bool:
        """Whether it is to end."""
        return bool(self.why)

    @property
    def why(self) -> str:
        """Why; empty where it is not to end."""
        if self._received:
            return self._received[0].name
        if time.monotonic() >= self._deadline:
            return f"{self._timeout_s:g} s are over"
        # A leader that is killed leaves its workers to somebody else.
        return "whoever started it is gone" if self._leader and os.getppid() != self._leader else ""

    @property
    def code(self) -> ExitCode:
        """Exit status."""
        return ExitCode(_SIGNALLED + self._received[0]) if self._received else ExitCode.OK


@contextmanager
def quietly(timeout_s: float | None, leader: int | None = None) -> Iterator[Stop]:
    """Collect signals instead of dying of them, and keep Optuna silent, for the length of the block."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings(), noted_signals() as received:
        # It warns of every heartbeat outside its own loop.
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", module=r"optuna\.")
        yield Stop(received, timeout_s, leader)


def strategy_for(search: Search) -> Strategy:
    """The way through a search's space."""
    return strategy_of(
        search.strategy, search.space, search.resolved.profile, search.seed, lambda some: best_of(search.goal, some)
    )


def tune(search: Search, *, timeout_s: float | None, voice: Voice) -> ExitCode:
    """Run trials, one at a time, until the study has as many as asked for, counting those of earlier calls.

    Parameters
    ----------
    search
        What to do. The n-th trial follows from its seed, n and the results before: an interruption changes nothing.
    timeout_s
        Seconds after which to stop as if asked to by a signal; None for no limit.
    voice
        Is told.

    Returns
    -------
    ExitCode
        OK, or that of the signal that stopped the study.

    Raises
    ------
    RunError
        If the directory or the database holds something else, cannot be used, or the first trials all failed.
    DiskError
        If nothing can be written.
    """
    with quietly(timeout_s) as stop:
        record = StudyRecord(search, 1, None, works=True, log=voice.log)
        try:
            memory = begin(search, record, stop, voice)
            with memory.told_plainly():
                Worker(search, memory, record, stop, voice).work()
                close(search, memory, record, stop, voice)
        except StoppedError:
            voice.log(f"stopped ({stop.why}) before it began")
        return stop.code


def begin(search: Search, record: StudyRecord, stop: Stop, voice: Voice) -> Memory:
    """Open a study, have taken up what was left, and say how it stands."""
    memory = open_study(search.place, search.directory, search.conditions(), search.goal.parts, stop)
    with memory.told_plainly():
        with memory.claim(stop):
            repeated = take_up_interrupted(memory.study, by_hand=True)
        record.write(memory.study)
        settled = sum(map(is_settled, standing_trials(memory.study)))
    again = f", {len(repeated)} interrupted before and to be continued" if repeated else ""
    where = "" if search.place.option is None else f" in {search.place.words}"
    voice.log(f"study {plain(str(search.directory))}{where}: {settled} of {search.trials} trials done{again}")
    for axis in search.space.axes:
        voice.log(f"searching {axis.key}: {plain(str(axis))}")
    needed = strategy_for(search).needed
    if needed is not None:
        takes = f"{search.strategy} takes {'up to ' * (search.strategy == 'stages')}{needed} trials"
        voice.log(
            takes
            + (f"; with --trials {search.trials} only the first of them are done" if needed > search.trials else "")
        )
    return memory


def close(search: Search, memory: Memory, record: StudyRecord, stop: Stop, voice: Voice) -> bool:
    """Write down how a study ended, and say what came of it; whether all that was asked for is done."""
    # Matplotlib takes half a second to come, which no search waits for at its beginning.
    from harmonic_core.tuning.figures import draw_beside

    standing = standing_trials(memory.study)
    settled, is_over = sum(map(is_settled, standing)), _is_over(search, standing)
    why = "" if is_over else stop.why or "no worker is left"
    record.write(memory.study, "finished" if is_over else "stopped", why)
    if why:
        voice.log(f"stopped ({why}) with {settled} of {search.trials} trials done; the same command continues")
    draw_beside(search.directory, voice.log)
    for line in closing_lines(standing, search.goal, search.directory):
        voice.result(line)
    return is_over


def _is_over(search: Search, standing: Sequence[FrozenTrial]) -> bool:
    if sum(map(is_settled, standing)) >= search.trials:
        return True
    return all(map(is_settled, standing)) and strategy_for(search).following(standing) is None


class Worker:
    """Runs trials of a study, one at a time, beside others that may do the same.

    Parameters
    ----------
    search, memory, record, stop, voice
        Of the study.
    """

    def __init__(self, search: Search, memory: Memory, record: StudyRecord, stop: Stop, voice: Voice) -> None:
        self._search, self._memory, self._record, self._stop, self._voice = search, memory, record, stop, voice
        self._strategy = strategy_for(search)
        self._has_said_that_it_waits = False

    def work(self) -> None:
        """Run trials until there are enough, nothing is left to try, or it is to stop.

        Where others are still at work it waits: it takes up what they leave if they are lost.

        Raises
        ------
        RunError
            If the first trials all failed.
        """
        while not self._stop():
            try:
                with self._memory.claim(self._stop):
                    claimed = self._claim()
            except StoppedError:
                return
            if claimed is None:
                return
            if isinstance(claimed, Wait):
                time.sleep(_WAIT_S)
                continue
            ended = claimed.run()
            self._record.write(self._memory.study)
            if ended is not None and is_settled(ended):
                self._voice.result(trial_line(ended))
            give_up_if_all_failed(self._memory, self._record)

    def _claim(self) -> Attempt | Wait | None:
        """The next trial, which now belongs to this worker; nobody else may claim meanwhile."""
        study = self._memory.study
        for lost in take_up_interrupted(study, by_hand=False):
            name = plain(str(lost.user_attrs.get("run", f"trial {lost.number}")))
            self._voice.log(f"{name} was left by whoever supervised it; it is begun again")
        standing = standing_trials(study)
        running = [trial for trial in standing if trial.state == TrialState.RUNNING]
        waiting = [trial for trial in standing if trial.state == TrialState.WAITING]
        study.sampler = self._strategy.sampler(self._search.seed, len(standing) - len(waiting))
        if waiting and sum(map(is_settled, standing)) + len(running) < self._search.trials:
            return self._attempt(study.ask())
        proposal = None if len(standing) >= self._search.trials else self._strategy.following(standing)
        if proposal is None or isinstance(proposal, Wait):
            return self._wait_for(running)
        if proposal.chosen is not None:
            # What is queued with its place is never lost between being thought of and being begun.
            params = by_name(self._search.space, proposal.chosen, self._search.architecture)
            # What the strategy leaves to the profile is not left to chance.
            known = {"place": proposal.place, "stage": proposal.stage, "only": list(params)}
            study.enqueue_trial(params, user_attrs=known)
        return self._attempt(study.ask())

    def _attempt(self, trial: optuna.Trial) -> Attempt:
        attempt = Attempt(trial, self._search, self._memory, self._record, self._stop, self._voice.log)
        attempt.begin()
        return attempt

    def _wait_for(self, running: Sequence[FrozenTrial]) -> Wait | None:
        if not running:
            return None
        if not self._has_said_that_it_waits:
            self._has_said_that_it_waits = True
            words = "1 trial that is" if len(running) == 1 else f"{len(running)} trials that are"
            self._voice.log(f"nothing more to begin: waiting for {words} at work elsewhere, in case they are lost")
        return Wait()


def give_up_if_all_failed(memory: Memory, record: StudyRecord) -> None:
    """End a study whose trials all fail.

    Raises
    ------
    GaveUpError
        If so many did.
    """
    settled = [trial for trial in standing_trials(memory.study) if is_settled(trial)]
    if len(settled) < _ALL_FAILED or any(trial.state != TrialState.FAIL for trial in settled):
        return
    reason = plain(written(settled[-1]).reason, 1000)
    message = (
        f"all {len(settled)} trials so far failed, the last with: {reason}; mend that and give the same command again"
    )
    record.write(memory.study, "failed", message)
    raise GaveUpError(message)
