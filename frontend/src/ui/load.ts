import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { errorOf, reachable, signedIn } from "../data/http";

export interface Loaded<T> {
  /** The newest answer; kept while a newer one is fetched. */
  value: Signal<T | undefined>;
  error: Signal<Error | undefined>;
  reload: () => Promise<void>;
}

/** Loads when the page shows and whenever `key` changes; an answer that was overtaken by a newer request is dropped. */
export function useLoad<T>(load: () => Promise<T>, key: string): Loaded<T> {
  const value = useSignal<T | undefined>(undefined);
  const error = useSignal<Error | undefined>(undefined);
  const turn = useRef(0);
  const latest = useRef(load);
  latest.current = load;

  const reload = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const answer = await latest.current();
      if (mine !== turn.current) return;
      value.value = answer;
      error.value = undefined;
    } catch (cause) {
      if (mine === turn.current) error.value = errorOf(cause);
    }
  }, [value, error]);

  useEffect(() => {
    value.value = undefined;
    void reload();
    return () => {
      turn.current++;
    };
  }, [key, reload, value]);

  // What failed for want of a server or a sign-in is asked for again as soon as there is one.
  useSignalEffect(() => {
    if (reachable.value && signedIn.value && error.peek()) void reload();
  });

  return { value, error, reload };
}
