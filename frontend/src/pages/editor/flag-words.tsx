/** The flag of the selected mask. */
import { Icon } from "../../ui/icon";
import type { Editor } from "./editor";

/** What is wrong with the selected mask, in words that others will see. */
export function FlagWords({ editor }: { editor: Editor }) {
  const { editing } = editor;
  const selected = editing.selected.value;
  if (!selected || selected.flag === null) return null;
  const put = (words: string) => editing.flag(selected.id, words.trim() || null);
  return (
    <div class="editor-flag">
      <Icon name="flag" size={14} />
      <input
        key={selected.id}
        type="text"
        maxLength={500}
        defaultValue={selected.flag}
        aria-label="What is wrong with this mask"
        title="What is wrong with this mask: others see it in the list"
        data-testid="flag-words"
        onChange={(event) => put(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
        }}
      />
    </div>
  );
}
