import { useSignal } from "@preact/signals";
import type { RatingTask } from "../../data/api";
import { engine } from "../../data/engine";
import { Button, ButtonLink } from "../../ui/button";
import { signed } from "../../ui/comparison";
import { useLive } from "../../ui/live";
import { useLoad } from "../../ui/load";
import { paths } from "../../ui/router";
import { ScrollAcross } from "../../ui/scroll";
import { Chip, Note, Waiting } from "../../ui/states";
import { toastFailure } from "../../ui/toasts";
import { ago, count } from "../../ui/words";
import { FigureView } from "./figure-view";
import { certaintyOf, intervalWords, valueWords } from "./figures";
import { NewRatingTask } from "./new-rating-task";

/** What people think of masks whose origin they do not see. */
export function Ratings({ projectId }: { projectId: string }) {
  const { value, error, reload } = useLoad(() => engine.ratingTasks(projectId), projectId);
  const making = useSignal(false);
  useLive(projectId, ["rating"], reload);
  const tasks = value.value;
  return (
    <section class="card" aria-label="Ratings" data-testid="ratings">
      <header>
        <h2>Ratings</h2>
        <span class="space" />
        <Button icon="plus" onClick={() => (making.value = true)} testId="new-ratings">
          New rating task
        </Button>
      </header>
      <p class="quiet-text">
        People rate masks from 1 to 10 without seeing where they come from: masks of people and of model versions,
        mixed.
      </p>
      {error.value && (
        <Note kind="negative" onRetry={reload}>
          {error.value.message}
        </Note>
      )}
      {!tasks && !error.value && <Waiting text="Loading ratings …" />}
      {tasks?.length === 0 && <p>No rating task yet.</p>}
      {tasks?.map((task) => (
        <TaskReport key={task.id} task={task} onChanged={reload} />
      ))}
      {making.value && (
        <NewRatingTask
          projectId={projectId}
          onClose={() => (making.value = false)}
          onMade={async () => {
            making.value = false;
            await reload();
          }}
        />
      )}
    </section>
  );
}

const STATES = {
  preparing: ["being prepared", "caution"],
  open: ["open", "caution"],
  closed: ["closed", "plain"],
  failed: ["failed", "negative"],
} as const;

function TaskReport({ task, onChanged }: { task: RatingTask; onChanged: () => Promise<void> }) {
  const { id, project_id, name, state, failure, rating_count, mask_count, raters_per_mask, created_at } = task;
  const complete = state === "open" && rating_count >= mask_count * raters_per_mask;
  const [words, kind] = complete ? (["complete", "plain"] as const) : STATES[state];
  const close = async () => {
    try {
      await engine.closeRatingTask(id);
    } catch (cause) {
      toastFailure(cause);
    }
    await onChanged();
  };
  return (
    <article class="report" data-testid="rating-task" data-task-id={id} data-state={state}>
      <header>
        <h3>{name}</h3>
        <Chip kind={kind}>{words}</Chip>
        <span class="quiet-text">
          {count(rating_count, "rating")} of {mask_count * raters_per_mask} · {ago(created_at, Date.now())}
        </span>
        <span class="space" />
        {state === "open" && rating_count > 0 && (
          <Button small onClick={() => void close()} title="No more ratings; the report stays" testId="close-ratings">
            Close
          </Button>
        )}
        {state === "open" && !complete && (
          <ButtonLink kind="primary" small href={paths.rate(project_id, id)} testId="open-ratings">
            Rate masks
          </ButtonLink>
        )}
      </header>
      {failure && <Note kind="negative">{failure}</Note>}
      {task.sources.length > 0 && <Sources task={task} />}
      {task.comparisons.length > 0 && <Comparisons task={task} />}
      {rating_count > 0 && (
        <dl class="numbers">
          {task.figures.map((figure) => (
            <FigureView key={figure.name} figure={figure} />
          ))}
        </dl>
      )}
    </article>
  );
}

function Sources({ task }: { task: RatingTask }) {
  const most = Math.max(1, ...task.sources.flatMap(({ histogram }) => histogram));
  return (
    <ScrollAcross label="Ratings by source">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Masks by</th>
            <th scope="col">Mean score</th>
            <th scope="col">95 % certain</th>
            <th scope="col">Masks rated</th>
            <th scope="col">1 to 10</th>
          </tr>
        </thead>
        <tbody>
          {task.sources.map(({ source, name, mean, histogram }) => (
            <tr key={source} data-testid="rated-source">
              <th scope="row">{name}</th>
              <td title={certaintyOf(mean)}>
                <strong>{valueWords(mean)}</strong>
              </td>
              <td>{intervalWords(mean) || "–"}</td>
              <td>{mean.n}</td>
              <td>
                <span class="histogram" role="img" aria-label={histogram.map((n, at) => `${at + 1}: ${n}`).join(", ")}>
                  {histogram.map((n, at) => (
                    <span key={at} style={{ height: `${(100 * n) / most}%` }} title={`${at + 1}: ${n}`} />
                  ))}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollAcross>
  );
}

function Comparisons({ task }: { task: RatingTask }) {
  const names = new Map(task.sources.map(({ source, name }) => [source, name]));
  return (
    <ul class="comparisons">
      {task.comparisons.map(({ first, second, difference, p_value, bootstrap_low, bootstrap_high }) => (
        <li key={`${first} ${second}`} data-testid="rating-comparison">
          {names.get(first) ?? first} minus {names.get(second) ?? second}:{" "}
          <strong>{difference.value === null ? "–" : signed(difference.value, 2)}</strong>
          <span class="quiet-text">
            {" "}
            on {count(difference.n, "object")}, 99 % certain {signed(bootstrap_low, 2)} to {signed(bootstrap_high, 2)},
            p = {p_value < 0.001 ? "under 0.001" : p_value.toFixed(3)}
          </span>
        </li>
      ))}
    </ul>
  );
}
