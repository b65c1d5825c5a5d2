import { useSignal } from "@preact/signals";
import type { Detector, Generation, MadeBy } from "../../data/api";
import { engine } from "../../data/engine";
import { detailOf } from "../../data/http";
import { Button } from "../../ui/button";
import { percent } from "../../ui/comparison";
import { ChoiceField, NumberField } from "../../ui/field";
import { Chip, Note } from "../../ui/states";
import { ago } from "../../ui/words";
import { isWorking } from "./words";

interface StartProps {
  projectId: string;
  generations: readonly Generation[];
  onChanged: () => Promise<void>;
}

const SOURCES = [
  ["automatic", "A grid of points over the image"],
  ["detector", "Boxes of the project's detector"],
] as const;
const IMAGES = [
  ["all", "All images"],
  ["empty", "Images without an accepted mask"],
] as const;

/** Starts a run of automatic masks. */
export function StartGeneration({ projectId, generations, onChanged }: StartProps) {
  const source = useSignal<MadeBy>("automatic");
  const images = useSignal<"all" | "empty">("all");
  const side = useSignal<number | null>(null);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const running = generations.some(
    (one) => one.source === source.value && (isWorking(one.state) || one.state === "paused"),
  );
  const start = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    wrong.value = "";
    const settings = side.value === null ? {} : { points_per_side: side.value };
    try {
      const body = { source: source.value, images: images.value, settings, min_box_score: 0.3 };
      await engine.startGeneration(projectId, body);
    } catch (cause) {
      wrong.value = detailOf(cause);
    } finally {
      busy.value = false;
    }
    await onChanged();
  };
  return (
    <section class="card" aria-label="Make automatic masks">
      <header>
        <h2>Make automatic masks</h2>
      </header>
      <form class="form" onSubmit={start} noValidate>
        <ChoiceField label="Where masks come from" value={source} options={SOURCES} testId="generation-source" />
        <ChoiceField label="Which images" value={images} options={IMAGES} testId="generation-images" />
        {source.value === "automatic" && (
          <NumberField
            label="Points along each side"
            value={side}
            least={1}
            most={128}
            step={1}
            help="Left empty: what suits the model. More points find smaller things and take longer."
            testId="points-per-side"
          />
        )}
        {wrong.value && <Note kind="negative">{wrong.value}</Note>}
        <p class="quiet-text">
          Masks are proposals: untouched older ones of the same kind are replaced, what people decided stays.
        </p>
        <div class="actions">
          <Button
            kind={running ? "quiet" : "primary"}
            type="submit"
            disabled={busy.value || running}
            testId="start-generation"
          >
            Start
          </Button>
          {running && <span class="quiet-text">One of this kind has not ended yet.</span>}
        </div>
      </form>
    </section>
  );
}

interface DetectorCardProps {
  projectId: string;
  detectors: readonly Detector[];
  onChanged: () => Promise<void>;
}

const DETECTOR_STATES = {
  training: ["Training", "caution"],
  ready: ["Ready", "positive"],
  failed: ["Failed", "negative"],
} as const;

/** The detector of objects: how good its boxes are, and a button that trains it anew. */
export function DetectorCard({ projectId, detectors, onChanged }: DetectorCardProps) {
  const newest = detectors[0];
  const minutes = useSignal<number | null>(3);
  const wrong = useSignal("");
  const train = async () => {
    try {
      await engine.trainDetector(projectId, minutes.value ?? 3);
      wrong.value = "";
    } catch (cause) {
      wrong.value = detailOf(cause);
    }
    await onChanged();
  };
  const [words, kind] = newest ? DETECTOR_STATES[newest.state] : ["None yet", "plain" as const];
  return (
    <section class="card" aria-label="Box detector" data-testid="detector-card" data-state={newest?.state ?? "none"}>
      <header>
        <h2>Box detector</h2>
        <Chip kind={kind}>{words}</Chip>
        {newest && <span class="quiet-text">{ago(newest.created_at, Date.now())}</span>}
      </header>
      <p class="quiet-text">
        It learns from this project's accepted masks where objects are; its boxes then prompt the model.
      </p>
      {newest?.state === "ready" && <DetectorNumbers figures={newest.figures} />}
      {newest?.failure && <Note kind="negative">{newest.failure}</Note>}
      <NumberField label="Minutes" value={minutes} least={0.1} most={240} testId="detector-minutes" />
      {wrong.value && <Note kind="negative">{wrong.value}</Note>}
      <div class="actions">
        <Button disabled={newest?.state === "training"} onClick={() => void train()} testId="train-detector">
          {newest ? "Train again" : "Train"}
        </Button>
      </div>
    </section>
  );
}

const FIGURES = [
  ["ap50", "Average precision at IoU 0.50"],
  ["ap", "Average precision"],
  ["recall", "Recall"],
] as const;

function DetectorNumbers({ figures }: { figures: Readonly<Record<string, unknown>> }) {
  const shown = FIGURES.flatMap(([name, words]) => {
    const value = figures[name];
    return typeof value === "number" ? [{ words, value }] : [];
  });
  if (shown.length === 0) return null;
  return (
    <dl class="numbers">
      {shown.map(({ words, value }) => (
        <div key={words}>
          <dt>{words}</dt>
          <dd>
            <strong>{percent(value)}</strong>
          </dd>
        </div>
      ))}
    </dl>
  );
}
