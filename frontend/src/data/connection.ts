/** Looks for a server that stopped answering, so that the page notices its return without a click. */
import { effect } from "@preact/signals";
import { api } from "./api";
import { reachable } from "./http";

const FIRST_MS = 1_000;
const LONGEST_MS = 15_000;

/** Starts watching; returns the way to stop. A health check runs with growing pauses while the server is unreachable. */
export function watchConnection(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_MS;

  const look = async () => {
    try {
      await api.health();
      pause = FIRST_MS;
    } catch {
      // The request itself has set `reachable`; only the next look remains to be planned.
      pause = Math.min(LONGEST_MS, pause * 2);
      timer = setTimeout(look, pause);
    }
  };
  const now = () => {
    clearTimeout(timer);
    pause = FIRST_MS;
    void look();
  };
  const stopEffect = effect(() => {
    clearTimeout(timer);
    if (!reachable.value) timer = setTimeout(look, FIRST_MS);
  });
  globalThis.addEventListener?.("online", now);
  globalThis.addEventListener?.("offline", now);
  return () => {
    clearTimeout(timer);
    stopEffect();
    globalThis.removeEventListener?.("online", now);
    globalThis.removeEventListener?.("offline", now);
  };
}
