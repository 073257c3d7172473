/* From the detections of an answer to the passages a person hears: pure functions, no page. */

/** Detections at or above the threshold. Compared in whole per cent, as the slider shows them. */
export const atLeast = (detections, threshold) => detections.filter((d) => Math.round(d.confidence * 100) >= Math.round(threshold * 100));

/**
 * Windows overlap, so one song is detected several times: detections of one species that touch become one passage
 * {species, common_name, start, end, confidence, known}, with the highest confidence among them, sorted by start. It is
 * known when one of them is, and null where the model cannot tell.
 */
export function passages(detections) {
  const open = new Map();
  const found = [];
  for (const d of [...detections].sort((a, b) => a.start - b.start)) {
    const last = open.get(d.species);
    if (last && d.start <= last.end + 1e-3) {
      last.end = Math.max(last.end, d.end);
      last.confidence = Math.max(last.confidence, d.confidence);
      last.known = last.known || (d.known ?? null);
    } else {
      const { species, common_name, start, end, confidence, known = null } = d;
      const passage = { species, common_name, start, end, confidence, known };
      open.set(species, passage);
      found.push(passage);
    }
  }
  return found;
}

/** For each passage the lowest lane in which it overlaps no other; the most confident choose first. */
export function lanes(list) {
  const taken = [];
  const chosen = new Array(list.length);
  const order = list.map((_, i) => i).sort((a, b) => list[b].confidence - list[a].confidence);
  for (const i of order) {
    const { start, end } = list[i];
    const free = (lane) => lane.every((other) => end <= other.start + 1e-3 || start >= other.end - 1e-3);
    let lane = taken.findIndex(free);
    if (lane < 0) lane = taken.push([]) - 1;
    taken[lane].push(list[i]);
    chosen[i] = lane;
  }
  return chosen;
}

/** The species the recording sounds like: the first of the ranking that has a detection shown; null when nobody was heard. */
export function verdict(ranking, shown) {
  const heard = new Set(shown.map((d) => d.species));
  return ranking.find((r) => heard.has(r.species)) ?? null;
}

/** Those it could be instead: at most three, none below 5 %. */
export const alternatives = (ranking, chosen) => ranking.filter((r) => r.species !== chosen.species && r.confidence >= 0.05).slice(0, 3);

export const tints = 6;
/** One tint number (0..5) for each species, by rank, so that the likeliest keep theirs; -1 for those past the sixth. */
export function tintsOf(ranking, detections) {
  const order = [...new Set([...ranking, ...detections].map((x) => x.species))];
  return new Map(order.map((species, i) => [species, i < tints ? i : -1]));
}
