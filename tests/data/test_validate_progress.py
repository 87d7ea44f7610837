"""`harmonic data validate --progress`: how far it is, for programs that show it their own way."""

from __future__ import annotations

import json

from made_sets import write_custom
from programs import Programs

from harmonic_core.run.status import Preparation


def test_progress_is_told_on_stderr_and_the_document_stays_alone_on_stdout(harmonic: Programs) -> None:
    write_custom(harmonic.place / "music")
    done = harmonic.run("data", "validate", "music", "--json", "--progress")
    assert json.loads(done.stdout)["ready"] is True
    told = [Preparation.model_validate_json(line) for line in done.stderr.splitlines()]
    assert (told[0].done, told[0].total) == (0, 10)
    assert (told[-1].done, told[-1].total) == (10, 10)


def test_without_it_nothing_is_said_where_there_is_no_terminal(harmonic: Programs) -> None:
    write_custom(harmonic.place / "music")
    assert harmonic.run("data", "validate", "music", "--json").stderr == ""
