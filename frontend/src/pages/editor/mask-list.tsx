/** All masks of the image. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { AnnotationRecord } from "../../core/document";
import { me } from "../../data/session";
import { IconButton } from "../../ui/button";
import { maskHex } from "../../ui/palette";
import { count } from "../../ui/words";
import { percent } from "./candidates";
import { ownIndex } from "./colours";
import type { Editor } from "./editor";

type Order = "newest" | "area" | "score";

const ORDERS: Readonly<Record<Order, (one: AnnotationRecord, other: AnnotationRecord) => number>> = {
  newest: () => 0,
  area: (one, other) => other.area - one.area,
  score: (one, other) => (other.predictedIou ?? 0) - (one.predictedIou ?? 0),
};

export function MaskList({ editor }: { editor: Editor }) {
  const order = useSignal<Order>("newest");
  const records = [...editor.editing.records.value].sort(ORDERS[order.value]);
  return (
    <section class="editor-section editor-masks" aria-label="Masks">
      <h2>
        Masks <span class="quiet-text">({records.length})</span>
        {records.length > 1 && (
          <select
            aria-label="Order of the masks"
            value={order.value}
            onChange={(event) => {
              order.value = event.currentTarget.value as Order;
            }}
          >
            <option value="newest">newest first</option>
            <option value="area">largest first</option>
            <option value="score">surest first</option>
          </select>
        )}
      </h2>
      {records.length === 0 ? (
        <p class="quiet-text">Accepted masks appear here.</p>
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
        <span class="badge" title={sourceWords(record)}>
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
        label="Delete this mask"
        shortcut="Delete"
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
