"""Nothing that was accepted is lost or done twice, whatever is killed; and the test would notice if it were."""

from pathlib import Path

from tests.faults.cluster import running_cluster
from tests.faults.embedded import EmbeddedNemesis, running_embedded
from tests.faults.nemesis import ClusterNemesis
from tests.faults.ordeal import Ordeal, undergo

SEED = 2019
LEASE_SECONDS = 3.0
NEVER = 100_000.0


def test_500_uploads_under_faults_each_come_to_one_end(tmp_path: Path) -> None:
    ordeal = Ordeal(jobs=500, per_second=12.0, between_faults=(0.5, 2.0), settle_seconds=60.0)
    with running_cluster(tmp_path, lease_seconds=LEASE_SECONDS, republish_seconds=LEASE_SECONDS) as cluster:
        verdict = undergo(ClusterNemesis(cluster, SEED, pause_seconds=1.3 * LEASE_SECONDS), ordeal)
    assert verdict.accepted == 500
    assert (verdict.lost, verdict.duplicates, verdict.contradictions) == (0, 0, 0), verdict
    assert set(verdict.faults) == set(ClusterNemesis.deeds), verdict
    assert verdict.run_again > 0, "no fault met a job: the run says nothing"


def test_without_reaper_and_relay_the_same_faults_lose_jobs(tmp_path: Path) -> None:
    ordeal = Ordeal(jobs=300, per_second=12.0, between_faults=(0.2, 0.5), settle_seconds=10.0)
    with running_cluster(tmp_path, lease_seconds=NEVER, republish_seconds=NEVER) as cluster:
        verdict = undergo(ClusterNemesis(cluster, SEED, pause_seconds=1.3 * LEASE_SECONDS), ordeal)
    assert verdict.lost > 0, verdict


def test_the_embedded_stack_loses_nothing_to_kills_and_power_cuts(tmp_path: Path) -> None:
    ordeal = Ordeal(jobs=150, per_second=6.0, between_faults=(0.5, 2.0), settle_seconds=90.0)
    with running_embedded(tmp_path, lease_seconds=LEASE_SECONDS) as stack:
        verdict = undergo(EmbeddedNemesis(stack, SEED), ordeal)
    assert verdict.accepted == 150
    assert (verdict.lost, verdict.duplicates, verdict.contradictions) == (0, 0, 0), verdict
    assert set(verdict.faults) == set(EmbeddedNemesis.deeds), verdict
