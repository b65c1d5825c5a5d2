import { useSignal } from "@preact/signals";
import { type Generation, type GenerationAction, imageUrl } from "../../data/api";
import { engine } from "../../data/engine";
import { Button } from "../../ui/button";
import { lasting } from "../../ui/comparison";
import { useLoad } from "../../ui/load";
import { Link, paths } from "../../ui/router";
import { Chip, Progress } from "../../ui/states";
import { toastFailure } from "../../ui/toasts";
import { ago, baseName, count, left, number } from "../../ui/words";
import { GENERATION_STATES, isWorking, MADE_BY } from "./words";

/** So many results and failures are shown without being asked for more. */
const SHOWN = 24;

interface GenerationCardProps {
  generation: Generation;
  onChanged: () => Promise<void>;
}

/** One run of automatic masks: how far, how fast, how long yet, what failed, what came out. */
export function GenerationCard({ generation, onChanged }: GenerationCardProps) {
  const { id, project_id, state, source, image_count, waiting_count, failed_count, skipped_count } = generation;
  const busy = useSignal(false);
  const [words, kind, meaning] = GENERATION_STATES[state];
  const act = (action: GenerationAction) => async () => {
    busy.value = true;
    try {
      await engine.actOnGeneration(id, action);
    } catch (cause) {
      toastFailure(cause);
    } finally {
      busy.value = false;
    }
    await onChanged();
  };
  const button = (action: GenerationAction, label: string) => (
    <Button small disabled={busy.value} onClick={act(action)} testId={`${action}-generation`}>
      {label}
    </Button>
  );
  return (
    <section class="card" aria-label="Automatic masks" data-testid="generation" data-id={id} data-state={state}>
      <header>
        <h2>{MADE_BY[source]}</h2>
        <Chip kind={kind} title={meaning}>
          {words}
        </Chip>
        <span class="quiet-text">{ago(generation.created_at, Date.now())}</span>
        <span class="space" />
        {isWorking(state) && button("pause", "Pause")}
        {state === "paused" && button("resume", "Go on")}
        {(isWorking(state) || state === "paused") && button("cancel", "Cancel")}
        {state === "done" && failed_count + skipped_count > 0 && button("retry", "Try the rest again")}
      </header>
      <p class="quiet-text" data-testid="generation-meaning">
        {generation.reason ? `It ended by itself: ${generation.reason}.` : meaning}
        {generation.actor_id === null && " It began by itself, with another model version."}
      </p>
      <Progress done={image_count - waiting_count} total={image_count} label="Images" />
      <Numbers generation={generation} />
      {failed_count > 0 && <Failures projectId={project_id} id={id} failed={failed_count} />}
      {generation.done_count > 0 && <Results projectId={project_id} id={id} done={generation.done_count} />}
    </section>
  );
}

function Numbers({ generation }: { generation: Generation }) {
  const { image_count, waiting_count, done_count, failed_count, skipped_count, mask_count } = generation;
  const { images_per_minute, seconds_left, seconds, state } = generation;
  return (
    <dl class="numbers">
      <div>
        <dt>Images</dt>
        <dd>
          <strong data-testid="images-done">{number(done_count)}</strong>
          <span class="beside">of {number(image_count)}</span>
        </dd>
      </div>
      <div>
        <dt>Masks</dt>
        <dd>
          <strong data-testid="masks-made">{number(mask_count)}</strong>
          {done_count > 0 && <span class="beside">{(mask_count / done_count).toFixed(1)} per image</span>}
        </dd>
      </div>
      <div>
        <dt>Pace</dt>
        <dd>
          <strong>{images_per_minute === null ? "–" : images_per_minute.toFixed(1)}</strong>
          <span class="beside">
            images per minute
            {isWorking(state) && waiting_count > 0 && seconds_left !== null && `, ${left(seconds_left)}`}
          </span>
        </dd>
      </div>
      <div title="Time of work, of all workers together">
        <dt>Work</dt>
        <dd>
          <strong>{lasting(seconds)}</strong>
        </dd>
      </div>
      {failed_count > 0 && (
        <div>
          <dt>Failed</dt>
          <dd>
            <strong class="negative">{number(failed_count)}</strong>
          </dd>
        </div>
      )}
      {skipped_count > 0 && (
        <div title="Erased meanwhile, or somebody was working on them">
          <dt>Passed over</dt>
          <dd>
            <strong>{number(skipped_count)}</strong>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Failures({ projectId, id, failed }: { projectId: string; id: string; failed: number }) {
  const { value } = useLoad(() => engine.generationImages(id, { state: "failed", limit: SHOWN }), `${id} ${failed}`);
  return (
    <details>
      <summary>{count(failed, "image")} failed</summary>
      <ul class="failures">
        {value.value?.images.map(({ image_id, file_name, failure }) => (
          <li key={image_id} data-testid="generation-failure">
            <Link href={paths.editor(projectId, image_id)}>{baseName(file_name)}</Link>
            <span>{failure}</span>
          </li>
        ))}
      </ul>
      {failed > SHOWN && <p class="quiet-text">and {count(failed - SHOWN, "more", "more")}</p>}
    </details>
  );
}

function Results({ projectId, id, done }: { projectId: string; id: string; done: number }) {
  const { value } = useLoad(() => engine.generationImages(id, { state: "done", limit: SHOWN }), `${id} ${done}`);
  return (
    <details>
      <summary>Results</summary>
      <ul class="samples">
        {value.value?.images.map(({ image_id, file_name, mask_count }) => (
          <li key={image_id}>
            <Link class="sample" href={paths.editor(projectId, image_id)} title={file_name} data-testid="result">
              <span class="picture">
                <img
                  src={imageUrl({ id: image_id, pixel_digest: null }, "thumbnail")}
                  alt=""
                  loading="lazy"
                  decoding="async"
                />
              </span>
              <span class="quiet-text">
                {baseName(file_name)}, {count(mask_count, "mask")}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {done > SHOWN && <p class="quiet-text">and {count(done - SHOWN, "more image")}</p>}
    </details>
  );
}
