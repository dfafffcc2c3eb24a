"""Timed messages: what can be written, and what is said where it cannot be played."""

import pytest

from liveseq.errors import ConfigError
from liveseq.offline.messages import LIVE_ONLY, n_layers_of, understood
from liveseq.offline.wording import of_setting, read_messages
from liveseq.osc.parameter import Kind
from liveseq.osc.table import PARAMETERS, addresses
from liveseq.performance.performance import Performance
from tests.support.desk_stage import make_instrument

TABLE = addresses(2)
PREPARED = {"seed/file", "generator"}
"""Paths that a render obeys beside the performance's own."""


def read(tmp_path, text, *, end=60.0):
    path = tmp_path / "set.txt"
    path.write_text(text, encoding="utf-8")
    return understood(read_messages(path), end=end)


def told(messages):
    return [(one.seconds, one.row.address, one.arguments) for one in messages]


def test_a_file_is_read_in_order_of_time(tmp_path):
    text = """
        # a set 🎵
        20   /liveseq/layer/*/gain -6     # both layers
        0    tag "dark drone"
        0    tags bells techno 0.5
        8    layer/2/tag 'c# minor'#1 2
        9    mute T
        1.5  query/k 12
    """
    assert told(read(tmp_path, text)) == [
        (0.0, "/liveseq/tag", ("dark drone",)),
        (0.0, "/liveseq/tags", ("bells", 1.0, "techno", 0.5)),
        (1.5, "/liveseq/query/k", (12,)),
        (8.0, "/liveseq/layer/2/tag", ("c# minor#1", 2.0)),
        (9.0, "/liveseq/mute", (True,)),
        (20.0, "/liveseq/layer/1/gain", (-6.0,)),
        (20.0, "/liveseq/layer/2/gain", (-6.0,)),
    ]


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("tags 808 909", ("808", 1.0, "909", 1.0)),
        ("tags 808 909 0.5 bells", ("808", 1.0, "909", 0.5, "bells", 1.0)),
        ("tags bells 7", ("bells", 7.0)),
        ("tags drone infinity 007", ("drone", 1.0, "infinity", 1.0, "007", 1.0)),
        ("tag 808", ("808",)),
        ("tag 808.0", ("808",)),
        ("query/filter/tags 808.0", ("808", 1.0)),
        ("tag dark drone 0.5", ("dark drone", 0.5)),
        ("layer/2/tag bells 909", ("bells 909",)),
        ("stop 1.0", ()),
        ("panic bang", ()),
        ("play T", ()),
    ],
)
def test_words_numbers_and_buttons_are_taken_as_they_are_live(tmp_path, line, arguments):
    path = tmp_path / "set.txt"
    path.write_text(f"0 {line}\n1 stop 0.0\n2 panic F\n", encoding="utf-8")  # a button that is let go
    [one] = understood(read_messages(path), end=60.0, is_tag={"808", "909"}.__contains__)
    assert one.arguments == arguments


def test_a_file_may_begin_with_the_mark_that_windows_writes(tmp_path):
    path = tmp_path / "set.txt"
    path.write_text("0 tag hum\n", encoding="utf-8-sig")
    assert [one.arguments for one in understood(read_messages(path), end=60.0)] == [("hum",)]


def test_a_number_out_of_range_is_moved_as_it_is_live_and_said(tmp_path, caplog):
    assert told(read(tmp_path, "0 steer/brightness 9")) == [(0.0, "/liveseq/steer/brightness", (3.0,))]
    assert "set.txt:1: 9 is moved to 3.0" in caplog.text


@pytest.mark.parametrize(
    ("line", "layers"),
    [
        ("0 tag hum", 1),
        ("0 layer/3/tag hum", 3),
        ("0 tag hum 1 4", 4),
        ("0 seed/file a.wav 2", 2),
        ("0 layer/*/pan 1", 1),
    ],
)
def test_there_are_as_many_layers_as_the_messages_name(tmp_path, line, layers):
    assert n_layers_of(read(tmp_path, line)) == layers


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("soon tag hum", "expected SECONDS ADDRESS ARGUMENTS, found 'soon' for the seconds"),
        ("1", "expected SECONDS ADDRESS ARGUMENTS, found '1'"),
        ("0 tag 'hum", "expected words, with quotes in pairs"),
        ("60 tag hum", "expected a time before the take's end at 60 s, found 60"),
        ("-1 tag hum", "expected a time before the take's end at 60 s, found -1"),
        ("nan tag hum", "expected a time before the take's end at 60 s, found nan"),
        ("0 brightness 1", "unknown address /liveseq/brightness; did you mean /liveseq/steer/brightness"),
        ("0 /liveseq/layer/17/tag hum", "layer: expected 1 to 16, found 17"),
        ("0 layer/0/tag hum", "layer: expected 1 to 16, found 0"),
        ("0 steer/*/up 1", "no value matches /liveseq/steer/*/up"),
        ("0 query/k 2.5", "k: expected i:k; found 2.5"),
        ("0 query/k many", "k: expected i:k; found 'many'"),
        ("0 query/k 0", "k: expected 1 to 256, found 0"),
        ("0 mute maybe", "mute: expected b:mute; found 'maybe'"),
        ("0 gain", "/liveseq/gain without a value asks for it: there is nobody to answer"),
        ("0 fade -6", "expected f:gain f:seconds; found 1 argument"),
        ("0 prime 43 ###", "expected i:columns blob:descriptors; found 1 argument"),
        ("0 prime 43 '#'", "descriptors: expected i:columns blob:descriptors; found '#'"),
        ("0 mode loud", "mode: expected continuous or beat or cloud or freeze or generate, found 'loud'"),
        ("0 subscribe tag", "/liveseq/subscribe works only live: there is nobody to answer"),
        ("0 meter", "/liveseq/meter works only live: a server sends it"),
        ("0 seed/input 4", "/liveseq/seed/input works only live: there is no input device"),
        ("0 layer/1/listen T", "/liveseq/layer/1/listen works only live: there is no input device"),
        ("0 generate drone 20", "/liveseq/generate works only live: the corpus does not grow meanwhile"),
    ],
)
def test_what_cannot_be_played_is_said_with_its_line(tmp_path, line, message):
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, f"# a set\n\n{line}\n")
    assert str(raised.value).startswith(f"{tmp_path / 'set.txt'}:3: ")
    assert message in str(raised.value)


def test_what_is_no_file_of_messages_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"--messages .*none\.txt: cannot be read"):
        read_messages(tmp_path / "none.txt")
    (tmp_path / "wav").write_bytes(b"RIFF\xff\xfe")
    with pytest.raises(ConfigError, match="expected text in UTF-8, found other bytes"):
        read_messages(tmp_path / "wav")


@pytest.mark.parametrize(
    ("setting", "address", "arguments"),
    [
        ("steer/brightness=1", "steer/brightness", (1.0,)),
        ("layer/2/tag=dark drone", "layer/2/tag", ("dark drone",)),
        ("/liveseq/tag=dark drone, 0.5, 2", "tag", ("dark drone", 0.5, 2)),
        ("tags=bells techno", "tags", ("bells", 1.0, "techno", 1.0)),
        ("query/weights=timbre,0,loudness_db,2", "query/weights", ("timbre", 0.0, "loudness_db", 2.0)),
        ("query/filter/range=loudness_db -30 0", "query/filter/range", ("loudness_db", -30.0, 0.0)),
        ('query/filter/sources="old vinyl" 0', "query/filter/sources", ("old vinyl", 0.0)),
        ("seed/corpus=techno unagan 1", "seed/corpus", ("techno unagan 1",)),
        ("predict/model=a,b", "predict/model", ("a,b",)),
        ("query/filter/clear=", "query/filter/clear", ()),
        ("layer/2/latent=0.5 -1 2", "layer/2/latent", (0.5, -1.0, 2.0)),
        ("layer/2/latent=0.5, -1", "layer/2/latent", (0.5, -1.0)),
    ],
)
def test_a_setting_is_a_message_at_the_beginning(setting, address, arguments):
    [one] = understood([of_setting(setting, where="--set")], end=1.0)
    assert (one.seconds, one.row.address, one.arguments) == (0.0, f"/liveseq/{address}", arguments)


def word(argument):
    """Something that fits."""
    if argument.choices:
        return argument.choices[0]
    plain = {"s": "word", "b": "T", "blob": "AAAA"}
    return plain.get(argument.type, str(int(argument.low)) if argument.low > -1e9 else "0")


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda one: f"{one.scope}-{one.path}")
def test_every_message_that_changes_something_is_played_or_says_why_not(parameter, tmp_path):
    """Who adds a row to the table says what a render does of it: add a reason to LIVE_ONLY, or obey it in render.py."""
    performance = Performance(make_instrument(), seed=1)
    line = " ".join(["0", parameter.path, *map(word, parameter.arguments)])
    if parameter.scope == "layer":
        line = line.replace("0 ", "0 layer/2/", 1)
    plays = parameter.kind in (Kind.SET, Kind.TRIGGER) and parameter.path not in LIVE_ONLY
    if not plays:
        with pytest.raises(ConfigError, match=r"works only live: \w"):
            read(tmp_path, line)
        return
    [one] = read(tmp_path, line)
    assert performance.handles(one.row) or parameter.path in PREPARED
