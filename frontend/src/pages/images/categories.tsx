import { useSignal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";
import { api, type Category } from "../../data/api";
import { detailOf } from "../../data/http";
import { Button, IconButton } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { useLoad } from "../../ui/load";
import { MASK_COLOURS, maskHex } from "../../ui/palette";
import { Note, Waiting } from "../../ui/states";
import { toast, toastFailure } from "../../ui/toasts";

/** Add, rename, recolour and retire the categories of a project. Every change is saved at once. */
export function CategoriesDialog({ projectId, onClose }: { projectId: string; onClose: () => void }) {
  const { value, error, reload } = useLoad(() => api.categories(projectId), projectId);
  const categories = [...(value.value ?? [])].sort((one, other) => one.position - other.position);

  return (
    <Dialog title="Categories" onClose={onClose} testId="categories-dialog">
      <div class="form">
        {error.value && (
          <Note kind="negative" onRetry={reload}>
            {error.value.message}
          </Note>
        )}
        {!value.value && !error.value && <Waiting text="Loading categories …" />}
        {value.value && categories.length === 0 && (
          <p class="quiet-text">
            No categories yet. Masks without a category are fine; an export then calls every one of them “object”.
          </p>
        )}
        <ul class="category-rows">
          {categories.map((category, index) => (
            <CategoryRow key={category.id} category={category} index={index} onChanged={reload} />
          ))}
        </ul>
        {value.value && <AddCategory projectId={projectId} onAdded={reload} />}
      </div>
    </Dialog>
  );
}

async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (cause) {
    toastFailure(cause);
    return false;
  }
}

interface RowProps {
  category: Category;
  index: number;
  onChanged: () => Promise<void>;
}

function CategoryRow({ category, index, onChanged }: RowProps) {
  const { id, project_id, name, colour } = category;
  const change = async (changes: Parameters<typeof api.changeCategory>[1]) => {
    await attempt(() => api.changeCategory(id, changes));
    await onChanged();
  };
  const rename = (event: { currentTarget: HTMLInputElement }) => {
    const wanted = event.currentTarget.value.trim();
    if (wanted && wanted !== name) void change({ name: wanted });
    else event.currentTarget.value = name;
  };
  const retire = async () => {
    if (!(await attempt(() => api.retireCategory(id)))) return;
    await onChanged();
    const undo = async () => {
      await attempt(() => api.createCategory(project_id, { name, colour }));
      await onChanged();
    };
    toast(`“${name}” is retired. Masks that have it keep it.`, { action: { label: "Undo", run: () => void undo() } });
  };

  return (
    <li data-testid="category-row" data-category-id={id}>
      <ColourButton name={name} colour={colour} onChoose={(chosen) => void change({ colour: chosen })} />
      <input
        type="text"
        value={name}
        maxLength={200}
        aria-label={`Name of ${name}`}
        onBlur={rename}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
        }}
      />
      {index < 9 ? <kbd title="Key in the editor">{index + 1}</kbd> : <span />}
      <IconButton small icon="archive" label={`Retire ${name}`} onClick={() => void retire()} />
    </li>
  );
}

interface ColourButtonProps {
  name: string;
  colour: number;
  onChoose: (colour: number) => void;
}

/** A swatch that opens the twelve mask colours. */
function ColourButton({ name, colour, onChoose }: ColourButtonProps) {
  const id = useId();
  const current = MASK_COLOURS[colour % MASK_COLOURS.length]?.name;
  const button = useRef<HTMLButtonElement>(null);
  const place = (event: { newState: string; currentTarget: HTMLElement }) => {
    const beside = button.current?.getBoundingClientRect();
    if (event.newState !== "open" || !beside) return;
    event.currentTarget.style.left = `${beside.left}px`;
    const below = beside.bottom + event.currentTarget.offsetHeight + 8 < window.innerHeight;
    event.currentTarget.style.top = below
      ? `${beside.bottom + 4}px`
      : `${beside.top - event.currentTarget.offsetHeight - 4}px`;
  };
  const choose = (index: number) => {
    document.getElementById(id)?.hidePopover();
    onChoose(index);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="swatch-button"
        popoverTarget={id}
        aria-label={`Colour of ${name}: ${current}`}
        title={`Colour: ${current}`}
        data-testid="category-colour"
      >
        <span class="swatch" style={{ background: maskHex(colour) }} />
      </button>
      <div class="palette" id={id} popover="auto" onToggle={place}>
        {MASK_COLOURS.map((option, index) => (
          <button
            type="button"
            key={option.name}
            class="swatch-button"
            aria-label={option.name}
            aria-pressed={index === colour}
            title={option.name}
            onClick={() => choose(index)}
          >
            <span class="swatch" style={{ background: option.hex }} />
          </button>
        ))}
      </div>
    </>
  );
}

function AddCategory({ projectId, onAdded }: { projectId: string; onAdded: () => Promise<void> }) {
  const name = useSignal("");
  /** What was wrong with which name; typing another one takes it back. */
  const refused = useSignal({ name: "", reason: "" });
  const add = async (event: Event) => {
    event.preventDefault();
    if (!name.value.trim()) return;
    try {
      await api.createCategory(projectId, { name: name.value.trim() });
      name.value = "";
      await onAdded();
    } catch (cause) {
      refused.value = { name: name.value, reason: detailOf(cause) };
    }
  };
  const wrong = refused.value.name === name.value ? refused.value.reason : "";
  return (
    <form class="add-row" onSubmit={add}>
      <TextField label="New category" text={name} wrong={wrong} placeholder="car" autoFocus testId="category-name" />
      <Button type="submit" icon="plus" testId="add-category">
        Add
      </Button>
    </form>
  );
}
