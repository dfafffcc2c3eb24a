"""Configuration: defaults, file, flags, and every way to get it wrong."""

from pathlib import Path

import pytest

from liveseq.config import PROVIDERS, ServerConfig, load_config
from liveseq.errors import ConfigError
from liveseq.runtime import session
from liveseq.runtime.folders import GENERATOR, PREDICTOR
from liveseq.server.cli import _KEYS, _serve_parser, unreachable


def write(tmp_path, text):
    path = tmp_path / "gig.yaml"
    path.write_text(text)
    return path


def test_defaults():
    assert load_config(None, {}) == ServerConfig()


def test_a_flag_wins_over_the_file_and_the_file_over_the_default(tmp_path):
    path = write(tmp_path, "block_size: 256\nseed: 5\nosc: {port: 9001, allow: [10.0.0.2]}\n")
    config = load_config(path, {"seed": 7, "osc.port": 7800, "output": None})
    assert (config.block_size, config.seed, config.osc.port, config.output) == (256, 7, 7800, "default")
    assert config.osc.allow == ("10.0.0.2",)


def test_the_help_and_the_tools_name_the_models_that_the_server_takes():
    usual, told = ServerConfig(), " ".join(_serve_parser().format_help().split())
    assert f"the one that makes new sound (default: {usual.generator})" in told
    assert (usual.predictor, usual.generator) == (PREDICTOR, GENERATOR)


def test_what_may_run_a_generator_is_what_sessions_can_be_opened_with():
    assert tuple(session.PROVIDERS) == PROVIDERS


def test_an_empty_file_is_all_defaults(tmp_path):
    assert load_config(write(tmp_path, "# nothing\n"), {}) == ServerConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blocksize: 128", "unknown key blocksize; did you mean block_size"),
        ("osc: {prot: 7700}", r"unknown key osc\.prot; did you mean osc\.port"),
        ("osc_port: 7799", r"unknown key osc_port; write it as osc: \{port: \.\.\.\}"),
        ("osc-listen: 0.0.0.0", r"unknown key osc-listen; write it as osc: \{listen: \.\.\.\}"),
        ("osc: {port: '7796'}", r"found '7796'; write it without the quotes"),
        ("zzz: 1", "unknown key zzz; there are: corpus, "),
        ("block_size: large", "block_size: expected a whole number, found 'large'"),
        ("block_size: 128.5", "expected a whole number, found 128.5"),
        ("block_size: true", "expected a whole number, found True"),
        ("block_size: 4", "block_size: expected 16 to 8192, found 4"),
        ("sample_rate: 1000000", "sample_rate: expected 8000 to 192000, found 1000000"),
        ("provider: gpu", "provider: expected cpu, cuda or tensorrt, found 'gpu'"),
        ("seed: -3", "seed: expected 0 to 2147483647, found -3"),
        ("look_ahead: .nan", "look_ahead: expected 0.02 to 2, found nan"),
        ("osc: 7700", "osc: expected a section of keys, found 7700"),
        ("osc: {port: 0}", r"osc\.port: expected 1 to 65535"),
        ("osc: {port: any}", r"osc\.port: expected 1 to 65535 or \"auto\", found 'any'"),
        ("osc: {allow: 10.0.0.2}", r"osc\.allow: expected a list of texts"),
        ("osc: {allow: ['10.0.0.300']}", r"osc\.allow: expected an IP address, a network .*, found '10\.0\.0\.300'"),
        ("osc: {allow: ['192.168.1']}", r"the name of a host, or \*, found '192\.168\.1'"),
        ('osc: {allow: ["Tom\'s iPad"]}', r"found \"Tom's iPad\""),
        ("play: true", "play: expected a text or null, found True"),
        ("- a\n- b", "expected keys and values, found list"),
        ("a: [1", "not YAML in line"),
        ("seed: 1\nlayers: 2\nseed: 2", "not YAML in line 3: seed is there twice, first in line 1; leave one of them"),
        ("osc:\n  port: 7700\n  port: 7701", "in line 3: port is there twice, first in line 2"),
        ("osc: {port: 7700}\nosc: {listen: 0.0.0.0}", "osc is there twice"),
        ("osc: {port: 7744, port: 7755}", "in line 1: port is there twice, first in line 1"),
        ("look_ahead: 1:30", "not YAML in line 1: 1:30 would be a number in sixties"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text), {})


@pytest.mark.parametrize(("number", "tag"), [("808", "808"), ("808.0", "808"), ("0.5", "0.5"), ("'007'", "007")])
def test_a_number_is_the_tag_that_is_written_so(tmp_path, number, tag):
    assert load_config(write(tmp_path, f"play: {number}\ncorpus: 2024\n"), {}) == ServerConfig(
        play=tag, corpus=Path("2024")
    )


def test_hosts_are_allowed_by_flags_that_win_over_the_file_and_need_an_open_address(tmp_path):
    path = write(tmp_path, "osc: {allow: [10.0.0.2]}\n")
    flags = vars(_serve_parser().parse_args(["--allow", "192.168.1.0/24", "--allow", "studio.local"]))
    config = load_config(path, {key: flags[flag] for flag, key in _KEYS.items()})
    assert config.osc.allow == ("192.168.1.0/24", "studio.local")
    assert unreachable(config).startswith("osc.allow: only this machine reaches 127.0.0.1; open it")
    assert unreachable(load_config(path, {"osc.listen": "0.0.0.0"})) is None
    assert unreachable(ServerConfig()) is None


def test_addresses_networks_names_and_everybody_may_be_allowed():
    allow = ("10.0.0.2", "192.168.1.7/24", "fd00::/64", "studio.local", "Toms-iPad", "*")
    assert load_config(None, {"osc.allow": list(allow)}).osc.allow == allow


def test_a_number_is_the_one_that_is_read(tmp_path):
    config = load_config(write(tmp_path, "osc: {port: 08080}\nseed: 010\nblock_size: 0x100\nlayers: 1_6\n"), {})
    assert (config.osc.port, config.seed, config.block_size, config.layers) == (8080, 10, 256, 16)


@pytest.mark.parametrize("port", ["07700", "7_700", "7700"])
def test_a_port_may_begin_with_a_zero(tmp_path, port):
    assert load_config(write(tmp_path, f"osc: {{port: {port}}}"), {}).osc.port == 7700


def test_no_input_may_be_said_as_no_output_is(tmp_path):
    assert load_config(write(tmp_path, "input: none\noutput: none\n"), {}) == ServerConfig(output="none")
    assert load_config(None, {"input": "none"}).input is None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml", {})


def test_a_path_may_begin_at_home():
    assert load_config(None, {"corpus": "~/x.corpus"}).corpus == Path.home() / "x.corpus"
