"""Where the music that a model was trained with lies in its latent space: all that making music needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from torch import Tensor

from harmonic_core.errors import DataError
from harmonic_core.exploring.landscape import look_around
from harmonic_core.run.directory import RunDirectory
from harmonic_core.text import plain
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.trained import Trained

_LISTED = 12


@dataclass(frozen=True)
class Latents:
    """Some hundred segments of the music, as the model sees them.

    Attributes
    ----------
    mu : (segments, latent_dim)
        Posterior means.
    deviation : (latent_dim,)
        Typical standard deviation of a posterior, by which distances are measured; see `mean_deviation`.
    labels
        By name ("genre", "composer", "track", …) its value for every segment; empty where that is not known. May hold
        any characters.
    estimated
        Labels that nobody wrote down: they were heard.
    offset
        What to add to the model's mels for them to be as loud as the music; see `level_offset`.
    """

    mu: Tensor
    deviation: Tensor
    labels: Mapping[str, list[str]]
    estimated: frozenset[str]
    offset: float

    def of(self, label: str, value: str) -> Tensor:
        """Posterior means, (n, latent_dim), of the segments whose `label` is `value`, whatever its case.

        Raises
        ------
        DataError
            If there are none; the message lists what there is.
        """
        values = self.labels.get(label, [])
        wanted = value.casefold()
        chosen = [index for index, each in enumerate(values) if each and each.casefold() == wanted]
        if not chosen:
            raise DataError(self._unknown(label, value))
        return self.mu[chosen]

    def _unknown(self, label: str, value: str) -> str:
        known = sorted({each for each in self.labels.get(label, []) if each})
        shown = plain(value, 60)
        if not known:
            return f"{label} {shown}: this model's music has no {label} written down"
        near = get_close_matches(value.casefold(), [each.casefold() for each in known], 1)
        meant = next((each for each in known if near and each.casefold() == near[0]), None)
        hint = f" Did you mean {plain(meant, 60)}?" if meant else ""
        more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        listed = ", ".join(plain(each, 60) for each in known[:_LISTED])
        return f"{label} {shown}: unknown to this model.{hint} It knows: {listed}{more}"


def read_latents(
    trained: Trained,
    run: RunDirectory,
    tell: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Latents:
    """Make the music of a model's run ready, and encode some hundred segments of it.

    Parameters
    ----------
    trained
        The model.
    run
        Whose it is; nothing is written there.
    tell
        Gets to know what goes on.
    stopped
        Asked now and then.

    Raises
    ------
    HarmonicError
        If the music is not at hand any more.
    StoppedError
        If `stopped` says so.
    """

    @contextmanager
    def watch(total: float) -> Iterator[Callable[[float, str], None]]:
        yield lambda done, words: None

    with Narrator(run, tell, watch) as narrator:
        material = prepare_material(trained.profile, narrator, stopped)
    if material is None:
        raise StoppedError
    return latents_in(trained, material, tell, stopped)


def latents_in(
    trained: Trained,
    material: Material,
    tell: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Latents:
    """Encode some hundred segments of music that is ready; see `read_latents`."""
    voice = trained.voice(material.training if len(material.training) else None)
    seen = look_around(voice, material, trained.profile.audio, tell, stopped)
    return Latents(seen.mu, seen.deviation, seen.labels, seen.estimated, voice.offset)
