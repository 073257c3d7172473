/* Files dropped anywhere on the page. */

/**
 * `take(files)` gets the files among what is dropped, perhaps none, until `signal` is aborted; `enabled()` says whether
 * the page can take it now. The veil shows while files hover.
 */
export function acceptDrops(veil, { take, enabled, signal }) {
  let depth = 0; // enter and leave also fire for every element inside
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const veiled = (on) => {
    if (!on) depth = 0;
    veil.hidden = !on;
  };
  const on = (event, act) => addEventListener(event, act, { signal });
  on("dragenter", (event) => {
    if (!carriesFiles(event) || !enabled()) return;
    depth += 1;
    veiled(true);
  });
  on("dragleave", (event) => {
    if (!carriesFiles(event) || !depth) return;
    depth -= 1;
    if (!depth) veiled(false);
  });
  on("dragover", (event) => carriesFiles(event) && event.preventDefault());
  on("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    veiled(false);
    const folder = (item) => item.webkitGetAsEntry?.()?.isDirectory;
    const files = [...event.dataTransfer.items].filter((item) => item.kind === "file" && !folder(item)).map((item) => item.getAsFile());
    if (enabled()) take(files);
  });
}
