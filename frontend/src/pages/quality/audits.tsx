import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Audit } from "../../data/api";
import { engine } from "../../data/engine";
import { detailOf } from "../../data/http";
import { Button, ButtonLink } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { NumberField } from "../../ui/field";
import { useLive } from "../../ui/live";
import { useLoad } from "../../ui/load";
import { navigate, paths } from "../../ui/router";
import { Chip, Note, Progress, Waiting } from "../../ui/states";
import { toastFailure } from "../../ui/toasts";
import { ago, count } from "../../ui/words";
import { FigureView } from "./figure-view";

/** How good the automatic masks are: samples of them, corrected by people. */
export function Audits({ projectId }: { projectId: string }) {
  const { value, error, reload } = useLoad(() => engine.audits(projectId), projectId);
  const making = useSignal(false);
  useLive(projectId, ["audit."], reload);
  const audits = value.value;
  return (
    <section class="card" aria-label="Audits" data-testid="audits">
      <header>
        <h2>Audits</h2>
        <span class="space" />
        <Button icon="plus" onClick={() => (making.value = true)} testId="new-audit">
          New audit
        </Button>
      </header>
      <p class="quiet-text">
        People correct a random sample of automatic masks to the pixel. How far the two overlap says how good automatic
        masks are in this project.
      </p>
      {error.value && (
        <Note kind="negative" onRetry={reload}>
          {error.value.message}
        </Note>
      )}
      {!audits && !error.value && <Waiting text="Loading audits …" />}
      {audits?.length === 0 && <p>No audit yet.</p>}
      {audits?.map((audit) => (
        <AuditReport key={audit.id} audit={audit} onChanged={reload} />
      ))}
      {making.value && <NewAudit projectId={projectId} onClose={() => (making.value = false)} />}
    </section>
  );
}

const VERDICTS = new Map<boolean | null, readonly [words: string, kind: "positive" | "negative" | "plain"]>([
  [true, ["at least as good as published", "positive"]],
  [false, ["below what was published", "negative"]],
  [null, ["too few to tell from the published share", "plain"]],
]);

function AuditReport({ audit, onChanged }: { audit: Audit; onChanged: () => Promise<void> }) {
  const { id, project_id, state, sample_size, done_count, leased_count, created_at } = audit;
  const open = state === "open" && done_count < sample_size;
  const close = async () => {
    try {
      await engine.closeAudit(id);
    } catch (cause) {
      toastFailure(cause);
    }
    await onChanged();
  };
  return (
    <article class="report" data-testid="audit" data-audit-id={id} data-state={state}>
      <header>
        <h3>{count(sample_size, "mask")}</h3>
        <Chip kind={open ? "caution" : "plain"}>{open ? "open" : state === "closed" ? "closed" : "complete"}</Chip>
        <span class="quiet-text">
          {done_count} corrected{leased_count > 0 && `, ${leased_count} being corrected`} ·{" "}
          {ago(created_at, Date.now())}
        </span>
        <span class="space" />
        {state === "open" && done_count > 0 && (
          <Button small onClick={() => void close()} title="No more corrections; the report stays" testId="close-audit">
            Close
          </Button>
        )}
        {open && (
          <ButtonLink kind="primary" small icon="brush" href={paths.audit(project_id, id)} testId="open-audit">
            Correct masks
          </ButtonLink>
        )}
      </header>
      <Progress done={done_count} total={sample_size} label="Corrected masks" />
      {done_count > 0 && (
        <>
          <dl class="numbers">
            {audit.bars.map((bar) => (
              <FigureView key={bar.iou_above} figure={bar.share} />
            ))}
            {audit.figures.map((figure) => (
              <FigureView key={figure.name} figure={figure} />
            ))}
          </dl>
          <p class="verdicts">
            {audit.bars.map((bar) => {
              const [words, kind] = VERDICTS.get(bar.reaches_published) ?? ["", "plain"];
              return (
                <Chip key={bar.iou_above} kind={kind}>
                  IoU above {bar.iou_above.toFixed(2)}: {words}
                </Chip>
              );
            })}
          </p>
          <details>
            <summary>By size of the mask</summary>
            <dl class="numbers">
              {audit.sizes.map((figure) => (
                <FigureView key={figure.name} figure={figure} />
              ))}
            </dl>
          </details>
        </>
      )}
    </article>
  );
}

function NewAudit({ projectId, onClose }: { projectId: string; onClose: () => void }) {
  const size = useSignal<number | null>(100);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const formId = useId();
  const send = async (event: Event) => {
    event.preventDefault();
    if (size.value === null || size.value < 1 || size.value > 10_000 || !Number.isInteger(size.value)) {
      wrong.value = "Take a whole number from 1 to 10,000.";
      return;
    }
    busy.value = true;
    try {
      navigate(paths.audit(projectId, (await engine.createAudit(projectId, { sample_size: size.value })).id));
    } catch (cause) {
      wrong.value = detailOf(cause);
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog
      title="New audit"
      onClose={onClose}
      testId="audit-dialog"
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form={formId} disabled={busy.value} testId="start-audit">
            Draw the sample
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={send} noValidate>
        <NumberField
          label="Masks in the sample"
          value={size}
          least={1}
          most={10_000}
          step={1}
          wrong={wrong.value}
          help="Drawn by chance from all automatic masks that stand. 500 tell a share to about 2 points, 100 to about 5."
          testId="sample-size"
        />
      </form>
    </Dialog>
  );
}
