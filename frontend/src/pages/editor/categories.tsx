/** Category of the selected mask, or of the masks to come: search, 1 to 9, or make a new one. */
import { useSignal } from "@preact/signals";
import type { Ref } from "preact";
import type { Category } from "../../data/api";
import { Icon } from "../../ui/icon";
import { maskHex } from "../../ui/palette";
import type { Editor } from "./editor";

const KEYS = 9;

export function Categories({ editor, searchRef }: { editor: Editor; searchRef: Ref<HTMLInputElement> }) {
  const query = useSignal("");
  const categories = editor.workspace.categories.value;
  const selected = editor.editing.selected.value;
  const current = selected ? selected.categoryId : editor.categoryId.value;
  const wanted = query.value.trim().toLowerCase();
  const matching = categories.filter(({ name }) => name.toLowerCase().includes(wanted));
  const isNew = wanted !== "" && !categories.some(({ name }) => name.toLowerCase() === wanted);

  const take = (category: Category | undefined) => {
    if (category) editor.categorise(category.id);
    else if (isNew) void editor.createCategory(query.value.trim());
    query.value = "";
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter") take(matching[0]);
    else if (event.key === "Escape") query.value = "";
    else return;
    event.preventDefault();
    event.stopPropagation();
    (event.currentTarget as HTMLElement).blur();
  };

  return (
    <section class="editor-section editor-categories" aria-label="Category">
      <h2>
        Category <span class="quiet-text">{selected ? "of the selected mask" : "of the next mask"}</span>
      </h2>
      <div class="editor-search">
        <Icon name="search" size={14} />
        <input
          ref={searchRef}
          type="search"
          placeholder={categories.length > 0 ? "Find or add" : "Add a category"}
          aria-label="Find or add a category"
          data-testid="category-search"
          value={query.value}
          onInput={(event) => {
            query.value = event.currentTarget.value;
          }}
          onKeyDown={press}
        />
      </div>
      <div class="list" role="listbox" aria-label="Categories">
        {matching.map((category) => (
          <Option
            key={category.id}
            category={category}
            shortcut={categories.indexOf(category) + 1}
            chosen={category.id === current}
            onChoose={() => editor.categorise(category.id === current ? null : category.id)}
          />
        ))}
      </div>
      {isNew && (
        <button type="button" class="editor-row" data-testid="add-category" onClick={() => take(undefined)}>
          <Icon name="plus" size={14} />
          <span class="name">Add “{query.value.trim()}”</span>
        </button>
      )}
    </section>
  );
}

interface OptionProps {
  category: Category;
  shortcut: number;
  chosen: boolean;
  onChoose: () => void;
}

function Option({ category, shortcut, chosen, onChoose }: OptionProps) {
  return (
    <div
      class="editor-row"
      role="option"
      aria-selected={chosen}
      tabIndex={0}
      data-testid="category-option"
      data-category-id={category.id}
      onClick={onChoose}
      onKeyDown={(event) => {
        if (event.key !== " ") return;
        event.preventDefault();
        onChoose();
      }}
    >
      <span class="dot" style={{ color: maskHex(category.colour) }} />
      <span class="name">{category.name}</span>
      {chosen && <Icon name="check" size={14} />}
      {shortcut <= KEYS && <kbd>{shortcut}</kbd>}
    </div>
  );
}
