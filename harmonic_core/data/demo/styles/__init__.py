"""The styles that the demo music is written in, one a module."""

from harmonic_core.data.demo.score import Style
from harmonic_core.data.demo.styles.bells import BELLS
from harmonic_core.data.demo.styles.chiptune import CHIPTUNE
from harmonic_core.data.demo.styles.chorale import CHORALE
from harmonic_core.data.demo.styles.drum_and_bass import DRUM_AND_BASS
from harmonic_core.data.demo.styles.folk import FOLK
from harmonic_core.data.demo.styles.jazz import JAZZ

STYLES: dict[str, Style] = {style.name: style for style in (FOLK, DRUM_AND_BASS, CHORALE, CHIPTUNE, BELLS, JAZZ)}
"""By name, in the order in which tracks take turns."""

__all__ = ["STYLES"]
