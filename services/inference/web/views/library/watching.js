/* How imports and uploads go on, by what moves among the jobs that no other started: each of them is one. */

import { get } from "../../lib/api.js";
import { within } from "../../lib/events.js";
import { over } from "../../lib/jobs.js";
import { watch } from "../../lib/moves.js";

const JOBS = "/jobs/events?top_level=true";

/** Asks `look()` at first and whenever the job {id, parent_id} it gave may have moved, until it says `ended` or `signal` is aborted. */
async function watchJob(look, { signal, onAway }) {
  const ending = within(signal);
  let job = null;
  const reload = async () => {
    const seen = await look(ending.signal);
    job = seen.job;
    if (seen.ended) ending.abort();
  };
  const onMoved = (_type, { jobs, below }) => !below.includes(job.id) && !below.includes(job.parent_id) && jobs.every(({ id }) => id !== job.id);
  await watch(JOBS, { reload, onMoved, onAway, signal: ending.signal });
}

/** Tells `onSeen(ingestion)` how an import stands until it is over; also of what it began. Rejects with a Problem. */
export function watchIngestion(id, onSeen, how) {
  const look = async (signal) => {
    const seen = await get(`/ingestions/${id}`, { signal });
    onSeen(seen);
    return { job: seen.job, ended: over(seen.state) };
  };
  return watchJob(look, how);
}

/** Tells `onSeen(job)` how a job stands until it is over. Rejects with a Problem. */
export function watchPreparation(id, onSeen, how) {
  const look = async (signal) => {
    const job = await get(`/jobs/${id}`, { signal });
    onSeen(job);
    return { job, ended: over(job.state) };
  };
  return watchJob(look, how);
}
