"""Several ranks change the same value at the same step, whoever of them was asked."""

from __future__ import annotations

import pytest
from launched import figures, start_team, tiny_run
from programs import Programs, known_status, wait_until

from harmonic_core.run.control import send_command
from harmonic_core.run.records import read_rows

pytestmark = pytest.mark.slow

LONG = tiny_run(train_epochs=100000, output_checkpoint_every=100000, train_batch_size=4)


def test_two_ranks_are_steered_as_one_and_one_rank_goes_on_as_they_would(harmonic: Programs) -> None:
    team = start_team(harmonic, "runs/two", *LONG, "--output-dir", "runs/two")
    run = team.run
    send_command(run, "learning-rate", 3e-4, "command line")
    send_command(run, "augment-strength", 0.7, "command line")
    send_command(run, "beta", 0.1 + 0.2, "command line")
    send_command(run, "epochs", 1.5, "command line")
    wait_until(lambda: "beta" in known_status(run).steered, "the values are in force")
    told = {row["command"]: row for row in read_rows(run.events) if row["kind"] == "control"}
    assert not told["epochs"]["obeyed"]
    since = told["beta"]["step"]
    wait_until(lambda: max(row["step"] for row in figures(run, "step")) > since + 3, "it goes on with them")
    send_command(run, "pause", sender="command line")
    wait_until(lambda: known_status(run).state == "paused", "it pauses")
    send_command(run, "beta", "auto", "command line")
    wait_until(lambda: "beta" not in known_status(run).steered, "it is changed while it is paused")
    send_command(run, "resume")
    wait_until(lambda: known_status(run).state == "training", "it goes on")
    # Whether a rank finds them together or one by one: the last one counts.
    for name in ("pause", "resume", "pause", "resume"):
        send_command(run, name)
    last = send_command(run, "checkpoint")
    wait_until(lambda: any(row.get("sent_at") == last for row in read_rows(run.events)), "all of it is answered")
    step = known_status(run).step
    wait_until(lambda: known_status(run).step > step, "it goes on after the last of them")
    send_command(run, "stop")
    assert team.wait() == 0, team.said()

    rows = {row["step"]: row for row in figures(run, "step")}
    # In the last bit: it was sent as a number, not as words.
    assert rows[since + 1]["beta"] == 0.1 + 0.2
    assert rows[since]["beta"] != 0.1 + 0.2
    # Had the ranks different weights, their average would not be a descent.
    assert all(row["loss"] < 10 for row in rows.values())
    assert known_status(run).steered == {"learning_rate": 3e-4, "augment_strength": 0.7}
