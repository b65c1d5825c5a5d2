/** The audit queue: one automatic mask after the other, to be made exact to the pixel. */
import { useEffect, useMemo } from "preact/hooks";
import { api } from "../../data/api";
import { Button, ButtonLink, IconButton } from "../../ui/button";
import { percent } from "../../ui/comparison";
import { useShortcutHelp } from "../../ui/help";
import { useKeys } from "../../ui/keys";
import { useLoad } from "../../ui/load";
import { paths } from "../../ui/router";
import { EmptyState, Note, Progress, Waiting } from "../../ui/states";
import { TopBar } from "../../ui/topbar";
import "../../styles/engine.css";
import "./audit.css";
import { agreement, type CorrectionTool } from "./correction";
import { Pad, PadView } from "./pad";
import { AuditQueue, type Task } from "./queue";

const SHORTCUTS = [
  {
    title: "Audit",
    keys: [
      [["B"], "Brush"],
      [["E"], "Eraser"],
      [["Shift"], "Hold to swap the two, as the right button does"],
      [["[ ]"], "Smaller, larger"],
      [["Z"], "Undo a stroke"],
      [["Y"], "Redo"],
      [["M"], "Hide or show the mask"],
      [["0"], "Fit the image"],
      [["Space"], "Hold and drag to move the image"],
      [["N"], "There is no object here"],
      [["Enter"], "The mask is right: next"],
    ] as const,
  },
];

export function AuditPage({ projectId, auditId }: { projectId: string; auditId: string }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const queue = useMemo(() => new AuditQueue(auditId), [auditId]);
  const pad = useMemo(() => new PadView(), []);
  useShortcutHelp(SHORTCUTS);
  useEffect(() => {
    void queue.next();
    return () => queue.leave();
  }, [queue]);
  const task = queue.task.value;
  useKeys(task ? keysOf(queue, task, pad) : {});

  const crumbs = [
    { label: project.value.value?.name ?? "…", href: paths.project(projectId) },
    { label: "Quality", href: paths.quality(projectId) },
    { label: "Audit" },
  ];
  return (
    <div class="queue-page" data-testid="audit-page" data-entry={task?.entry.id ?? ""}>
      <TopBar crumbs={crumbs} right={<Done queue={queue} />} />
      {task ? (
        <>
          <main class="queue-stage">
            <h1 class="only-read">Audit</h1>
            <Pad key={task.entry.id} picture={task.picture} correction={task.correction} pad={pad} note={queue.note} />
            <p class="queue-hint">Drag to paint, Shift or right button for the other tool, wheel to zoom.</p>
          </main>
          <Panel queue={queue} task={task} pad={pad} />
        </>
      ) : (
        <main class="queue-empty">
          <h1 class="only-read">Audit</h1>
          <Nothing queue={queue} projectId={projectId} />
        </main>
      )}
    </div>
  );
}

function keysOf(queue: AuditQueue, { correction }: Task, pad: PadView): Record<string, () => void> {
  const choose = (tool: CorrectionTool) => () => {
    correction.tool.value = tool;
  };
  return {
    b: choose("brush"),
    e: choose("eraser"),
    "[": () => correction.resize(-1),
    "]": () => correction.resize(1),
    z: () => correction.undo(),
    y: () => correction.redo(),
    m: () => {
      pad.shown.value = !pad.shown.value;
    },
    "0": () => pad.fit(),
    n: () => void queue.handIn(true),
    Enter: () => void queue.handIn(),
  };
}

function Done({ queue }: { queue: AuditQueue }) {
  const audit = queue.audit.value;
  if (!audit) return null;
  return (
    <span class="quiet-text" data-testid="audit-progress">
      {audit.done_count} of {audit.sample_size} done
    </span>
  );
}

function Nothing({ queue, projectId }: { queue: AuditQueue; projectId: string }) {
  if (queue.error.value) {
    return (
      <Note kind="negative" onRetry={() => void queue.next()}>
        {queue.error.value.message}
      </Note>
    );
  }
  if (!queue.finished.value) return <Waiting text="Taking the next mask …" />;
  const audit = queue.audit.value;
  const all = audit && audit.done_count === audit.sample_size;
  const text = all
    ? "Every mask of this audit is corrected."
    : audit?.state === "closed"
      ? "This audit is closed."
      : "The masks that are left are with other people just now.";
  return (
    <EmptyState icon="complete" text={text}>
      <ButtonLink kind="primary" href={paths.quality(projectId)} testId="to-quality">
        See what the audit says
      </ButtonLink>
    </EmptyState>
  );
}

function Panel({ queue, task, pad }: { queue: AuditQueue; task: Task; pad: PadView }) {
  const { correction } = task;
  const audit = queue.audit.value;
  return (
    <aside class="queue-panel" aria-label="Correction">
      {audit && <Progress done={audit.done_count} total={audit.sample_size} label="Corrected masks" />}
      <p>
        Make the mask exact to the pixel: paint what is missing, erase what does not belong to the object. If it is
        right as it is, go on.
      </p>
      <Tools correction={correction} pad={pad} />
      <dl class="numbers">
        <div>
          <dt>Overlap with the automatic mask</dt>
          <dd>
            <strong data-testid="overlap">{percent(agreement(correction.original, correction.runs.value))}</strong>
          </dd>
        </div>
        <div>
          <dt>Strokes</dt>
          <dd>
            <strong data-testid="strokes">{correction.strokes.value}</strong>
          </dd>
        </div>
      </dl>
      {queue.error.value && <Note kind="negative">{queue.error.value.message}</Note>}
      <span class="space" />
      <Button kind="danger" disabled={queue.busy.value} onClick={() => void queue.handIn(true)} testId="no-object">
        No object here <kbd>N</kbd>
      </Button>
      <Button kind="primary" disabled={queue.busy.value} onClick={() => void queue.handIn()} testId="hand-in">
        Mask is right, next <kbd>Enter</kbd>
      </Button>
    </aside>
  );
}

function Tools({ correction, pad }: { correction: Task["correction"]; pad: PadView }) {
  const tool = correction.tool.value;
  const choose = (chosen: CorrectionTool) => () => {
    correction.tool.value = chosen;
  };
  return (
    <div class="queue-tools" role="toolbar" aria-label="Tools">
      <IconButton small icon="brush" label="Brush" shortcut="B" pressed={tool === "brush"} onClick={choose("brush")} />
      <IconButton
        small
        icon="eraser"
        label="Eraser"
        shortcut="E"
        pressed={tool === "eraser"}
        onClick={choose("eraser")}
      />
      <IconButton small icon="minus" label="Smaller" shortcut="[" onClick={() => correction.resize(-1)} />
      <span class="size" title="Width of the brush in pixels of the image">
        {correction.diameter.value} px
      </span>
      <IconButton small icon="plus" label="Larger" shortcut="]" onClick={() => correction.resize(1)} />
      <IconButton
        small
        icon="undo"
        label="Undo"
        shortcut="Z"
        disabled={correction.strokes.value === 0}
        onClick={() => correction.undo()}
      />
      <IconButton
        small
        icon={pad.shown.value ? "show" : "hide"}
        label={pad.shown.value ? "Hide the mask" : "Show the mask"}
        shortcut="M"
        pressed={!pad.shown.value}
        onClick={() => {
          pad.shown.value = !pad.shown.value;
        }}
      />
      <IconButton small icon="fit" label="Fit the image" shortcut="0" onClick={() => pad.fit()} />
    </div>
  );
}
