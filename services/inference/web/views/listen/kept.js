/* What was heard lately: answers with their recordings, in this browser's own database, so that a link opens them again. */

const MOST = 30; // results
const ROOM = 300e6; // bytes of recordings; the oldest make room

let opened = null;
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });

function database() {
  opened ??= (() => {
    const request = indexedDB.open("chiffchaff", 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore("results", { keyPath: "id" }));
    return settled(request);
  })();
  return opened;
}

/** Does something with the store; where the browser keeps nothing, there is nothing. */
async function withStore(mode, act, otherwise) {
  try {
    return await act((await database()).transaction("results", mode).objectStore("results"));
  } catch (error) {
    console.info("This browser keeps no results:", error);
    return otherwise;
  }
}

/** What there is, newest first: [{id, at, name, file, answer}]. */
export const lately = () =>
  withStore("readonly", async (store) => (await settled(store.getAll())).sort((a, b) => b.at - a.at), []);

/** The result of that id, or null. */
export const find = (id) => withStore("readonly", async (store) => (await settled(store.get(id))) ?? null, null);

/** Keeps a result {id, at, name, file, answer}; the oldest make room for it. Resolves to whether it is kept. */
export function keep(result) {
  return withStore(
    "readwrite",
    async (store) => {
      await settled(store.put(result));
      let [count, size] = [0, 0];
      for (const { id, file } of (await settled(store.getAll())).sort((a, b) => b.at - a.at)) {
        [count, size] = [count + 1, size + file.size];
        if (count > 1 && (count > MOST || size > ROOM)) store.delete(id);
      }
      return true;
    },
    false,
  );
}

export const forget = () => withStore("readwrite", (store) => settled(store.clear()), undefined);
