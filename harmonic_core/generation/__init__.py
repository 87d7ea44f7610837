"""Making music with a trained model: draws, ways and directions in the latent space, and the sound of them."""

from harmonic_core.generation.directions import Directions, principal_directions
from harmonic_core.generation.draws import Cloud, cloud_of, draw, noise, prior
from harmonic_core.generation.voice import Voice
from harmonic_core.generation.ways import Way, walk, wander

__all__ = [
    "Cloud",
    "Directions",
    "Voice",
    "Way",
    "cloud_of",
    "draw",
    "noise",
    "principal_directions",
    "prior",
    "walk",
    "wander",
]
