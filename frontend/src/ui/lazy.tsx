/** Pages whose code is fetched when they are first opened. */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { errorOf } from "../data/http";
import { Note, Waiting } from "./states";

/** `what` goes into sentences: "Opening the editor …". */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>, what: string): ComponentType<P> {
  const loaded = signal<ComponentType<P> | undefined>(undefined);
  const failed = signal<Error | undefined>(undefined);
  const start = async () => {
    try {
      loaded.value = await load();
      failed.value = undefined;
    } catch (cause) {
      failed.value = errorOf(cause);
    }
  };
  return function Lazy(props: P) {
    const Loaded = loaded.value;
    useEffect(() => {
      if (!Loaded) void start();
    }, [Loaded]);
    if (Loaded) return <Loaded {...props} />;
    if (failed.value) {
      return (
        <Note kind="negative" onRetry={() => location.reload()}>
          {`${what[0]?.toUpperCase()}${what.slice(1)} could not be loaded; perhaps Maskmill was updated meanwhile. `}
          {failed.value.message}
        </Note>
      );
    }
    return <Waiting text={`Opening ${what} …`} />;
  };
}
