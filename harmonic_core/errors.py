"""What can go wrong, as exceptions that carry their own exit code and never show a traceback."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of `harmonic`, as its documentation promises."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    DIVERGED = 3
    OUT_OF_MEMORY = 4
    DISK = 5
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class HarmonicError(Exception):
    """Something a user can understand and mend.

    The message names the thing, its value, the reason and the way out. It is printed as it stands.
    """

    exit_code: ExitCode = ExitCode.FAILURE


class ProfileError(HarmonicError):
    """A profile, a flag or an environment variable that cannot be used."""

    exit_code = ExitCode.USAGE


class DataError(HarmonicError):
    """Audio that is missing, unreadable or too little."""


class RunError(HarmonicError):
    """A run directory that is missing, taken, or not what it should be."""


class DivergedError(HarmonicError):
    """A loss that is no longer a number."""

    exit_code = ExitCode.DIVERGED


class OutOfMemoryError(HarmonicError):
    """More memory asked for than the device has."""

    exit_code = ExitCode.OUT_OF_MEMORY


class DiskError(HarmonicError):
    """No room, or no permission, where a run must write.

    Attributes
    ----------
    lacks_room
        Whether it would go away with more room on the disk.
    """

    exit_code = ExitCode.DISK
    lacks_room = False
