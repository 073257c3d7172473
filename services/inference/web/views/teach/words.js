import { words } from "../../lib/strings.js";

/** The words of this view. */
export const text = await words(import.meta.url);
