/* Lists that the API gives page by page, and files that it wants a key for. */

import { ask, get } from "./api.js";

const AT_ONCE = 100;

/** All items of a list. */
export async function all(path, { signal } = {}) {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: AT_ONCE, ...(cursor === null ? {} : { cursor }) });
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}${query}`, { signal });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

/** An address of a file for an img or an Audio, until `signal` is aborted. */
export async function fileAddress(path, { accept, signal }) {
  const answer = await ask(path, { headers: { Accept: accept }, signal });
  const address = URL.createObjectURL(await answer.blob());
  signal.addEventListener("abort", () => URL.revokeObjectURL(address));
  return address;
}

/** Saves a Blob under a name. */
export function saveBlob(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may ask first where to
}

/** Saves a file of the API under a name. */
export async function save(path, name) {
  const answer = await ask(path, { headers: { Accept: "*/*" } });
  saveBlob(await answer.blob(), name);
}
