"""`make test-faults`: thousands of uploads while parts of a cluster are killed, stopped and restarted.

Nothing that was answered 202 may be lost or done twice. The control run, in which neither leases end nor doorbells ring
again, must lose some: else the test could not fail. See tests/faults/.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench.results import write_results
from tests.faults.checker import Recovery, Verdict
from tests.faults.cluster import running_cluster
from tests.faults.nemesis import ClusterNemesis
from tests.faults.ordeal import Ordeal, undergo

NEVER_SECONDS = 100_000.0
CONTROL_JOBS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--per-second", type=float, default=20.0, help="uploads; 20 keep two cores busy")
    parser.add_argument("--lease-seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=2019)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and so end every process that it started
    folder = Path(tempfile.mkdtemp(prefix="chiffchaff-faults-"))
    print(f"Logs and history: {folder}")
    control = Ordeal(CONTROL_JOBS, asked.per_second, between_faults=(0.2, 1.0), settle_seconds=asked.lease_seconds * 2)
    print("Control run: the reaper and the second ring never come")
    lost = run(folder / "control", control, NEVER_SECONDS, 1.0, asked.seed)
    ordeal = Ordeal(asked.jobs, asked.per_second, between_faults=(2.0, 10.0), settle_seconds=asked.lease_seconds * 12)
    verdict = run(folder / "run", ordeal, asked.lease_seconds, asked.lease_seconds, asked.seed)
    print(table(verdict, lost, asked.lease_seconds))
    figures = {
        **asdict(verdict),
        "control_accepted": lost.accepted,
        "control_lost": lost.lost,
        "lease_seconds": asked.lease_seconds,
        "seed": asked.seed,
    }
    print(f"\nWritten to {write_results('faults', figures)}")
    sys.exit(judgement(verdict, lost))


def run(folder: Path, ordeal: Ordeal, lease_seconds: float, pause_seconds: float, seed: int) -> Verdict:
    with running_cluster(folder, lease_seconds=lease_seconds, republish_seconds=lease_seconds) as cluster:
        verdict = undergo(ClusterNemesis(cluster, seed, pause_seconds=1.3 * pause_seconds), ordeal, reporter())
    print(f"\r{verdict.accepted:,} accepted, {verdict.lost:,} lost".ljust(60))
    return verdict


def reporter() -> Callable[[str], None]:
    """One line that changes, on a terminal; nothing in a log."""
    if not sys.stdout.isatty():
        return lambda _: None
    return lambda line: print(f"\r{line}".ljust(60), end="", flush=True)


def table(verdict: Verdict, control: Verdict, lease_seconds: float) -> str:
    head = f"{'fault':24}{'times':>6}{'jobs hit':>9}{'lost':>6}{'double':>8}{'p50 s':>8}{'p99 s':>8}{'max s':>8}"
    rows = [_row(kind, one) for kind, one in {**verdict.faults, "all": verdict.all_faults}.items()]
    return "\n".join(
        [
            "",
            head,
            *rows,
            "",
            f"accepted {verdict.accepted:,}, lost {verdict.lost}, duplicates {verdict.duplicates}, "
            f"answered in two ways {verdict.contradictions}, given up by the client {verdict.given_up}, "
            f"run again {verdict.run_again}",
            f"lease {lease_seconds:g} s; recovery p99 should be below {2 * lease_seconds:g} s",
            f"control: accepted {control.accepted:,}, lost {control.lost}",
        ]
    )


def _row(kind: str, one: Recovery) -> str:
    seconds = "".join(f"{'-' if value is None else f'{value:.2f}':>8}" for value in (one.p50, one.p99, one.longest))
    return f"{kind:24}{one.times:6}{one.jobs:9,}{one.lost:6}{one.duplicates:8}{seconds}"


def judgement(verdict: Verdict, control: Verdict) -> str | None:
    """What is wrong, to end with; None when all is well."""
    if verdict.lost or verdict.duplicates or verdict.contradictions:
        return "Accepted work was lost or done twice. The history tells when; the same seed does it again."
    if not control.lost:
        return "The control run lost nothing: these faults prove nothing."
    return None


if __name__ == "__main__":
    main()
