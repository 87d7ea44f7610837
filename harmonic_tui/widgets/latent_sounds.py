"""What is heard of the latent space: asked for, kept, and played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harmonic_core.run.words import count
from harmonic_tui.widgets.latent_lines import Piece

if TYPE_CHECKING:
    from harmonic_tui.runs.explorer import Explorer, Rendered
    from harmonic_tui.sound.player import Player
    from harmonic_tui.widgets.latent_ways import End

ORIGINAL, RECONSTRUCTION = "original", "reconstruction"


class LatentSounds:
    """Makes sounds through the explorer and plays them; the newest is the piece that is shown.

    Parameters
    ----------
    explorer, player
        What makes them, and what plays them.

    Attributes
    ----------
    piece
        What was heard last.
    take
        Which of a segment is heard, its original or its reconstruction.
    """

    def __init__(self, explorer: Explorer, player: Player) -> None:
        self._explorer, self._player = explorer, player
        self._segments: dict[tuple[str, int], Rendered] = {}
        self._point: int | None = None
        self._is_sliders = False
        self._wanted = 0
        self.piece: Piece | None = None
        self.take = RECONSTRUCTION

    def forget(self) -> None:
        """Other weights sound otherwise."""
        self._segments.clear()
        self._point = None

    @property
    def is_segment_playing(self) -> bool:
        """Whether what sounds is a segment of the map."""
        return self._point is not None and self.is_playing

    @property
    def is_playing(self) -> bool:
        """Whether what sounds is the newest piece, or it is only paused."""
        return self.piece is not None and self._player.playing == self.piece.sound.path

    @property
    def are_sliders_playing(self) -> bool:
        """Whether what sounds is that of the sliders."""
        return self._is_sliders and self.is_playing and not self._player.paused

    async def segment(self, point: int, name: str) -> None:
        """Play a segment."""
        number, goes_on = self._want(), self._point == point and self.is_playing
        sound = self._segments.get((self.take, point))
        # The explorer keeps only its newest sounds.
        if sound is None or not sound.path.exists():
            take = self.take
            where = {"at": "point", "point": point}
            sound = await (self._explorer.original(point) if take == ORIGINAL else self._explorer.decode(where))
            self._segments[take, point] = sound
        if await self._play(Piece(f"{name}, {self.take}", sound), number, keep_position=goes_on):
            self._point = point

    async def sliders(self, coordinates: Sequence[float], base: int | None, title: str) -> None:
        """Play what the sliders stand for; while they sound already, go on from the same place."""
        number, goes_on = self._want(), self.are_sliders_playing
        sound = await self._explorer.decode({"at": "coordinates", "coordinates": list(coordinates), "base": base})
        if await self._play(Piece(title, sound), number, keep_position=goes_on):
            self._is_sliders = True

    async def walk(self, start: End, end: End, steps: int, way: str) -> Rendered:
        """Play the way between two places."""
        number = self._want()
        sound = await self._explorer.walk(start.where, end.where, steps, way)
        await self._play(Piece(f"{start.name} → {end.name}, {way}", sound), number)
        return sound

    async def draw(self, seed: int, temperature: float) -> None:
        """Play a draw from the prior."""
        number = self._want()
        sound = await self._explorer.decode({"at": "random", "seed": seed, "temperature": temperature})
        await self._play(Piece(f"draw {count(seed)} from the prior, temperature {temperature:.1f}", sound), number)

    def _want(self) -> int:
        self._wanted += 1
        return self._wanted

    async def _play(self, piece: Piece, number: int, *, keep_position: bool = False) -> bool:
        """Play it, unless something else was wanted in the meantime; whether it was."""
        if number != self._wanted:
            return False
        self._point, self._is_sliders = None, False
        self.piece = piece
        await self._player.play(piece.sound.path, keep_position=keep_position, title=piece.title)
        return True
