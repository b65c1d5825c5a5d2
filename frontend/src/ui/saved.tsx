/** The chip that says where the edits are, and the list of those that need a person. */
import { signal } from "@preact/signals";
import { type Entry, outbox, type SaveStatus } from "../data/outbox";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Icon } from "./icon";
import { Link, paths } from "./router";
import { toast } from "./toasts";
import { count } from "./words";

const listOpen = signal(false);

/** Opens the list of edits that wait or need attention. */
function openOutboxList(): void {
  listOpen.value = true;
}

function wordsOf(status: SaveStatus): string {
  switch (status.kind) {
    case "saved":
      return "Saved";
    case "saving":
      return "Saving …";
    case "device":
      return "Saved on this device";
    case "waiting":
      return `${status.count} waiting (offline)`;
    case "attention":
      return `${status.count} ${status.count === 1 ? "needs" : "need"} attention`;
    case "unsafe":
      return "This device cannot save";
  }
}

const EXPLAINED: Record<SaveStatus["kind"], string> = {
  saved: "The server has everything.",
  saving: "Being written to this device.",
  device: "Safe on this device, on its way to the server.",
  waiting: "Safe on this device; sent as soon as the server answers.",
  attention: "The server did not take these edits. They are kept on this device until you decide.",
  unsafe: "The browser refuses to store edits (full disk or private window). They go straight to the server.",
};

/** What it says is read from the outbox, never guessed. */
export function SavedChip() {
  const status = outbox.status.value;
  const common = {
    class: "save-chip",
    title: EXPLAINED[status.kind],
    "data-testid": "save-chip",
    "data-state": status.kind,
  };
  const text = (
    <>
      {status.kind === "attention" || status.kind === "unsafe" ? (
        <Icon name="warning" size={14} />
      ) : (
        <span class="dot" />
      )}
      <span aria-live="polite">{wordsOf(status)}</span>
    </>
  );
  if (status.kind !== "attention" && status.kind !== "waiting") return <span {...common}>{text}</span>;
  return (
    <button {...common} type="button" onClick={openOutboxList}>
      {text}
    </button>
  );
}

const ACTS: Record<Entry["operation"]["kind"], string> = {
  create: "New mask",
  change: "Change of a mask",
  remove: "Deleted mask",
  restore: "Restored mask",
  decide: "Proposal accepted or not",
  complete: "Image complete or not",
};

function reasonOf({ state, failure }: Entry): string {
  if (state === "waiting") return "Waits for the server.";
  if (failure?.code === "superseded") return "Somebody else replaced the same mask first.";
  if (failure?.code === "stale_revision") return "Somebody else changed this mask meanwhile.";
  return failure?.detail || "The server did not take it.";
}

function OutboxRow({ entry }: { entry: Entry }) {
  const { key, operation, state } = entry;
  const discard = async () => {
    const gone = await outbox.discard(key);
    toast("Edit discarded", { action: { label: "Undo", run: () => void outbox.putBack(gone) } });
  };
  return (
    <li data-testid="outbox-row" data-state={state}>
      <h3>{ACTS[operation.kind]}</h3>
      <p>{reasonOf(entry)}</p>
      <p class="quiet-text">
        Made {new Date(entry.queuedAt).toLocaleString()}.{" "}
        <Link href={paths.editor(entry.projectId, entry.imageId)}>Open the image</Link>
      </p>
      {state !== "waiting" && (
        <div class="actions">
          <Button small icon="retry" onClick={() => void outbox.retry(key)}>
            Send again
          </Button>
          {operation.kind === "create" && state === "conflict" && (
            <Button small icon="layers" onClick={() => void outbox.keepBeside(key)}>
              Keep both masks
            </Button>
          )}
          <Button small kind="danger" icon="delete" onClick={() => void discard()}>
            Discard mine
          </Button>
        </div>
      )}
    </li>
  );
}

/** Drawn once by the page. */
export function OutboxList() {
  if (!listOpen.value) return null;
  const entries = outbox.entries.value;
  const foreign = outbox.foreignCount.value;
  return (
    <Dialog title="Edits on this device" onClose={() => (listOpen.value = false)} testId="outbox-list">
      {entries.length === 0 && <p>The server has everything.</p>}
      <ul class="attention-list">
        {entries.map((entry) => (
          <OutboxRow key={entry.key} entry={entry} />
        ))}
      </ul>
      {foreign > 0 && (
        <p class="quiet-text">{count(foreign, "edit")} of another account wait here until that account signs in.</p>
      )}
    </Dialog>
  );
}
