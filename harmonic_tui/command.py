"""The command line of `harmonic-tui`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from harmonic_core import __version__
from harmonic_core.errors import HarmonicError, ProfileError
from harmonic_core.run.directory import open_run
from harmonic_tui.app import Console
from harmonic_tui.plain import plain


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; give a number above 0, such as 60")
    return speed


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")
    return port


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="harmonic-tui",
        description="Watch, hear and steer a training run. Without arguments: choose from profiles and runs.",
    )
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run, by its directory or its name under runs/")
    parser.add_argument("--profile", metavar="PROFILE", help="start a run from a profile (name or file) and show it")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the profile, such as train.epochs=5; may be repeated",
    )
    parser.add_argument("--once", action="store_true", help="print the dashboard of RUN once, as text, and end")
    parser.add_argument(
        "--replay", action="store_true", help="show RUN, which has ended, as it looked while it was live"
    )
    parser.add_argument(
        "--speed", type=_speed, metavar="N", help="replay N times as fast as it was; without it a run takes a minute"
    )
    parser.add_argument("--low-bandwidth", action="store_true", help="draw less often, for a slow link")
    parser.add_argument(
        "--sound-port",
        type=_port,
        default=0,
        metavar="N",
        help="serve the page that makes a browser the loudspeaker on this port; without it any that is free",
    )
    parser.add_argument("--version", action="version", version=f"harmonic-tui {__version__}")
    return parser


@contextmanager
def _console(options: argparse.Namespace) -> Iterator[Console]:
    if options.speed is not None and not options.replay:
        raise ProfileError("--speed is that of a replay; give --replay RUN with it")
    if options.replay:
        from harmonic_tui.runs.replay import replaying

        if not options.run or options.profile is not None:
            raise ProfileError("--replay shows a run that has ended; name one: harmonic-tui RUN --replay")
        with replaying(open_run(options.run), options.speed) as (run, process):
            yield Console(run, process=process, replayed=True, low_bandwidth=options.low_bandwidth)
    elif options.profile is None:
        if options.settings:
            raise ProfileError("--set changes a profile; name one with --profile")
        yield Console(open_run(options.run) if options.run else None, low_bandwidth=options.low_bandwidth)
    else:
        yield _started(options)


def _started(options: argparse.Namespace) -> Console:
    if options.run:
        raise ProfileError("--profile starts a new run, RUN opens an existing one; give one of them")
    from harmonic_tui.profiles.launching import launch

    started = launch(options.profile, options.settings)
    for warning in started.warnings:
        print(plain(warning), file=sys.stderr)
    return Console(started.run, process=started.process, low_bandwidth=options.low_bandwidth)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the console, or say on one line why not."""
    options = arguments().parse_args(argv)
    try:
        if options.once:
            from harmonic_tui.once import dashboard_text

            if not options.run:
                raise ProfileError("--once needs a run to print; give its directory or name")
            text = dashboard_text(open_run(options.run))
            # A reader such as `head` may have enough before the end.
            with suppress(BrokenPipeError):
                print(text, flush=True)
            return
        if not sys.stdout.isatty():
            raise ProfileError(
                "harmonic-tui needs a terminal; without one use `harmonic status RUN --follow` or `--once`"
            )
        with _console(options) as console:
            console.player.port = options.sound_port
            farewell = console.run()
            if console.return_code:
                sys.exit(console.return_code)
    except HarmonicError as error:
        print(error, file=sys.stderr)
        sys.exit(int(error.exit_code))
    if farewell:
        print(farewell)
