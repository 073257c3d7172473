/* What a model said of each held-out recording, counted. */

/** {names, counts, tested} of a predictions file: counts[is][said] are lists of recordings, surest first. */
export function confusion({ labels, recordings }) {
  const counts = labels.map(() => labels.map(() => []));
  for (const one of recordings) {
    const [first] = one.ranking;
    if (first) counts[one.label][first[0]].push(one);
  }
  const sure = (one) => one.ranking[0][1];
  for (const row of counts) for (const cell of row) cell.sort((a, b) => sure(b) - sure(a));
  const said = (label) => recordings.filter((one) => one.label === label).length;
  return { counts, totals: labels.map((_, label) => said(label)) };
}

/** Pairs of species that are taken for each other, commonest first: {is, said, recordings}. */
export function mistakes({ counts }) {
  return counts
    .flatMap((row, is) => row.map((recordings, said) => ({ is, said, recordings })))
    .filter(({ is, said, recordings }) => is !== said && recordings.length)
    .sort((a, b) => b.recordings.length - a.recordings.length || a.is - b.is || a.said - b.said);
}
