/* The views there are, as the navigation shows them: a folder here, a line there, a name in lib/en.js and lib/de.js. */

export const views = ["listen", "library", "teach", "train", "models", "jobs"];
