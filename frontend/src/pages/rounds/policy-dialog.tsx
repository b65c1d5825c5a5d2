import { type Signal, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Policy } from "../../data/api";
import { engine } from "../../data/engine";
import { detailOf } from "../../data/http";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { useLoad } from "../../ui/load";
import { Note } from "../../ui/states";
import { count } from "../../ui/words";
import { at, type Entry, keptNumber, type NumberEntry, put, SECTIONS, shownNumber, wrongEntries } from "./policy-form";

interface PolicyDialogProps {
  projectId: string;
  policy: Policy;
  onSaved: () => Promise<void>;
  onClose: () => void;
}

/** Everything that a project decides about its rounds and stages. */
export function PolicyDialog({ projectId, policy, onSaved, onClose }: PolicyDialogProps) {
  const draft = useSignal<Policy>(policy);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const formId = useId();
  const send = async (event: Event) => {
    event.preventDefault();
    const fields = wrongEntries(draft.value);
    if (fields.length > 0) {
      wrong.value = `These need another number: ${fields.join(", ")}.`;
      return;
    }
    busy.value = true;
    try {
      await engine.setPolicy(projectId, draft.value);
      await onSaved();
      onClose();
    } catch (cause) {
      wrong.value = detailOf(cause);
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog
      title="Policy"
      wide
      onClose={onClose}
      testId="policy-dialog"
      footer={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form={formId} disabled={busy.value} testId="save-policy">
            Save
          </Button>
        </>
      }
    >
      <form class="form" id={formId} onSubmit={send} noValidate>
        <p class="quiet-text">Rounds that run keep the policy that they were started with.</p>
        {SECTIONS.map(({ title, help, entries }) => (
          <fieldset class="group" key={title}>
            <legend>{title}</legend>
            <p class="quiet-text">{help}</p>
            <div class="row">
              {entries.map((entry) => (
                <PolicyField key={entry.path} entry={entry} draft={draft} />
              ))}
            </div>
          </fieldset>
        ))}
        <LeftOut projectId={projectId} draft={draft} />
        {wrong.value && <Note kind="negative">{wrong.value}</Note>}
      </form>
    </Dialog>
  );
}

/** Whose masks rounds do not learn from. */
function LeftOut({ projectId, draft }: { projectId: string; draft: Signal<Policy> }) {
  const effort = useLoad(() => engine.effort(projectId), projectId);
  const people = effort.value.value?.annotators.filter(({ key }) => key !== null) ?? [];
  if (people.length === 0) return null;
  const { exclude_actors: excluded } = draft.value.training;
  const toggle = (id: string) => () => {
    const without = excluded.filter((other) => other !== id);
    const chosen = without.length < excluded.length ? without : [...excluded, id];
    draft.value = put(draft.value, "training.exclude_actors", chosen);
  };
  return (
    <fieldset class="group">
      <legend>Leave out the masks of</legend>
      <div class="row">
        {people.map(({ key, name, mask_count }) => (
          <label class="check" key={key}>
            <input type="checkbox" checked={excluded.includes(key ?? "")} onChange={toggle(key ?? "")} />
            <span>
              {name} <span class="quiet-text">{count(mask_count, "mask")}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function PolicyField({ entry, draft }: { entry: Entry; draft: Signal<Policy> }) {
  const id = useId();
  const value = at(draft.value, entry.path);
  const set = (next: unknown) => {
    draft.value = put(draft.value, entry.path, next);
  };
  if (entry.kind === "switch") {
    return (
      <label class="check">
        <input type="checkbox" checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />
        <span>{entry.label}</span>
      </label>
    );
  }
  return (
    <div class="field">
      <label for={id}>{entry.label}</label>
      {entry.kind === "choice" ? (
        <select id={id} data-testid={entry.path} onChange={(event) => set(event.currentTarget.value)}>
          {entry.options.map(([option, words]) => (
            <option key={option} value={option} selected={option === value}>
              {words}
            </option>
          ))}
        </select>
      ) : (
        <NumberInput id={id} entry={entry} value={value} set={set} />
      )}
      {entry.help && <p class="help">{entry.help}</p>}
    </div>
  );
}

interface NumberInputProps {
  id: string;
  entry: NumberEntry;
  value: unknown;
  set: (value: number | null) => void;
}

function NumberInput({ id, entry, value, set }: NumberInputProps) {
  const typed = (event: { currentTarget: HTMLInputElement }) => {
    const { valueAsNumber } = event.currentTarget;
    const shown = Number.isFinite(valueAsNumber) ? valueAsNumber : null;
    const kept = keptNumber(entry, shown);
    // What cannot be kept stays as it was typed: the form says so when it is sent.
    set(kept === undefined ? (shown === null || !entry.share ? shown : shown / 100) : kept);
  };
  return (
    <input
      id={id}
      type="number"
      min={entry.least}
      max={entry.most}
      step={entry.step ?? "any"}
      value={shownNumber(entry, value) ?? ""}
      placeholder={entry.optional ? (entry.empty ?? "no rule") : undefined}
      aria-invalid={keptNumber(entry, shownNumber(entry, value)) === undefined}
      data-testid={entry.path}
      onChange={typed}
    />
  );
}
