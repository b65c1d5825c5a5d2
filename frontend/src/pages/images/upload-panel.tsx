import { useSignal } from "@preact/signals";
import { uploadsOf } from "../../data/uploads";
import { Button, IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { Progress } from "../../ui/states";
import { bytes, count, number } from "../../ui/words";

/** So many refusals are listed without being asked for. */
const FEW = 5;

/** What happens to the files that were dropped: how far, what was refused and why, what still has to be sent. */
export function UploadPanel({ projectId }: { projectId: string }) {
  const uploads = uploadsOf(projectId);
  const state = uploads.state.value;
  const open = useSignal(false);
  if (state.total === 0) return null;
  const { phase, accepted, duplicates, refused, unsent, total } = state;
  const settled = accepted + duplicates + refused.length;
  const busy = phase !== "done";
  const few = !busy && refused.length <= FEW;

  return (
    <section class="upload-panel" aria-label="Upload" data-testid="upload-panel" data-phase={phase}>
      <div class="line">
        {busy ? <span class="spinner" /> : <Icon name={refused.length + unsent.length > 0 ? "alert" : "complete"} />}
        <strong>{busy ? `Adding ${count(total, "file")}` : summary(accepted)}</strong>
        <span class="quiet-text" aria-live="polite">
          {busy && `${number(settled)} done, ${bytes(state.sentBytes)} of ${bytes(state.totalBytes)}`}
          {phase === "held" && " · waits for the server, goes on by itself"}
          {!busy && rest(duplicates, refused.length)}
        </span>
        <span class="space" />
        {refused.length > 0 && !few && (
          <Button small kind="plain" pressed={open.value} onClick={() => (open.value = !open.value)}>
            {count(refused.length, "file")} refused
          </Button>
        )}
        {!busy && unsent.length > 0 && (
          <Button small icon="retry" onClick={() => uploads.retry()}>
            Send {count(unsent.length, "file")} again
          </Button>
        )}
        {busy ? (
          <Button small onClick={() => uploads.cancel()}>
            Stop
          </Button>
        ) : (
          <IconButton small icon="close" label="Close" onClick={() => uploads.dismiss()} />
        )}
      </div>
      {busy && <Progress done={settled} total={total} label="Files sent" />}
      {refused.length > 0 && (open.value || few) && (
        <ul class="refusals">
          {refused.map(({ path, reason }) => (
            <li key={path} data-testid="upload-refusal" data-file-name={path}>
              <span class="path" title={path}>
                {path}
              </span>
              <span>{reason}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function summary(accepted: number): string {
  return accepted === 0 ? "No new images" : `${count(accepted, "image")} added`;
}

function rest(duplicates: number, refused: number): string {
  const parts: string[] = [];
  if (duplicates > 0) parts.push(`${number(duplicates)} already here`);
  if (refused > 0) parts.push(`${number(refused)} refused`);
  return parts.join(", ");
}
