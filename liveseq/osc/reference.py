"""docs/osc.md, made from the parameter table."""

from liveseq.osc.clients import EVENT_BURST, FAILS_PER_SECOND, LEASE_SECONDS
from liveseq.osc.packets import FAIL_CODES, MAX_ARGUMENTS, MAX_COMMANDS, MAX_DEPTH, MAX_MESSAGES, MAX_PACKET, PREFIX
from liveseq.osc.parameter import SILENCE_DB, Argument, Kind, Parameter, Scope
from liveseq.osc.scheduler import LATE_TOLERANCE, MAX_FUTURE
from liveseq.osc.table import PARAMETERS

_HEAD = f"""# OSC messages

Made from `liveseq/osc/table.py` by `liveseq osc table --out docs/osc.md`; change that, not this.

UDP, port 7700 on 127.0.0.1. Try it:

```
oscsend 127.0.0.1 7700 {PREFIX}/tag s "dark drone"
oscsend 127.0.0.1 7700 {PREFIX}/layer/2/tag s bells
oscsend 127.0.0.1 7700 {PREFIX}/gain f -6
oscsend 127.0.0.1 7700 {PREFIX}/panic
```

## How it behaves

- **A tag is heard at once**: it starts a stopped layer, and on a stopped server its layer alone; `{PREFIX}/play` starts
  every layer that has a tag. `{PREFIX}/tag` is layer 1; the others are silent until they get a tag of their own. A tag
  that means nothing here is answered with `/fail ... not_found` and the nearest ones, and what sounds goes on.
- **Buttons** may send an argument to an address that needs none: any number but 0, T, N, I or `bang` acts; 0 and F,
  when the button is let go, do nothing and are not answered. Nor is what TouchOSC sends by itself: `/ping`, `/1`,
  `.../z`.
- **Several tags**: `{PREFIX}/tags s f s f ...` sets a blend; `{PREFIX}/tag s f` sets one tag's weight beside the
  others, 0 takes it away; `{PREFIX}/tag s` alone replaces them all.
- **Words and numbers as tags**: `{PREFIX}/tag s s dark drone` is "dark drone"; 808, whole or float, is the tag "808".
  After a tag a number up to 1 is its weight; a larger one that is the very name of a tag here is that tag, and `/done`
  says so.
- **Words that say how it sounds** (dark, bright, warm, noisy, slow, fast, busy, sparse, punchy, soft, low, high, quiet,
  loud ...) choose the third of their text's tags that sounds most so for this corpus; alone, of everything. "A bit"
  takes half of them, "very" a sixth, "not" and "less" turn a word round: "not dark bells" are bells ("no" and "without"
  take them away as well). At least 24 units and 12 s are left, or two thirds of a tag that is smaller. Filters hold
  too, macros go on, and the next words end it. A stream of a generator does not follow: to it, such a word alone is
  anything that it was taught.
- **Answers go to the port that the message came from**, or to the one named in `{PREFIX}/hello`. Sets are silent unless
  they were clipped (then the value comes back) or refused; tags and everything that happens once are answered with
  `{PREFIX}/done s:address`. `/done` of a tag says what it means in this corpus: tag and weight, tag and weight;
  behind them a text for each word that says how it sounds, such as `"dark: brightness down, 33 % of bells"`, 8 at most.
- **`id:`** A last argument like `id:42` is said back in the answer, also of a set.
- **Reading**: the address of a set without arguments answers with its value. Patterns (`*`, `?`, `[a-z]`,
  `{{one,two}}`) read and set values; they never play, stop or panic.
- **Subscriptions** last {LEASE_SECONDS:g} s after your last message. A subscription covers what matches and everything
  below: `{PREFIX}/subscribe s:{PREFIX}` is everything. You are not told of what you have set yourself. Values come only
  when they change; events (segment, log, xrun, heartbeat) at most {EVENT_BURST} per period of max_hz.
- **Numbers**: an integer for a float, a whole float for an integer, and 0 or 1 for T or F are understood. Gains and
  knobs out of range are clipped where the table says so, refused otherwise. A gain of {SILENCE_DB:g} dB is silence.
- **Timetags** are kept to the sample. What is past is done at once; by more than {LATE_TOLERANCE * 1e3:g} ms it is
  answered with `{PREFIX}/late s:address f:ms` too. More than {MAX_FUTURE:g} s ahead: refused, since that is another
  clock. More than a day away, either way, is no time of today (0, seconds since 1970): at once. `panic`, `stop` and
  `sched/clear` never wait. Where the server's clock is set, timetags follow it at once; `{PREFIX}/log` says so.
- **`{PREFIX}/panic` and `{PREFIX}/stop`** go before every message that came before them, by whomever: of those, what
  turns a knob or asks is obeyed, the rest (tags, play, seeds) is forgotten and answered so (`busy`).
- **Types**: i, f, s, b, h, d, T, F, N, I; S and c are texts, an array is the list of its values; colours (r), MIDI
  bytes (m) and timetags (t) are left out. Of a bundle only the message that cannot be read is refused.
- **Who may send**: this machine, and the hosts of `--allow` ([configuration](configuration.md)). Others get no answer:
  the terminal names each once, `{PREFIX}/status` counts their packets.
- **Without a server** `liveseq render --messages FILE` plays a file of messages, `SECONDS ADDRESS ARGUMENTS` on a line:
  all but those that need a server, which it names.
- **Limits**: packets of {MAX_PACKET} bytes, {MAX_ARGUMENTS} arguments, bundles {MAX_DEPTH} deep, {MAX_MESSAGES}
  messages, patterns that reach {MAX_COMMANDS} addresses in all; what is beyond is refused, and so is what finds too
  many waiting (`busy`). More than
  {FAILS_PER_SECOND} errors of one client in a second are summed up in one `rate_limited`.
- **`{PREFIX}/fail s:address s:code s:message`**: code is one of {", ".join(f"`{code}`" for code in FAIL_CODES)}.

"""


def reference() -> str:
    """The whole document."""
    parts = [_HEAD]
    for title, scopes, kinds in (
        ("Play", (Scope.GLOBAL, Scope.BOTH), (Kind.TRIGGER, Kind.SET)),
        ("Layers", (Scope.LAYER, Scope.BOTH), (Kind.TRIGGER, Kind.SET)),
        ("Ask", (Scope.GLOBAL,), (Kind.QUERY,)),
        ("Sent to subscribers", (Scope.GLOBAL,), (Kind.PUSH,)),
    ):
        prefix = f"{PREFIX}/layer/<n>" if title == "Layers" else PREFIX
        parameters = [one for one in PARAMETERS if one.scope in scopes and one.kind in kinds]
        parts.append(_section(title, prefix, parameters, repeated=title == "Layers"))
    return "".join(parts).rstrip() + "\n"


def _section(title: str, prefix: str, parameters: list[Parameter], *, repeated: bool) -> str:
    lines = [f"## {title}\n", "| address | arguments | range | default | |", "|---|---|---|---|---|"]
    for parameter in parameters:
        description = parameter.description
        if parameter.scope is Scope.BOTH:
            description = (
                f"As `{PREFIX}/{parameter.path}`, of this layer." if repeated else f"{description} All layers."
            )
        if parameter.reply:
            description = (
                f"{description} Answer: `{parameter.reply}`." if parameter.kind is not Kind.PUSH else description
            )
        arguments = f"`{parameter.reply}`" if parameter.kind is Kind.PUSH else _arguments(parameter)
        default = " ".join(_value(value) for value in parameter.default)
        lines.append(
            f"| `{prefix}/{parameter.path}` | {arguments} | {_ranges(parameter)} | {default} | {description} |"
        )
    return "\n".join(lines) + "\n\n"


def _arguments(parameter: Parameter) -> str:
    words = [_argument(one) for one in parameter.arguments]
    return f"`{' '.join(words)}{' ...' if parameter.repeats else ''}`" if words else ""


def _argument(one: Argument) -> str:
    kind = "T/F" if one.type == "b" else "/".join(one.type)
    return f"[{kind}:{one.name}]" if one.optional else f"{kind}:{one.name}"


def _ranges(parameter: Parameter) -> str:
    ranges = [f"{one.range} {one.unit}".strip() for one in parameter.arguments if one.range]
    return "; ".join(ranges) + (", clipped" if parameter.clip else "")


def _value(value: object) -> str:
    return '""' if value == "" else f"{value:g}" if isinstance(value, float) else str(value)
