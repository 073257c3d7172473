"""Sends 10,000 hostile requests to a running embedded stack, and a good one now and then. Prints a table.

    .venv/bin/python -m bench.hostile                     # some minutes
    .venv/bin/python -m bench.hostile --requests 500 --seed 7

The stack is started for this, on a port and a directory of its own, and nothing is sent to another machine. Whatever
comes, the service must answer it, or hang up; it must go on answering good requests; and no file, no open file and no
memory may stay behind. Ends with exit code 1 when a server error that is no refusal was seen, a good request failed
or a file was left over.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from bench.attacks import UPLOAD_MB, Attack, Attacks
from bench.results import write_results
from tests.support.stack import Stack
from tests.support.waiting import until

AT_ONCE = 10
"""Beside the slow ones, all of which are sent at once; fewer than the places to classify in."""
GRACE_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
SLOW = ("slow head", "slow body")
REFUSALS = ("overloaded", "not-ready", "storage-full")
"""Codes of server errors by which a service that is well says no."""


@dataclass
class Figures:
    """What happened so far."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each kind of attack was answered by each status, or else."""
    errors: Counter[str] = field(default_factory=Counter)
    """Server errors that are no refusal, by kind of attack and what they said."""
    good_ms: list[float] = field(default_factory=list)
    good_answers: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, float]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Files in the scratch and incoming directories after all was over."""
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        refused = {"200", "503"}
        return not (self.errors or self.left or set(self.good_answers) - refused or not self.good_answers["200"])


async def deliver(port: int, attack: Attack) -> tuple[str, bytes]:
    """The status that an attack is answered with, and the beginning of the answer; or how it ended without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        sending = asyncio.create_task(_send(writer, attack))
        if attack.cut:
            await sending
            writer.transport.abort()
            return "hung up", b""
        answer = b""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await reader.read(4_096)
        except TimeoutError:
            return "no answer", b""
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if not answer:
            return "closed", b""
        return (answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.") else "not HTTP"), answer
    except (ConnectionError, OSError):
        return "reset", b""
    finally:
        writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, attack: Attack) -> None:
    for piece in attack.pieces:
        writer.write(piece)
        await writer.drain()
        if attack.pause:
            await asyncio.sleep(attack.pause)


def web_process(stack: Stack) -> int:
    """The process that answers."""
    for pid in stack.processes():
        if psutil.Process(pid).cmdline()[-2:-1] == ["web"]:
            return pid
    raise RuntimeError("no process answers")


def sample(stack: Stack, web: int) -> dict[str, float]:
    """Open files of the process that answers; resident memory of it, and of the whole stack, in MiB."""
    memory = {pid: _resident_mb(pid) for pid in stack.processes()}
    open_files = psutil.Process(web).num_fds()
    return {"open_files": open_files, "web_mb": memory.get(web, 0.0), "all_mb": round(sum(memory.values()), 1)}


def _resident_mb(pid: int) -> float:
    try:
        return round(psutil.Process(pid).memory_info().rss / 2**20, 1)
    except psutil.NoSuchProcess:
        return 0.0


class Siege:
    """Attacks and good requests at the same time."""

    def __init__(self, stack: Stack, attacks: Attacks, figures: Figures) -> None:
        self._stack, self._attacks, self._figures = stack, attacks, figures
        self._web = web_process(stack)
        self._over = asyncio.Event()

    async def hold(self, count: int) -> None:
        plan = self._attacks.plan(count)
        slow = [number for number, kind in enumerate(plan) if kind in SLOW]
        quick = iter([number for number, kind in enumerate(plan) if kind not in SLOW])
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self._watch())
            beside.create_task(self._ask_well())
            async with asyncio.TaskGroup() as attacking:
                for number in slow:
                    attacking.create_task(self._attack(plan[number], number))
                for _ in range(AT_ONCE):
                    attacking.create_task(self._attack_in_turn(quick, plan))
            self._over.set()

    async def _attack_in_turn(self, numbers: Any, plan: list[str]) -> None:
        for number in numbers:
            await self._attack(plan[number], number)

    async def _attack(self, kind: str, number: int) -> None:
        status, answer = await deliver(self._stack.port, self._attacks.make(kind, number))
        self._figures.answers[kind, status] += 1
        if status.startswith("5") or status == "no answer":
            code = _code(answer)
            if status == "no answer" or code not in REFUSALS:
                self._figures.errors[f"{kind}, number {number}: {status} {code}"] += 1

    async def _ask_well(self) -> None:
        """One good request after the other, with a pause."""
        async with httpx.AsyncClient(base_url=self._stack.url, timeout=PATIENCE_SECONDS) as client:
            while not self._over.is_set():
                began = time.perf_counter()
                try:
                    status = str((await client.post("/classify", content=self._attacks.good)).status_code)
                except httpx.TransportError as error:
                    status = type(error).__name__
                self._figures.good_ms.append(1_000 * (time.perf_counter() - began))
                self._figures.good_answers[status] += 1
                await asyncio.sleep(0.2)

    async def _watch(self) -> None:
        began = time.monotonic()
        while not self._over.is_set():
            seen = await asyncio.to_thread(sample, self._stack, self._web)
            self._figures.samples.append({"second": round(time.monotonic() - began, 1), **seen})
            await asyncio.sleep(2)


def _code(answer: bytes) -> str:
    """Of the problem document in an answer, else its first line."""
    _, _, body = answer.partition(b"\r\n\r\n")
    try:
        return str(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return answer.partition(b"\r\n")[0].decode("latin-1")


def leftovers(stack: Stack) -> list[str]:
    places = (stack.data_dir / "scratch", stack.data_dir / "storage" / "incoming")
    return [str(path.relative_to(stack.data_dir)) for place in places for path in place.rglob("*") if path.is_file()]


def besiege(count: int, seed: int, folder: Path) -> Figures:
    """Starts a stack, attacks it, and looks at what is left when it is quiet again."""
    figures = Figures()
    library = folder / "library"
    library.mkdir()
    settings = {
        "CHIFFCHAFF_MAX_UPLOAD_MB": str(UPLOAD_MB),
        "CHIFFCHAFF_BODY_GRACE_SECONDS": str(GRACE_SECONDS),
        "CHIFFCHAFF_LIBRARY_DIR": str(library),
    }
    stack = Stack(folder / "data", settings)
    stack.data_dir.mkdir()
    stack.start()
    try:
        attacks = Attacks(seed)
        warm = stack.send("POST", "/classify", content=attacks.good)
        warm.raise_for_status()
        figures.samples.append({"second": 0.0, **sample(stack, web_process(stack))})
        began = time.monotonic()
        asyncio.run(Siege(stack, attacks, figures).hold(count))
        figures.seconds = time.monotonic() - began
        try:
            until(lambda: not leftovers(stack), seconds=60, what="empty scratch directories")
        except AssertionError:
            figures.left = leftovers(stack)
        figures.samples.append({"second": round(figures.seconds, 1), **sample(stack, web_process(stack))})
        again = stack.send("POST", "/classify", content=attacks.good)
        figures.good_answers[f"{again.status_code}"] += 1
    finally:
        stack.interrupt(seconds=60)
    return figures


def show(figures: Figures, console: Console) -> None:
    table = Table("attack", "answers", title=f"{figures.answers.total():,} hostile requests in {figures.seconds:.0f} s")
    for kind in sorted({kind for kind, _ in figures.answers}):
        ends = sorted((status, number) for (one, status), number in figures.answers.items() if one == kind)
        table.add_row(kind, ", ".join(f"{number:,} x {status}" for status, number in ends))
    console.print(table)
    for what, number in figures.errors.most_common(40):
        console.print(f"{number:>5,}  {what}")
    half, most = np.percentile(figures.good_ms, [50, 99])
    good = ", ".join(f"{number:,} x {status}" for status, number in figures.good_answers.most_common())
    console.print(f"server errors that are no refusal: {figures.errors.total()}; files left over: {len(figures.left)}")
    console.print(f"good requests meanwhile: {good}; p50 {half:.0f} ms, p99 {most:.0f} ms")
    for name in ("open_files", "web_mb", "all_mb"):
        values = [one[name] for one in figures.samples]
        console.print(f"{name}: {values[0]:g} before, {max(values):g} at most, {values[-1]:g} after")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chiffchaff-hostile-") as folder:
        figures = besiege(arguments.requests, arguments.seed, Path(folder))
    show(figures, Console())
    half, most = np.percentile(figures.good_ms, [50, 99])
    result = {
        "requests": figures.answers.total(),
        "seed": arguments.seed,
        "seconds": round(figures.seconds, 1),
        "answers": {f"{kind}: {status}": number for (kind, status), number in sorted(figures.answers.items())},
        "server_errors": figures.errors.total(),
        "errors": dict(figures.errors),
        "left_over": figures.left,
        "good": dict(figures.good_answers),
        "good_p50_ms": round(float(half), 1),
        "good_p99_ms": round(float(most), 1),
        "samples": figures.samples,
    }
    write_results("hostile", result)
    sys.exit(not figures.well)


if __name__ == "__main__":
    main()
