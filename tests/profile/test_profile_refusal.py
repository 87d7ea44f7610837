"""What a wrong profile is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonic_core.errors import ExitCode, ProfileError
from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.search import packaged_folder
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import key_lines

Write = Callable[..., Path]


def refusal(source: str | None, **arguments: object) -> str:
    """The message with which `resolve` refuses."""
    with pytest.raises(ProfileError) as refused:
        resolve(source, environ={}, **arguments)  # type: ignore[arg-type]
    assert refused.value.exit_code == ExitCode.USAGE
    return str(refused.value)


def test_all_problems_stand_in_one_block_with_line_key_value_and_what_is_allowed(write: Write) -> None:
    write(
        "bad.toml",
        "# a comment\n[train]\nepochs = 0\n\n[model]\nlatent_dimm = 128\nhidden_dims = [512,\n  -1]\n"
        "\n[loss]\nbeta_end = 1e-6\n",
    )
    assert refusal("./bad.toml", flags={"batch_size": "many"}, settings=["n_ftt=3"]).splitlines() == [
        "bad.toml cannot be used: 6 problems.",
        "  bad.toml:3: train.epochs = 0",
        "      Allowed is a whole number from 1 to 1000000.",
        "  bad.toml:6: model.latent_dimm = 128",
        "      There is no such setting; did you mean `latent_dim`?",
        "  bad.toml:7: model.hidden_dims = [512, -1]",
        "      Allowed is a list of 0 to 12 whole numbers from 1 to 16384, such as [1024, 512, 256].",
        "  bad.toml:11: loss.beta_end = 1e-06",
        "      Beta would fall from 0.0001 to 1e-06, and it can only rise or stay; "
        "swap the two, or give both the same value.",
        '  --batch-size: train.batch_size = "many"',
        "      Allowed is a whole number from 1 to 65536.",
        '  --set: n_ftt = "3"',
        "      There is no such setting; did you mean `n_fft` in the section [audio]?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs = 3", "belongs to the section [train]"),
        ("[model]\nepochs = 3", "belongs to the section [train]"),
        ("[model]\nepoch = 3", "did you mean `epochs` in the section [train]?"),
        ("[trian]\nepochs = 3", "did you mean [train]?"),
        ("[zebra]\nepochs = 3", "there are run, data, audio"),
        ("augment = true", "write [augment] and augment = true"),
        ("train = 3", "[train] is a section"),
        ("[[train]]\nepochs = 3", "[train] is a section"),
        ("[model]\ninput_dim = 128", "computed (n_mels × frames)"),
        ("[loss]\nbeta = 1", "`loss.beta_start`"),
        ("[train.epochs]\nx = 1", "Allowed is a whole number"),
        ("[train]\nepochs = true", "Allowed is a whole number"),
        ("[model]\nhidden_dims = [true]", "Allowed is a list"),
        ("[train]\nlearning_rate = nan", "Allowed is a number above 0"),
        ("[audio]\nf_max = inf", "Allowed is a number above 0"),
        ("[data]\ndataset = 'GTZAM'", "Allowed is demo, custom, gtzan, maestro or combined"),
        ("[run]\nname = '../up'", "letters, digits, dots"),
        ("[run]\ndescription = 2024-01-01", "Allowed is text"),
        ("extends = 3", "name or the path of a profile"),
        ("[train]\nepochs = 0x" + "f" * 20000, "a number of thousands of digits"),
    ],
)
def test_a_mistake_is_told_the_way_out(text: str, expected: str, write: Write) -> None:
    write("bad.toml", text)
    assert expected.lower() in refusal("./bad.toml").lower()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[train\n", "bad.toml:1, column"),
        (b"a = 1\na = 2\n", "bad.toml:2"),
        (b"# \xff\n", "bad.toml:1 is not UTF-8"),
        (b"\n\n'\xe9' = 1\n", "bad.toml:3 is not UTF-8"),
        (b"#" * 1_000_001, "larger than a megabyte"),
        (b"a = " + b"[" * 5000, "nested too deep"),
        (b"a = " + b"9" * 5000, "a number is too long"),
        (b"a.b", "bad.toml:1"),
        (b"a = '\x1b[2J'", "bad.toml:1"),
    ],
    ids=range(9),
)
def test_a_file_that_is_no_profile_is_refused_on_one_line(content: bytes, expected: str, write: Write) -> None:
    write("bad.toml", content)
    message = refusal("./bad.toml")
    assert expected in message
    assert message.isprintable()


def test_a_file_with_a_byte_order_mark_is_read(write: Write) -> None:
    assert load(write("bom.toml", b"\xef\xbb\xbf[train]\r\nepochs = 3\r\n")).train.epochs == 3


def test_control_characters_are_shown_escaped_and_long_values_cut(write: Write) -> None:
    write("bad.toml", '[train]\n"ep\\u001b[2Jochs" = "\\u001b]0;owned\\u0007\\u202e"\nepochs = "' + "x" * 10_000 + '"')
    message = refusal("./bad.toml")
    assert all(line.isprintable() for line in message.splitlines())
    assert r"\x1b]0;owned\x07\u202e" in message
    assert max(map(len, message.splitlines())) < 200


def test_lines_are_right_for_every_way_to_write_a_key() -> None:
    text = """extends = "demo"

train.epochs = 3          # dotted
"train"."batch_size" = 4
[model]
hidden_dims = [
    1, # one ]
    2,
]
[audio] # a table
description = '''
[not.a.table]
n_mels = 1
'''
n_fft = 1
data = {dataset = "demo", "dataset_dir" = "x"}
[run.deep]
x.y = 1
[[list]]
z = 1
"""
    lines = key_lines(text)
    assert {".".join(key): line for key, line in lines.items() if len(key) > 1} == {
        "train.epochs": 3,
        "train.batch_size": 4,
        "model.hidden_dims": 6,
        "audio.description": 11,
        "audio.n_fft": 15,
        "audio.data": 16,
        "audio.data.dataset": 16,
        "audio.data.dataset_dir": 16,
        "run.deep": 17,
        "run.deep.x": 18,
        "run.deep.x.y": 18,
        "list.z": 20,
    }
    assert lines["extends",] == 1
    assert lines["train",] == 3
    assert lines["model",] == 5


SHIPPED_TEXTS = [path.read_text(encoding="utf-8") for path in sorted(packaged_folder().glob("*.toml"))]


def outcome(source: str | None, flags: dict[str, object]) -> Profile | str:
    """The profile, or the message with which it is refused."""
    try:
        return resolve(source, flags=flags, environ={}).profile
    except ProfileError as error:
        return str(error)


def assert_readable(result: Profile | str) -> None:
    """A message holds nothing that a terminal would obey."""
    assert isinstance(result, Profile) or all(line.isprintable() for line in result.split("\n"))


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    """A shipped profile with a few pieces cut out, moved or overwritten."""
    content = draw(st.sampled_from(SHIPPED_TEXTS)).encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        piece = draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(
                    [b"[", b"]", b'"""', b"= ", b"\n[train]\n", b"true", b"{}", b"-1", b"nan", b"1e999", b"."]
                ),
                st.just(content[end : end + 20]),
            )
        )
        content = content[:start] + piece + content[end:]
    return content


@given(content=mutilated())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mutilated_profile_gives_a_profile_or_a_readable_refusal(content: bytes, write: Write) -> None:
    write("mutilated.toml", content)
    assert_readable(outcome("./mutilated.toml", {"custom_dir": "music"}))


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.binary(max_size=5)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(["epochs", "hidden_dims", "custom_dir", "name"]), st.text(max_size=12)), VALUES
    )
)
@settings(max_examples=200, deadline=None)
def test_any_value_of_any_flag_gives_a_profile_or_a_readable_refusal(flags: dict[str, object]) -> None:
    assert_readable(outcome(None, flags))
