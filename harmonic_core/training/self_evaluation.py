"""A run measures itself now and then, and training never waits long for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from harmonic_core.audio.vocoder import Refine
from harmonic_core.evaluation.closeness import Ears
from harmonic_core.profile.sections import Profile
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.journal import Journal
from harmonic_core.training.material import Material
from harmonic_core.training.measurement import Budget, Measurement
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.state import TrainState

_LEAST_S = 0.5
"""Less time than this is not worth beginning with."""
_LAST_S = 5.0
"""At the end of a run there is so much time at least."""


class SelfEvaluation:
    """Adds what a model is measured to be to `evaluations.jsonl`, for a bounded share of the training time.

    What is not spent at one time is left for the next. Where too little is left nothing is measured, but at the end of
    a run always once.

    Parameters
    ----------
    profile, material, journal, device
        Of the run.
    mean_spectrum_db
        Error of always answering with the mean spectrum; None where nothing is held out, and nothing is measured.
    stopped
        Asked under way; where it says so the measurement is given up.
    """

    def __init__(
        self,
        profile: Profile,
        material: Material,
        journal: Journal,
        device: torch.device,
        mean_spectrum_db: float | None,
        stopped: Callable[[], bool],
    ) -> None:
        self._profile, self._material, self._journal = profile, material, journal
        self._device, self._mean_spectrum_db, self._stopped = device, mean_spectrum_db, stopped
        self._measurement: Measurement | None = None
        self._spent_s = 0.0
        self._last_step = -1

    def measure(self, state: TrainState, refine: Refine | None, trained_s: float, *, is_last: bool) -> None:
        """Measure the model that is judged, if there is something to measure it on and time for it.

        Parameters
        ----------
        state
            Of the run; unchanged.
        refine
            Part of the vocoder that is in use.
        trained_s
            Seconds that this process has spent on updates.
        is_last
            Whether the run ends here.
        """
        left_s = self._profile.evaluation.evaluation_share * trained_s - self._spent_s
        if self._objection(state) or (left_s < _LEAST_S and not is_last):
            return
        self._measure(state, refine, max(left_s, _LAST_S if is_last else _LEAST_S))

    def obey(self, state: TrainState, refine: Refine | None, trained_s: float) -> str:
        """Measure it because somebody wants to know; why it could not be, empty where it was."""
        if why := self._objection(state):
            return why
        left_s = self._profile.evaluation.evaluation_share * trained_s - self._spent_s
        return self._measure(state, refine, max(left_s, _LAST_S))

    def _objection(self, state: TrainState) -> str:
        """Why nothing can be measured now; empty where it can."""
        if not self._profile.evaluation.evaluation_share:
            return "the profile's evaluation_share is 0"
        if self._mean_spectrum_db is None:
            return "nothing is held out to measure it on"
        return "this very step was measured already" if self._last_step == state.step else ""

    def _measure(self, state: TrainState, refine: Refine | None, seconds: float) -> str:
        """Measure it within about `seconds`; why that was given up, empty where it was not."""
        assert self._mean_spectrum_db is not None
        budget = Budget(seconds, self._stopped)
        try:
            report = self._on_held_out(self._mean_spectrum_db).report(
                state.judged,
                refine,
                budget,
                weights=str(self._journal.run.path),
                step=state.step,
                epoch=state.epoch,
                music=self._material.summary,
            )
        except StoppedError:
            self._journal.event("evaluation", "given up: the run is to end", step=state.step)
            return "given up, as the run is to end"
        except (RuntimeError, MemoryError, ValueError, ArithmeticError) as error:
            # Whatever a measurement comes to, what it measures has to go on.
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
            why = "out of memory" if is_out_of_memory(error) else type(error).__name__
            self._journal.warn(f"epoch {state.epoch} was not evaluated: {why} ({reason})")
            return f"{why} ({reason})"
        finally:
            self._spent_s += budget.spent_s
        self._last_step = state.step
        self._journal.evaluation({"kind": "evaluation", "time": time.time(), **report.model_dump(mode="json")})
        self._journal.event(
            "evaluation",
            f"{report.segments} held-out segments in {report.seconds:.1f} s, {report.heard} of them heard: "
            f"mel {report.model.mel_db:.2f} dB, perceptual {report.model.perceptual_db:.2f} dB",
            step=state.step,
        )
        return ""

    def _on_held_out(self, mean_spectrum_db: float) -> Measurement:
        # Made at the first need: a start need not wait for it.
        if self._measurement is None:
            ears = Ears(self._profile.audio).to(self._device)
            material = self._material
            self._measurement = Measurement(
                self._profile, ears, material.training, material.validation, mean_spectrum_db
            )
        return self._measurement
