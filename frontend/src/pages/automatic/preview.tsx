/** Which proposals of a sample stay at which limits: the sliders move them without asking the server again. */
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { parse } from "../../core/rle";
import { imageUrl, type MadeBy, type Policy, type Preview, type Proposal } from "../../data/api";
import { engine } from "../../data/engine";
import { Button } from "../../ui/button";
import { useLive } from "../../ui/live";
import { useLoad } from "../../ui/load";
import { maskColour } from "../../ui/palette";
import { Link, paths } from "../../ui/router";
import { Note, Waiting } from "../../ui/states";
import { toast, toastFailure } from "../../ui/toasts";
import { count } from "../../ui/words";
import { type Limits, overlay, sampled, stays } from "./sampling";

const IMAGES = 12;
/** Longer side of a sampled mask, in cells. */
const CELLS = 240;

interface PreviewCardProps {
  projectId: string;
  policy: Policy;
  onSaved: () => Promise<void>;
}

export function PreviewCard({ projectId, policy, onSaved }: PreviewCardProps) {
  const source = useSignal<MadeBy>(policy.confident.source);
  const preview = useLoad(() => engine.preview(projectId, source.value, IMAGES), `${projectId} ${source.value}`);
  useLive(projectId, ["generation.changed", "image.proposals"], preview.reload);
  const moved = useSignal<Limits | undefined>(undefined);
  const found = preview.value.value;
  const limits = useComputed<Limits>(
    () =>
      moved.value ?? {
        min_predicted_iou: preview.value.value?.min_predicted_iou ?? 0,
        min_stability: preview.value.value?.min_stability ?? 0,
      },
  );
  const all = found?.images.flatMap((image) => image.proposals) ?? [];
  const kept = all.filter((proposal) => stays(proposal, limits.value)).length;
  const choose = (chosen: MadeBy) => () => {
    source.value = chosen;
    moved.value = undefined;
  };
  const save = async () => {
    try {
      await engine.setPolicy(projectId, { ...policy, confident: { source: source.value, ...limits.value } });
      toast("These are the limits for confident masks now.", { kind: "positive" });
      await onSaved();
    } catch (cause) {
      toastFailure(cause);
    }
  };
  return (
    <section class="card" aria-label="Confident masks" data-testid="preview-card">
      <header>
        <h2>Confident masks</h2>
        <span class="space" />
        <fieldset class="filters" aria-label="Made by">
          {(["automatic", "detector"] as const).map((name) => (
            <button
              type="button"
              key={name}
              class="filter"
              aria-pressed={name === source.value}
              onClick={choose(name)}
              data-testid={`preview-${name}`}
            >
              {name === "automatic" ? "Grid of points" : "Box detector"}
            </button>
          ))}
        </fieldset>
      </header>
      <p class="quiet-text">
        In the semi-automatic stage annotators find these masks on an image. Strict limits spare them work on wrong
        ones.
      </p>
      {preview.error.value && (
        <Note kind="negative" onRetry={preview.reload}>
          {preview.error.value.message}
        </Note>
      )}
      {!found && !preview.error.value && <Waiting text="Loading proposals …" />}
      {found && found.total === 0 && <p>There are no proposals of this kind yet. Make automatic masks first.</p>}
      {found && found.total > 0 && (
        <>
          <div class="limits">
            <Slider label="Predicted IoU at least" name="min_predicted_iou" limits={limits.value} moved={moved} />
            <Slider label="Stability at least" name="min_stability" limits={limits.value} moved={moved} />
            <p data-testid="kept" data-kept={kept}>
              <strong>{kept}</strong> of {count(all.length, "proposal")} on {count(found.images.length, "image")} stay
            </p>
            <Button onClick={() => void save()} disabled={!moved.value} testId="save-limits">
              Use these limits
            </Button>
          </div>
          <ul class="samples">
            {found.images.map((image) => (
              <li key={image.image_id}>
                <Sample image={image} projectId={projectId} limits={limits.value} />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

interface SliderProps {
  label: string;
  name: keyof Limits;
  limits: Limits;
  moved: Signal<Limits | undefined>;
}

function Slider({ label, name, limits, moved }: SliderProps) {
  return (
    <label class="slider">
      <span>
        {label} <strong>{limits[name].toFixed(2)}</strong>
      </span>
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={limits[name]}
        onInput={(event) => (moved.value = { ...limits, [name]: event.currentTarget.valueAsNumber })}
        data-testid={name}
      />
    </label>
  );
}

interface SampleProps {
  image: Preview["images"][number];
  projectId: string;
  limits: Limits;
}

/** One image with the masks that stay, drawn at the size of a thumbnail. */
function Sample({ image, projectId, limits }: SampleProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { image_id, proposals } = image;
  const small = useMemo(() => smallOf(proposals), [proposals]);
  const shown = proposals.filter((proposal) => stays(proposal, limits));
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !small) return;
    const kept = new Set(shown.map(({ id }) => id));
    const masks = small.masks.filter(({ id }) => kept.has(id));
    context.putImageData(new ImageData(overlay(masks, small.size), small.size[1], small.size[0]), 0, 0);
  });
  return (
    <Link class="sample" href={paths.editor(projectId, image_id)} data-testid="sample" data-kept={shown.length}>
      <span class="picture">
        <img src={imageUrl({ id: image_id, pixel_digest: null }, "thumbnail")} alt="" loading="lazy" decoding="async" />
        {small && (
          <canvas ref={canvas} width={small.size[1]} height={small.size[0]} role="img" aria-label="Masks that stay" />
        )}
      </span>
      <span class="quiet-text">
        {shown.length} of {proposals.length} stay
      </span>
    </Link>
  );
}

/** The masks of an image, sampled once and in the order in which they are drawn: large ones first. */
function smallOf(proposals: readonly Proposal[]) {
  const first = proposals[0];
  if (!first) return undefined;
  const [height, width] = first.size;
  const scale = Math.min(1, CELLS / Math.max(height, width));
  const size = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))] as const;
  const ordered = [...proposals].sort((one, other) => other.area - one.area);
  const masks = ordered.map((proposal, index) => {
    const [red, green, blue] = maskColour(index).map((part) => Math.round(255 * part)) as [number, number, number];
    const cells = sampled(parse(proposal.counts, proposal.size), proposal.size, size);
    return { id: proposal.id, cells, colour: [red, green, blue] as const };
  });
  return { size, masks };
}
