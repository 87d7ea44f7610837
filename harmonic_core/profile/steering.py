"""What of a profile can be changed while its run trains: names, ranges, and values from outside made sure of.

A command that changes a setting has the setting's own limits, those of its section.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from harmonic_core.errors import ProfileError
from harmonic_core.profile.explain import Key, field, sections
from harmonic_core.profile.words import shown
from harmonic_core.text import plain

SettingName = Literal["learning-rate", "beta", "augment-strength", "epochs"]
AUTO = "auto"
"""The word for what the profile says."""
_LEAST = 1e-12
"""Numbers below it, but 0, are slips: in single precision some are 0, and updates of others change no weight."""


@dataclass(frozen=True)
class Setting:
    """Something that can be changed under way.

    Attributes
    ----------
    name
        The command that changes it.
    key
        The setting of the profile whose limits it has.
    label
        What people call it.
    means
        What comes of a value, in a sentence.
    auto
        What `auto` does, in a few words.
    is_whole
        Whether it is counted.
    """

    name: SettingName
    key: Key
    label: str
    means: str
    auto: str
    is_whole: bool = False

    @property
    def leaf(self) -> str:
        """What programs call it."""
        return self.name.replace("-", "_")

    @property
    def allowed(self) -> str:
        """Its range in words, such as "a number from 0 to 1"."""
        explained = field(self.key)
        assert explained is not None
        return explained.allowed

    @property
    def range(self) -> str:
        """The same without its kind, such as "from 0 to 1"."""
        return self.allowed.removeprefix("a ").removeprefix("whole ").removeprefix("number ")

    def shown(self, value: float | None) -> str:
        """A value in words: as short as it can be written, `auto` for None."""
        if value is None:
            return AUTO
        return f"{value:.0f}" if self.is_whole else f"{value:.6g}"


SETTINGS: dict[str, Setting] = {
    each.name: each
    for each in (
        Setting(
            "learning-rate",
            ("train", "learning_rate"),
            "learning rate",
            "The rate from the next step on; the profile's schedule goes on from it, a cosine falling as before.",
            "back to the profile's schedule",
        ),
        Setting(
            "beta",
            ("loss", "beta_end"),
            "beta",
            "Weight of the KL from the next step on; it stays, and the profile's schedule no longer counts.",
            "back to the profile's schedule",
        ),
        Setting(
            "augment-strength",
            ("augment", "augment_strength"),
            "augmentation",
            "How far pitch, tempo and noise are changed from the next step on; 0 is off.",
            "back to the profile's strength",
        ),
        Setting(
            "epochs",
            ("train", "epochs"),
            "epochs",
            "Epochs in all, the one under way at least; a cosine stretches or shrinks with them.",
            "back to the profile's number",
            is_whole=True,
        ),
    )
}
"""By the name of the command, in the order in which they are shown."""


def checked(name: str, value: object) -> float | None:
    """Make sure of a value from outside; whole numbers of epochs come as such, None means `auto`.

    Raises
    ------
    ProfileError
        If it is not of the right kind or out of range; the message says what is allowed.
    """
    setting = SETTINGS[name]
    if value == AUTO and isinstance(value, str):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_allowed(setting, value):
        told = f"{value:g}" if isinstance(value, float) else shown(value)
        raise ProfileError(f"{told} is not {setting.allowed}, nor `{AUTO}`")
    if 0 < value < _LEAST:
        raise ProfileError(f"{float(value)} is too small; give {_LEAST:g} at least, or `{AUTO}`")
    return int(value) if setting.is_whole else float(value)


def parsed(name: str, text: str, planned: int | None = None) -> float | None:
    """Make a value of what somebody typed: a number, `auto`, or, of epochs, `+20` for so many more.

    Parameters
    ----------
    name
        A setting.
    text
        What was typed.
    planned
        Epochs that the run is to have so far; None where that is not known.

    Raises
    ------
    ProfileError
        If it cannot be used; the message says why.
    """
    words, setting = text.strip(), SETTINGS[name]
    if not words:
        raise ProfileError(f"give {setting.allowed}, or `{AUTO}`")
    if words.lower() == AUTO:
        return None
    number: object = words
    digits = words.removeprefix("+")
    if setting.is_whole and digits.isascii() and digits.isdigit() and len(digits) < 12:
        number = int(digits)
        if words != digits:
            if planned is None:
                raise ProfileError(f"how many epochs are planned is not known, so {plain(words, 20)} says too little")
            number = planned + int(digits)
    elif not setting.is_whole and len(words) < 40:
        try:
            # Our own texts write another minus.
            number = float(words.replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            number = words
    return checked(name, number)


def objection_to_epochs(epochs: float, begun: int) -> str:
    """Say why a run that is in epoch `begun` cannot have `epochs` in all; empty where it can."""
    return f"epoch {begun} is under way; it can have {begun} epochs at least" if epochs < begun else ""


def _is_allowed(setting: Setting, value: float) -> bool:
    if not math.isfinite(value) if isinstance(value, float) else abs(value) > 10**15:
        return False
    if setting.is_whole and value != int(value):
        return False
    section, leaf = setting.key
    try:
        sections()[section].model_validate({leaf: int(value) if setting.is_whole else float(value)})
    except ValidationError:
        return False
    return True
