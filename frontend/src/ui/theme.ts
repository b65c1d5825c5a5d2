/**
 * Light, dark, or as the system has it. The style sheet knows only data-theme="dark" on the root element;
 * public/theme.js sets it before the first paint, this module keeps it right afterwards.
 */
import { effect, signal } from "@preact/signals";

export type ThemeChoice = "auto" | "light" | "dark";

const KEY = "maskmill.theme";

export const themeChoice = signal<ThemeChoice>("auto");
/** What is shown now. */
export const theme = signal<"light" | "dark">("light");

/** Reads the choice, follows the system, and keeps the root element and the storage in step. */
export function watchTheme(): void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  themeChoice.value = stored();
  const apply = () => {
    const chosen = themeChoice.value;
    theme.value = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    document.documentElement.dataset.theme = theme.value;
  };
  system.addEventListener("change", apply);
  effect(apply);
}

export function chooseTheme(choice: ThemeChoice): void {
  themeChoice.value = choice;
  try {
    if (choice === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch (cause) {
    console.warn("the choice of theme lasts until the page is closed", cause);
  }
}

function stored(): ThemeChoice {
  try {
    const choice = localStorage.getItem(KEY);
    return choice === "light" || choice === "dark" ? choice : "auto";
  } catch {
    return "auto";
  }
}
