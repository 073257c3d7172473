/* What this browser keeps of a person's choices. Where it keeps nothing, they last as long as the page. */

const kept = new Map();
const name = (key) => `chiffchaff-${key}`;

export function remembered(key) {
  if (kept.has(key)) return kept.get(key);
  try {
    return localStorage.getItem(name(key));
  } catch {
    return null; // storage is switched off
  }
}

/** Forgets it where the value is null. */
export function remember(key, value) {
  kept.set(key, value);
  try {
    if (value === null) localStorage.removeItem(name(key));
    else localStorage.setItem(name(key), value);
  } catch {
    // storage is switched off
  }
}
