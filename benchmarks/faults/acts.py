"""What is done to a stage, and taken back: signals, models, messages, disks, devices, ends."""

import math
import os
import shutil
import signal
import time

import psutil
import soundfile

from benchmarks.faults.family import all_processes, left_over, send_signal, shared_memory
from benchmarks.faults.fault import CUT, FADES, UNHEARD, Fault
from benchmarks.faults.gaps import is_cut
from benchmarks.faults.stage import Flood, Stage
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.jack_server import SAMPLE_RATE

A_CORE = 60.0
"""Percent of a core that no conductor takes, unless it talks to itself."""
ENDS_WITHIN = 20.0
"""Seconds that a server may take to end, or to start again."""
OPENS_WITHIN = 40.0
"""Seconds that a model may take to open."""
AWAY = 2.0
"""Seconds for which a device, or what is written to, is wrong before the next blow."""
TAKE_BYTES = 8 * SAMPLE_RATE
"""Of a second of a take."""
BEFORE_NS = 2_000_000_000
"""Of an end: how loud it was then."""

Found = tuple[float | str, float | None]
"""Heard and control of a fault."""

# Processes


def hit(stage: Stage, role: str, number: int) -> None:
    """Send a signal to the process of a role. Raises RuntimeError where there is none."""
    limit = time.monotonic() + ENDS_WITHIN
    while (pid := stage.family().get(role)) is None:
        if time.monotonic() > limit:
            raise RuntimeError(f"no {role}")
        time.sleep(0.1)
    send_signal(pid, number)


def let_go_on(stage: Stage) -> None:
    """Wake whatever hangs."""
    for pid in all_processes(stage.server.pid):
        send_signal(pid, signal.SIGCONT)


def stream_alone(stage: Stage) -> None:
    """Let layer 2 play the generator, and be heard alone."""
    stage.send("/liveseq/layer/2/mode", "generate")
    stage.send("/liveseq/layer/1/gain", -90.0)
    limit = time.monotonic() + ENDS_WITHIN
    while "streamer" not in stage.family() and time.monotonic() < limit:
        time.sleep(0.1)
    time.sleep(2 * AWAY)


def stream_no_more(stage: Stage) -> None:
    """Take `stream_alone` back."""
    let_go_on(stage)
    stage.send("/liveseq/layer/2/mode", "continuous")
    stage.send("/liveseq/layer/1/gain", 0.0)


def start_again(stage: Stage, _: Fault) -> Found:
    """The supervisor dies, and the performer starts the server again at once."""
    began, killed = time.monotonic_ns(), time.monotonic()
    memory = shared_memory(all_processes(stage.server.pid))
    stage.server.process.kill()
    started = stage.start_again(patience=ENDS_WITHIN)
    note_memory(stage, memory)
    if not started:
        stage.lost.append("control")
        return math.inf if stage.is_heard else UNHEARD, math.inf
    away = 1e3 * (time.monotonic() - killed)
    control = away + stage.control_ms(seconds=3.0, patience=ENDS_WITHIN)
    stage.said += [f"stderr: {line}" for line in stage.server.errors]
    return stage.gap_ms(began, patience=5.0) if stage.is_heard else UNHEARD, control


# Models, messages, the clock


def predict(stage: Stage, model: str) -> None:
    """Let a predictor plan every layer, once it is open, or refused."""
    with Controller(stage.server.port) as other:
        other.send("/liveseq/predict/model", model)
        for answer in other.receive(seconds=OPENS_WITHIN):
            stage.note_refusal(answer)


def set_clock(stage: Stage, seconds: float) -> None:
    """Set the wall clock of the server, and of a performer who sends timed tags from now on."""
    stage.home.clock.set(seconds)
    stage.timed = True


def right_clock(stage: Stage) -> None:
    """Take `set_clock` back."""
    stage.home.clock.set(0.0)
    stage.timed = False
    time.sleep(1.0)


def flood(stage: Stage, _: Fault) -> Found:
    """Tags without end, and a panic that has to be heard among them. Control is that of the panic."""
    began, answer = time.monotonic_ns(), None
    with Flood(stage.server.port), Controller(stage.server.port) as other:
        time.sleep(AWAY)
        heard = stage.gap_ms(began, until=time.monotonic_ns(), patience=0.0) if stage.is_heard else UNHEARD
        panicked = time.monotonic()
        other.send("/liveseq/panic", "id:1")
        while answer != "/liveseq/panic" and (left := panicked + ENDS_WITHIN - time.monotonic()) > 0.0:
            answer, *_ = other.hear("/liveseq/done", seconds=left) or (None,)
        control = 1e3 * (time.monotonic() - panicked) if answer else math.inf
    time.sleep(0.5)
    stage.play()
    return heard, control


def talk_to_itself(stage: Stage) -> None:
    """Ask the server to answer at its own port."""
    port = stage.server.port
    with Controller(port) as other:
        for message in (("/liveseq/hello", "me", port), ("/liveseq/subscribe", "/liveseq", 100.0, "127.0.0.1", port)):
            other.send(*message)
            for answer in other.receive(seconds=1.0):
                stage.note_refusal(answer)


def note_a_core(stage: Stage) -> None:
    """Count a core that the conductor takes as lost."""
    conductor = stage.family().get("conductor")
    if conductor is not None and psutil.Process(conductor).cpu_percent(interval=1.0) > A_CORE:
        stage.lost.append("a core")


# Disks and devices


def fill_state(stage: Stage) -> None:
    """Leave no room for the state."""
    stage.note_logs()
    stage.state.fill()


def freeze_state(stage: Stage) -> None:
    """Let nothing of the state be changed."""
    stage.note_logs()
    stage.state.freeze()


def note_logs(stage: Stage) -> None:
    """Count logs of the set that are gone as lost."""
    stage.lost += [f"the set's {name}" for name in stage.logs if not (stage.state.path / name).exists()]


def empty_database(stage: Stage) -> None:
    """Leave nothing in corpus.db."""
    os.truncate(stage.corpus / "corpus.db", 0)
    time.sleep(AWAY)


def remove_corpus(stage: Stage) -> None:
    """Take its folder away."""
    shutil.rmtree(stage.corpus)
    time.sleep(AWAY)


def fill_takes(stage: Stage) -> None:
    """Leave no room for what is recorded, once there are some seconds of it."""
    take, limit = stage.take_disk.path / "take.wav", time.monotonic() + ENDS_WITHIN
    while take.stat().st_size < 3 * TAKE_BYTES and time.monotonic() < limit:
        time.sleep(0.1)
    stage.take_disk.fill()


def note_take(stage: Stage) -> None:
    """End the server, and count a take as lost that is not readable to the second before its last one."""
    stage.server.stop()
    try:
        found = soundfile.info(stage.take_disk.path / "take.wav")
    except soundfile.LibsndfileError:
        stage.lost.append("the take")
        return
    if found.frames < 2 * found.samplerate:
        stage.lost.append(f"the take but {found.frames / found.samplerate:.1f} s")


def pull_device(stage: Stage, _: Fault) -> Found:
    """The JACK server goes and comes back. Heard: from its first block to the first sound."""
    stage.device.unplug()
    control = stage.control_ms(seconds=AWAY, patience=ENDS_WITHIN)
    stage.device.plug()
    plugged = time.monotonic_ns()
    sounding = stage.device.sounding_from(0, patience=ENDS_WITHIN)
    _, times = stage.device.take()
    heard = math.inf if sounding is None else (sounding - int(times[0] if len(times) else plugged)) / 1e6
    return heard, max(control, stage.control_ms(seconds=1.0, patience=ENDS_WITHIN))


# Ends


def end(stage: Stage, fault: Fault) -> Found:
    """The server is told to end, and has to do so with a fade, leaving nothing behind."""
    before = time.monotonic_ns() - BEFORE_NS
    memory = shared_memory(all_processes(stage.server.pid))
    fault.act(stage)
    limit = time.monotonic() + ENDS_WITHIN
    while stage.server.process.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    blocks, _ = stage.device.take(since=before)
    status = stage.server.process.poll()
    if status is None:
        stage.lost.append("it does not end")
    else:
        stage.server.close()
        stage.lost += [f"exit status {status}"] * (status != 0)
    note_memory(stage, memory)
    while not stage.server.lines.empty() and (line := stage.server.lines.get()):
        stage.said.append(f"stdout: {line}")
    return (CUT if is_cut(blocks, sample_rate=SAMPLE_RATE) else FADES) if stage.is_heard else UNHEARD, None


def note_memory(stage: Stage, names: set[str]) -> None:
    """Count shared memory that is left behind as lost."""
    if left := left_over(names):
        stage.lost.append(f"{len(left)} pieces of shared memory left behind")


def terminate(stage: Stage) -> None:
    """Ask it to end, as systemd does."""
    stage.server.process.terminate()


def hang_up(stage: Stage) -> None:
    """Close its terminal."""
    stage.hang_up()
