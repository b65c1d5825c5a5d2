/** All masks of the image. */
import { useEffect, useRef } from "preact/hooks";
import type { AnnotationRecord } from "../../core/document";
import { me } from "../../data/session";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { maskHex } from "../../ui/palette";
import { count } from "../../ui/words";
import { percent } from "./candidates";
import { ownIndex } from "./colours";
import type { Editor } from "./editor";
import type { Filter, Order } from "./review";

const ORDERS: Readonly<Record<Order, string>> = {
  newest: "newest first",
  area: "largest first",
  score: "surest first",
};

const FILTERS: Readonly<Record<Filter, string>> = {
  all: "all masks",
  proposed: "proposed",
  confident: "confident",
  accepted: "accepted",
  flagged: "flagged",
};

export function MaskList({ editor }: { editor: Editor }) {
  const { editing, review } = editor;
  const all = editing.records.value;
  const { order, filter } = review;
  const records = review.listed.value;
  const mixed = all.some(({ state, flag }) => state === "proposed" || flag !== null);
  return (
    <section class="editor-section editor-masks" aria-label="Masks">
      <h2>
        Masks{" "}
        <span class="quiet-text">
          ({records.length < all.length ? `${records.length} of ${all.length}` : all.length})
        </span>
      </h2>
      {all.length > 1 && (
        <div class="editor-choose">
          <Choice label="Order of the masks" of={ORDERS} at={order.value} onPick={(picked) => (order.value = picked)} />
          {(mixed || filter.value !== "all") && (
            <Choice
              label="Which masks are shown"
              of={FILTERS}
              at={filter.value}
              onPick={(picked) => review.show(picked)}
            />
          )}
        </div>
      )}
      {records.length === 0 ? (
        <p class="quiet-text">{all.length === 0 ? "Accepted masks appear here." : "No mask is like that."}</p>
      ) : (
        <ul class="list" aria-label={count(records.length, "mask")} onKeyDown={(event) => step(event, editor, records)}>
          {records.map((record) => (
            <Row key={record.id} editor={editor} record={record} />
          ))}
        </ul>
      )}
    </section>
  );
}

interface ChoiceProps<Name extends string> {
  label: string;
  of: Readonly<Record<Name, string>>;
  at: Name;
  onPick: (picked: Name) => void;
}

function Choice<Name extends string>({ label, of, at, onPick }: ChoiceProps<Name>) {
  return (
    <select aria-label={label} value={at} onChange={(event) => onPick(event.currentTarget.value as Name)}>
      {Object.entries<string>(of).map(([name, words]) => (
        <option key={name} value={name}>
          {words}
        </option>
      ))}
    </select>
  );
}

/** Up and down go through the list. */
function step(event: KeyboardEvent, editor: Editor, records: readonly AnnotationRecord[]): void {
  const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (by === 0) return;
  event.preventDefault();
  const index = records.findIndex(({ id }) => id === editor.editing.selectedId.peek());
  const next = records[index < 0 && by < 0 ? records.length - 1 : index + by];
  if (next) editor.select(next.id);
}

function Row({ editor, record }: { editor: Editor; record: AnnotationRecord }) {
  const element = useRef<HTMLButtonElement>(null);
  const { editing, workspace } = editor;
  const selected = editing.selectedId.value === record.id;
  const hidden = editing.hidden.value.has(record.id);
  const category = workspace.categoryOf(record.categoryId);
  useEffect(() => {
    if (!selected) return;
    element.current?.scrollIntoView({ block: "nearest" });
    // Arrow keys go on from the row they led to.
    if (document.activeElement?.matches(".editor-pick")) element.current?.focus();
  }, [selected]);
  return (
    <li
      class={hidden ? "editor-row hidden" : "editor-row"}
      data-testid="mask-row"
      data-annotation-id={record.id}
      data-selected={selected}
      onPointerEnter={() => {
        editing.pointedId.value = record.id;
      }}
      onPointerLeave={() => {
        editing.pointedId.value = null;
      }}
    >
      <button
        ref={element}
        type="button"
        class="editor-pick"
        aria-pressed={selected}
        onClick={() => editor.select(selected ? null : record.id)}
      >
        <span class="dot" style={{ color: maskHex(category ? category.colour : ownIndex(record.id)) }} />
        <span class="name">{category?.name ?? <span class="quiet-text">no category</span>}</span>
        {record.predictedIou !== null && (
          <span class="score" title="How well the model thinks that the mask fits">
            {percent(record.predictedIou)}
          </span>
        )}
        {record.flag !== null && (
          <span class="flag" title={`Flagged: ${record.flag}`}>
            <Icon name="flag" size={14} />
            <span class="only-read">flagged: {record.flag}</span>
          </span>
        )}
        <span class={record.state === "proposed" ? "badge proposed" : "badge"} title={sourceWords(record)}>
          {sourceOf(record)}
        </span>
      </button>
      <IconButton
        icon={hidden ? "hide" : "show"}
        label={hidden ? "Show this mask" : "Hide this mask"}
        small
        size={16}
        testId="toggle-mask"
        onClick={() => editing.toggleHidden(record.id)}
      />
      <IconButton
        icon="delete"
        label={record.state === "proposed" ? "Reject this proposal" : "Delete this mask"}
        shortcut={record.state === "proposed" ? "X" : "Delete"}
        small
        size={16}
        testId="delete-mask"
        onClick={() => editor.remove(record.id)}
      />
    </li>
  );
}

function sourceOf({ state, source, actorId }: AnnotationRecord): string {
  if (state === "proposed") return "proposed";
  if (source === "automatic" || source === "detector" || source === "import")
    return source === "import" ? "imported" : source;
  return actorId === null || actorId === me.value?.id ? "mine" : "other’s";
}

function sourceWords({ source, prompts }: AnnotationRecord): string {
  const clicks = prompts.filter((prompt) => prompt.kind === "point").length;
  const made = source === "box" ? "Drawn with a box" : source === "click" ? "Made with clicks" : `Source: ${source}`;
  return clicks > 0 ? `${made}: ${count(clicks, "click")}` : made;
}
