import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, type Health, type Project } from "../../data/api";
import { IconButton } from "../../ui/button";
import { Note, Progress } from "../../ui/states";
import { count, left, number } from "../../ui/words";

interface ProjectHeadProps {
  project: Project;
  onEdit: () => void;
}

/** Name, description and the numbers of a project. */
export function ProjectHead({ project, onEdit }: ProjectHeadProps) {
  const { image_count, annotated_image_count, complete_image_count = 0, annotation_count } = project;
  const perImage = annotated_image_count > 0 ? (annotation_count / annotated_image_count).toFixed(1) : "–";
  return (
    <div class="project-head">
      <div class="title">
        <h1>{project.name}</h1>
        <IconButton
          small
          icon="edit"
          label="Edit name and description"
          onClick={onEdit}
          size={15}
          testId="edit-project"
        />
      </div>
      {project.description && <p class="quiet-text description">{project.description}</p>}
      <dl class="numbers">
        <Figure label="Images" value={number(image_count)} testId="image-count" />
        <Figure
          label="With masks"
          value={number(annotated_image_count)}
          beside={share(annotated_image_count, image_count)}
        />
        <Figure
          label="Complete"
          value={number(complete_image_count)}
          beside={share(complete_image_count, image_count)}
        />
        <Figure label="Masks" value={number(annotation_count)} testId="annotation-count" />
        <Figure label="Masks per annotated image" value={perImage} />
      </dl>
    </div>
  );
}

function share(part: number, whole: number): string | undefined {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : undefined;
}

interface FigureProps {
  label: string;
  value: string;
  beside?: string;
  testId?: string;
}

function Figure({ label, value, beside, testId }: FigureProps) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <strong data-testid={testId}>{value}</strong>
        {beside && <span class="quiet-text">{beside}</span>}
      </dd>
    </div>
  );
}

/** Seconds that the rest will take at the pace seen so far; unknown until a few were finished while watching. */
function useSecondsLeft(done: number, pending: number): number | undefined {
  const start = useRef<{ done: number; at: number } | undefined>(undefined);
  if (pending <= 0) start.current = undefined;
  else start.current ??= { done, at: Date.now() };
  if (!start.current || done - start.current.done < 3) return undefined;
  return (((Date.now() - start.current.at) / 1000) * pending) / (done - start.current.done);
}

/** How far the images are on their way from file to clickable; gone when all are there. */
export function Preparation({ project }: { project: Project }) {
  const { image_count, queued_image_count = 0, failed_image_count = 0, embedded_image_count = 0 } = project;
  const health = useSignal<Health | undefined>(undefined);
  const total = image_count - failed_image_count;
  const pending = total - embedded_image_count;
  const secondsLeft = useSecondsLeft(embedded_image_count, pending);

  useEffect(() => {
    if (pending <= 0) return;
    const look = async () => {
      // A server that does not answer has its own banner.
      health.value = await api.health().catch(() => undefined);
    };
    void look();
    const timer = setInterval(look, 10_000);
    return () => clearInterval(timer);
  }, [pending > 0, health]);

  if (pending <= 0) return null;
  if (health.value && !health.value.worker.alive) {
    return (
      <Note kind="negative" icon="warning">
        {count(pending, "image")} {pending === 1 ? "waits" : "wait"} to be prepared, but no worker is running. They will
        be prepared as soon as one is.
      </Note>
    );
  }
  return (
    <div class="preparation" role="status" data-testid="preparation">
      <p>
        Preparing images for clicks: {number(embedded_image_count)} of {number(total)}
        {queued_image_count > 0 && `, ${number(queued_image_count)} still to be read`}
        {secondsLeft !== undefined && `, ${left(secondsLeft)}`}.{" "}
        <span class="quiet-text">What is ready can be opened already; the rest goes on if you leave this page.</span>
      </p>
      <Progress done={embedded_image_count} total={total} label="Images prepared" />
    </div>
  );
}
