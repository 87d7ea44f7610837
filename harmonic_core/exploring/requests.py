"""What one may ask of an exploration, as it comes over a pipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from harmonic_core.errors import HarmonicError
from harmonic_core.text import plain

_FAR = 20.0
"""Standard deviations beyond which nobody has anything to look for."""

Coordinate = Annotated[float, Field(ge=-_FAR, le=_FAR)]
Point = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AtPoint(_Part):
    """The latent of a segment, by its number."""

    at: Literal["point"]
    point: Point


class AtMean(_Part):
    """The mean latent of all segments that have the same value of a label as one of them.

    Values come from tags and names of files, and some can be written in no JSON.
    """

    at: Literal["mean"]
    label: str
    point: Point


class AtCoordinates(_Part):
    """A place on the first principal directions."""

    at: Literal["coordinates"]
    coordinates: Annotated[list[Coordinate], Field(max_length=4096)]
    base: Point | None = None
    """Segment that it is like in all other directions; None for the mean."""


class AtRandom(_Part):
    """A draw from the prior."""

    at: Literal["random"]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    temperature: Annotated[float, Field(ge=0.0, le=4.0)] = 1.0


Where = Annotated[AtPoint | AtMean | AtCoordinates | AtRandom, Field(discriminator="at")]
"""A place in the latent space."""


class _Request(_Part):
    id: int = 0


class Open(_Request):
    """Load the newest weights, and look around."""

    do: Literal["open"]


class Map(_Request):
    """Lay the segments out on a plane."""

    do: Literal["map"]
    method: Literal["t-SNE", "PCA"] = "t-SNE"


class Decode(_Request):
    """Make a place heard."""

    do: Literal["decode"]
    where: Where


class Original(_Request):
    """Make a segment heard as it is in the music."""

    do: Literal["original"]
    point: Point


class Walk(_Request):
    """Make the way from one place to another heard."""

    do: Literal["walk"]
    start: Where
    end: Where
    steps: Annotated[int, Field(ge=2, le=64)] = 8
    way: Literal["spherical", "linear"] = "spherical"


Request = Annotated[Open | Map | Decode | Original | Walk, Field(discriminator="do")]
_REQUEST: TypeAdapter[Open | Map | Decode | Original | Walk] = TypeAdapter(Request)


def read_request(line: str | bytes) -> Open | Map | Decode | Original | Walk:
    """Read one request from a line of JSON.

    Raises
    ------
    HarmonicError
        If it is none; the message says what is wrong with it.
    """
    try:
        return _REQUEST.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HarmonicError(f"not a request: {plain(f'{where}: ' if where else '')}{plain(first['msg'])}") from error
