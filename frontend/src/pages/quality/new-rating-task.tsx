import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { engine } from "../../data/engine";
import { detailOf } from "../../data/http";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ChoiceField, NumberField, TextField } from "../../ui/field";
import { useLoad } from "../../ui/load";
import { Note } from "../../ui/states";
import { short } from "../../ui/words";

interface NewRatingTaskProps {
  projectId: string;
  onMade: () => Promise<void>;
  onClose: () => void;
}

const KINDS = [
  ["stored", "Masks as they are in the project"],
  ["prompted", "Masks of people, and what versions make of a click in each"],
] as const;

/** Chooses whose masks are rated, and how many. */
export function NewRatingTask({ projectId, onMade, onClose }: NewRatingTaskProps) {
  const versions = useLoad(() => versionsOf(projectId), projectId);
  const name = useSignal("");
  const kind = useSignal<"stored" | "prompted">("stored");
  const chosen = useSignal<readonly string[]>(["people"]);
  const masks = useSignal<number | null>(20);
  const raters = useSignal<number | null>(1);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const formId = useId();
  const toggle = (source: string) => () => {
    const without = chosen.value.filter((other) => other !== source);
    chosen.value = without.length < chosen.value.length ? without : [...chosen.value, source];
  };
  const send = async (event: Event) => {
    event.preventDefault();
    wrong.value = wrongOf(name.value, chosen.value, masks.value, raters.value);
    if (wrong.value || masks.value === null || raters.value === null) return;
    busy.value = true;
    try {
      const sources = [...chosen.value];
      const body = { name: name.value.trim(), kind: kind.value, sources, masks: masks.value };
      await engine.createRatingTask(projectId, { ...body, raters_per_mask: raters.value });
      await onMade();
    } catch (cause) {
      wrong.value = detailOf(cause);
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog
      title="New rating task"
      onClose={onClose}
      testId="rating-dialog"
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form={formId} disabled={busy.value} testId="start-ratings">
            Draw the masks
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={send} noValidate>
        <TextField label="Name" text={name} placeholder="After round 3" autoFocus testId="rating-name" />
        <ChoiceField label="What is rated" value={kind} options={KINDS} testId="rating-kind" />
        <fieldset class="group">
          <legend>Masks by</legend>
          <div>
            <Source checked={chosen.value.includes("people")} onToggle={toggle("people")} words="People" />
            {versions.value.value?.map(({ id, name: called, version, digest }) => (
              <Source
                key={id}
                checked={chosen.value.includes(id)}
                onToggle={toggle(id)}
                words={`${called} ${version} (${short(digest)})`}
              />
            ))}
          </div>
        </fieldset>
        <div class="row">
          <NumberField label="Masks of each" value={masks} least={1} most={2000} step={1} testId="rating-masks" />
          <NumberField label="Raters for each mask" value={raters} least={1} most={20} step={1} />
        </div>
        {wrong.value && <Note kind="negative">{wrong.value}</Note>}
      </form>
    </Dialog>
  );
}

function Source({ checked, onToggle, words }: { checked: boolean; onToggle: () => void; words: string }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={onToggle} />
      <span>{words}</span>
    </label>
  );
}

function wrongOf(name: string, sources: readonly string[], masks: number | null, raters: number | null): string {
  if (!name.trim()) return "The task needs a name.";
  if (sources.length === 0) return "Choose whose masks are rated.";
  if (masks === null || !Number.isInteger(masks) || masks < 1) return "Take a whole number of masks, 1 or more.";
  if (raters === null || !Number.isInteger(raters) || raters < 1) return "Take a whole number of raters, 1 or more.";
  return "";
}

/** Every version that serves or served, and every candidate. */
async function versionsOf(projectId: string) {
  const [promotions, rounds] = await Promise.all([engine.promotions(projectId), engine.rounds(projectId)]);
  const all = [
    ...promotions.flatMap((move) => [move.to_version, move.from_version]),
    ...rounds.map((round) => round.candidate_version),
  ];
  return [...new Map(all.flatMap((version) => (version ? [[version.id, version] as const] : []))).values()];
}
