import { useEffect, useRef } from "preact/hooks";
import { subscribe } from "../data/events";

/** Events come in bursts: what they ask for is loaded at most this often, unless another pause is named. */
const PAUSE_MS = 800;

/**
 * Calls `reload` at most once in `pauseMs`: soon after an event of the project whose kind starts with one of `kinds`,
 * and whenever events may have been missed.
 */
export function useLive(
  projectId: string,
  kinds: readonly string[],
  reload: () => Promise<void>,
  pauseMs = PAUSE_MS,
): void {
  const latest = useRef(reload);
  latest.current = reload;
  const wanted = kinds.join(" ");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void latest.current();
      }, pauseMs);
    };
    const starts = wanted.split(" ");
    const stop = subscribe(projectId, {
      event: ({ kind }) => {
        if (starts.some((start) => kind.startsWith(start))) soon();
      },
      open: (resumed) => {
        if (!resumed) soon();
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [projectId, wanted, pauseMs]);
}
