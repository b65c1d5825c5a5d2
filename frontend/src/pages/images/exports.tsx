import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, archiveUrl, type Export } from "../../data/api";
import { subscribe } from "../../data/events";
import { Button, ButtonLink, IconButton } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { useLoad } from "../../ui/load";
import { Chip, Note, Waiting } from "../../ui/states";
import { toast, toastFailure } from "../../ui/toasts";
import { ago, bytes, count, short } from "../../ui/words";

/** While an export is being made the list is asked for this often too, should an event get lost. */
const POLL_MS = 3_000;

/** Makes exports and lists those that were made. */
export function ExportDialog({ projectId, onClose }: { projectId: string; onClose: () => void }) {
  const { value, error, reload } = useLoad(() => api.exports(projectId), projectId);
  const withImages = useSignal(false);
  const busy = useSignal(false);
  const making = value.value?.some((made) => made.state === "queued") ?? false;

  useEffect(() => {
    return subscribe(projectId, {
      event: ({ kind }) => {
        if (kind.startsWith("export.") || kind === "job.dead") void reload();
      },
    });
  }, [projectId, reload]);
  useEffect(() => {
    if (!making) return;
    const timer = setInterval(() => void reload(), POLL_MS);
    return () => clearInterval(timer);
  }, [making, reload]);

  const start = async () => {
    busy.value = true;
    try {
      await api.createExport(projectId, { format: "coco-rle", with_images: withImages.value });
      await reload();
    } catch (cause) {
      toastFailure(cause);
    } finally {
      busy.value = false;
    }
  };

  return (
    <Dialog title="Export" wide onClose={onClose} testId="export-dialog">
      <div class="form">
        <div class="field">
          <label for="export-format">Format</label>
          <select id="export-format">
            <option value="coco-rle">COCO instances, masks as compressed RLE</option>
          </select>
          <p class="help">One JSON file as pycocotools reads it. All accepted masks of all images that are ready.</p>
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={withImages.value}
            onChange={(event) => (withImages.value = event.currentTarget.checked)}
            data-testid="with-images"
          />
          <span>
            With the images
            <span class="help">Upright, so that every mask fits. Makes the archive as large as the images.</span>
          </span>
        </label>
        <div>
          <Button kind="primary" icon="package" onClick={start} disabled={busy.value} autoFocus testId="start-export">
            Make export
          </Button>
        </div>
        <section class="history" aria-label="Exports that were made">
          <h3>Exports</h3>
          {error.value && (
            <Note kind="negative" onRetry={reload}>
              {error.value.message}
            </Note>
          )}
          {!value.value && !error.value && <Waiting text="Loading exports …" />}
          {value.value?.length === 0 && <p class="quiet-text">No export yet.</p>}
          <ul class="export-rows">
            {value.value?.map((made) => (
              <ExportRow key={made.id} made={made} />
            ))}
          </ul>
        </section>
      </div>
    </Dialog>
  );
}

function ExportRow({ made }: { made: Export }) {
  const { state, byte_size, digest, with_images, failure, created_at } = made;
  return (
    <li data-testid="export-row" data-export-id={made.id} data-state={state}>
      <div>
        <p>
          {state === "ready" ? contents(made) : state === "queued" ? "Being made …" : "Failed"}
          {with_images && <Chip>with images</Chip>}
        </p>
        <p class="quiet-text">
          {ago(created_at, Date.now())}
          {byte_size !== null && ` · ${bytes(byte_size)}`}
          {digest && (
            <span title={`SHA-256 ${digest}`}>
              {" "}
              · <code data-testid="export-digest">{short(digest)}</code>
            </span>
          )}
        </p>
        {state === "failed" && <p class="wrong-text">{failure}</p>}
      </div>
      {state === "queued" && <span class="spinner" role="status" aria-label="Being made" />}
      {digest && state === "ready" && (
        <IconButton small icon="copy" label="Copy the digest" onClick={() => void copy(digest)} />
      )}
      {state === "ready" && (
        <ButtonLink small icon="download" href={archiveUrl(made)} download testId="export-download">
          Download
        </ButtonLink>
      )}
    </li>
  );
}

function contents({ counts: { annotations = 0, images = 0, categories = 0 } }: Export): string {
  return `${count(annotations, "mask")} on ${count(images, "image")}, ${count(categories, "category", "categories")}`;
}

async function copy(digest: string): Promise<void> {
  await navigator.clipboard.writeText(digest);
  toast("Digest copied", { kind: "positive" });
}
