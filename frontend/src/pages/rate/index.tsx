/** The rating queue: five views of a mask, a number from 1 to 10, and the guidelines beside it. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { api, type RatingGuidelines } from "../../data/api";
import { engine } from "../../data/engine";
import { Button, ButtonLink } from "../../ui/button";
import { useShortcutHelp } from "../../ui/help";
import { useKeys } from "../../ui/keys";
import { useLoad } from "../../ui/load";
import { paths } from "../../ui/router";
import { EmptyState, Note, Waiting } from "../../ui/states";
import { TopBar } from "../../ui/topbar";
import { count } from "../../ui/words";
import "../../styles/engine.css";
import "../audit/audit.css";
import "./rate.css";
import { RatingQueue, type Shown } from "./queue";
import { drawView, fitInto, marksOf, type View } from "./views";

const SCORES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const SHORTCUTS = [
  {
    title: "Rating",
    keys: [
      [["1 – 9"], "Choose a score"],
      [["0"], "Choose 10"],
      [["Enter"], "Hand it in: next"],
    ] as const,
  },
];

export function RatePage({ projectId, taskId }: { projectId: string; taskId: string }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const guidelines = useLoad(engine.ratingGuidelines, "guidelines");
  const queue = useMemo(() => new RatingQueue(taskId), [taskId]);
  useShortcutHelp(SHORTCUTS);
  useEffect(() => {
    void queue.next();
    return () => queue.leave();
  }, [queue]);
  useKeys({
    ...Object.fromEntries(SCORES.map((score) => [String(score % 10), () => choose(queue, score)])),
    Enter: () => void queue.handIn(),
  });
  const shown = queue.shown.value;
  const crumbs = [
    { label: project.value.value?.name ?? "…", href: paths.project(projectId) },
    { label: "Quality", href: paths.quality(projectId) },
    { label: queue.task.value?.name ?? "Rating" },
  ];
  return (
    <div class="rate-page" data-testid="rate-page" data-entry={shown?.entry.id ?? ""}>
      <TopBar
        crumbs={crumbs}
        right={<span class="quiet-text">{count(queue.rated.value, "mask")} rated by you just now</span>}
      />
      {shown ? (
        <>
          <main class="rate-stage" onPointerMove={queue.note}>
            <h1 class="only-read">Rating</h1>
            <Views key={shown.entry.id} shown={shown} />
          </main>
          <aside class="queue-panel" aria-label="Guidelines">
            {guidelines.value.value && <Guidelines guidelines={guidelines.value.value} score={queue.score.value} />}
          </aside>
          <Scores queue={queue} />
        </>
      ) : (
        <main class="queue-empty">
          <h1 class="only-read">Rating</h1>
          <Nothing queue={queue} projectId={projectId} />
        </main>
      )}
    </div>
  );
}

function choose(queue: RatingQueue, score: number): void {
  queue.note();
  queue.score.value = score;
}

function Scores({ queue }: { queue: RatingQueue }) {
  const chosen = queue.score.value;
  return (
    <footer class="rate-scores">
      {queue.error.value && <Note kind="negative">{queue.error.value.message}</Note>}
      <span id="score-question">How good is this mask?</span>
      <fieldset class="scores" aria-labelledby="score-question">
        {SCORES.map((score) => (
          <button
            type="button"
            key={score}
            aria-pressed={score === chosen}
            class="score"
            onClick={() => choose(queue, score)}
            data-testid={`score-${score}`}
          >
            {score}
          </button>
        ))}
      </fieldset>
      <Button
        kind="primary"
        disabled={chosen === undefined || queue.busy.value}
        onClick={() => void queue.handIn()}
        testId="hand-in"
      >
        Next <kbd>Enter</kbd>
      </Button>
    </footer>
  );
}

function Views({ shown }: { shown: Shown }) {
  const { prompt, views } = shown.entry;
  const marks = useMemo(() => marksOf(prompt ? [prompt as Record<string, unknown>] : []), [prompt]);
  return (
    <ul class="views">
      {views.map((view) => (
        <li key={view.name}>
          <ViewCanvas view={view} shown={shown} marks={marks} />
          <span>{view.name}</span>
        </li>
      ))}
    </ul>
  );
}

/** Drawn at the room that its cell leaves, in device pixels. */
function ViewCanvas({ view, shown, marks }: { view: View; shown: Shown; marks: ReturnType<typeof marksOf> }) {
  const cell = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const room = useSignal<readonly [height: number, width: number]>([0, 0]);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry) room.value = [Math.floor(entry.contentRect.height), Math.floor(entry.contentRect.width)];
    });
    if (cell.current) observer.observe(cell.current);
    return () => observer.disconnect();
  }, [room]);
  const [height, width] = fitInto(view.crop, room.value);
  useEffect(() => {
    if (!canvas.current || room.value[0] === 0) return;
    drawView(canvas.current, view, { ...shown, size: shown.entry.size, marks });
  });
  const ratio = globalThis.devicePixelRatio || 1;
  return (
    <div class="view" ref={cell}>
      <canvas
        ref={canvas}
        width={Math.round(width * ratio)}
        height={Math.round(height * ratio)}
        style={{ width: `${width}px`, height: `${height}px` }}
        role="img"
        aria-label={view.name}
      />
    </div>
  );
}

function Guidelines({ guidelines, score }: { guidelines: RatingGuidelines; score: number | undefined }) {
  return (
    <>
      <section>
        <h2>The scale</h2>
        <dl class="scale">
          {guidelines.scale.map(({ low, high, words }) => (
            <div key={low} class={score !== undefined && score >= low && score <= high ? "chosen" : ""}>
              <dt>{low === high ? low : `${low} – ${high}`}</dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Points title="Ask yourself" points={guidelines.questions} />
      <Points title="Errors" points={guidelines.errors} />
      <Points title="No errors" points={guidelines.no_errors} />
    </>
  );
}

function Points({ title, points }: { title: string; points: readonly string[] }) {
  return (
    <section>
      <h2>{title}</h2>
      <ul class="points">
        {points.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
    </section>
  );
}

function Nothing({ queue, projectId }: { queue: RatingQueue; projectId: string }) {
  if (queue.error.value) {
    return (
      <Note kind="negative" onRetry={() => void queue.next()}>
        {queue.error.value.message}
      </Note>
    );
  }
  if (!queue.finished.value) return <Waiting text="Taking the next mask …" />;
  const closed = queue.task.value?.state === "closed";
  const text = closed ? "This task is closed." : "There is nothing left for you to rate in this task.";
  return (
    <EmptyState icon="complete" text={text}>
      <ButtonLink kind="primary" href={paths.quality(projectId)} testId="to-quality">
        See what the ratings say
      </ButtonLink>
    </EmptyState>
  );
}
