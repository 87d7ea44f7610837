"""The verdict on a run, kept up to date."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from harmonic_core.evaluation.verdict import judge
from harmonic_core.profile.sections import Profile
from harmonic_core.run.records import Row, read_rows
from harmonic_core.run.status import State, Verdict
from harmonic_core.training.journal import Journal
from harmonic_core.training.schedule import rising_epochs


class Diagnosis:
    """Judges a run by its epochs so far, and records what is news.

    Parameters
    ----------
    profile
        Says how long beta rises and what is asked for.
    journal
        Where the verdict goes.
    """

    def __init__(self, profile: Profile, journal: Journal) -> None:
        self._profile, self._journal = profile, journal
        self._rising_epochs = rising_epochs(profile.loss)
        self._rows = [row for row in read_rows(journal.run.metrics) if row.get("kind") == "epoch"]
        self._told: Verdict | None = None

    def steer(self, profile: Profile, rising_epochs: float) -> None:
        """Judge from now on by another profile, under which beta stops changing after so many epochs."""
        self._profile, self._rising_epochs = profile, rising_epochs

    def add(self, row: Row) -> None:
        """Take one more epoch into account."""
        self._rows.append(row)
        self.tell()

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Forget the epochs that are not `wanted`: they will come again."""
        self._rows = [row for row in self._rows if wanted(row)]

    def tell(self, state: State = "training", rollbacks: int = 0) -> None:
        """Judge anew; a verdict of another kind than the last is an event.

        Parameters
        ----------
        state
            What the run does, or how it ended.
        rollbacks
            How often it went back to an earlier checkpoint.
        """
        profile = self._profile
        verdict = judge(
            self._rows,
            train=profile.train,
            loss=profile.loss,
            augment=profile.augment,
            latent_dim=profile.model.latent_dim,
            rising_epochs=self._rising_epochs,
            state=state,
            rollbacks=rollbacks,
        )
        if verdict is None:
            return
        self._journal.note(verdict=verdict)
        is_news = self._told is None or verdict.kind != self._told.kind
        self._told = verdict
        if is_news:
            self._journal.event("diagnosis", _in_words(verdict), verdict=verdict.model_dump())

    def conclude(self, state: State, *, rollbacks: int = 0) -> None:
        """Judge the run now that it is over, and say so to whoever reads the log; `state` is how it ended."""
        # Where nothing can be written any more, that is what ended the run, and it must be told instead.
        with suppress(OSError):
            self.tell(state, rollbacks)
        if self._told:
            self._journal.log(_in_words(self._told))


def _in_words(verdict: Verdict) -> str:
    return " ".join(filter(None, (verdict.sentence, verdict.evidence, verdict.action)))
