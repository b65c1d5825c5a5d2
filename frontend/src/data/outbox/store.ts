/** The outbox on this device: IndexedDB with strict durability, so that a resolved write survives a crash of the browser. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Entry } from "./entry";

interface Tables extends DBSchema {
  entries: { key: number; value: Entry };
}

export type NewEntry = Omit<Entry, "key">;

const STRICT = { durability: "strict" } as const;

export class EntryStore {
  #opening: Promise<IDBPDatabase<Tables>> | undefined;

  constructor(readonly name: string) {}

  /** All entries in the order in which they were made. */
  async all(): Promise<Entry[]> {
    return (await this.#open()).getAll("entries");
  }

  async get(key: number): Promise<Entry | undefined> {
    return (await this.#open()).get("entries", key);
  }

  /** Resolves with the entry once it is on disk. */
  async add(entry: NewEntry): Promise<Entry> {
    const write = (await this.#open()).transaction("entries", "readwrite", STRICT);
    const key = await write.store.add(entry as Entry);
    await write.done;
    return { ...entry, key };
  }

  /** Replaces entries in one transaction; those given as `removed` disappear in the same one. */
  async put(changed: readonly Entry[], removed: readonly number[] = []): Promise<void> {
    const write = (await this.#open()).transaction("entries", "readwrite", STRICT);
    for (const entry of changed) void write.store.put(entry);
    for (const key of removed) void write.store.delete(key);
    await write.done;
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    (await opening)?.close();
  }

  #open(): Promise<IDBPDatabase<Tables>> {
    this.#opening ??= openDB<Tables>(this.name, 1, {
      upgrade: (database) => {
        database.createObjectStore("entries", { keyPath: "key", autoIncrement: true });
      },
      blocking: () => void this.close(),
      terminated: () => {
        this.#opening = undefined;
      },
    }).catch((cause: unknown) => {
      this.#opening = undefined;
      throw cause;
    });
    return this.#opening;
  }
}
