/** The row of the project's images: where one is, and the way to the others. */
import { useEffect, useRef } from "preact/hooks";
import { type Image, imageUrl } from "../../data/api";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { Link, paths } from "../../ui/router";
import { baseName, count } from "../../ui/words";
import type { Editor } from "./editor";

/** Thumbnails on either side of the open image; the row never holds a whole large project. */
const AROUND = 24;

export function Filmstrip({ editor }: { editor: Editor }) {
  const images = editor.workspace.images.value;
  const id = editor.image.value?.id;
  const index = images.findIndex((image) => image.id === id);
  const from = Math.max(0, index - AROUND);
  const around = images.slice(from, Math.max(index, 0) + AROUND + 1);
  return (
    <nav class="editor-filmstrip" aria-label="Images">
      <IconButton
        icon="left"
        label="Previous image"
        shortcut="←"
        testId="previous-image"
        disabled={index <= 0}
        onClick={() => editor.go(-1)}
      />
      <ul>
        {around.map((image) => (
          <Frame key={image.id} editor={editor} image={image} open={image.id === id} />
        ))}
      </ul>
      <IconButton
        icon="right"
        label="Next image"
        shortcut="→"
        testId="next-image"
        disabled={index < 0 || index >= images.length - 1}
        onClick={() => editor.go(1)}
      />
    </nav>
  );
}

function Frame({ editor, image, open }: { editor: Editor; image: Image; open: boolean }) {
  const element = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) element.current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [open]);
  const state = image.complete ? ", complete" : "";
  const label = `${baseName(image.file_name)}, ${count(image.annotation_count, "mask")}${state}`;
  return (
    <li ref={element} data-testid="frame" data-image-id={image.id} data-complete={image.complete}>
      <Link
        href={paths.editor(editor.projectId, image.id)}
        class="editor-frame"
        aria-current={open ? "page" : undefined}
        aria-label={label}
        title={label}
      >
        {image.state === "ready" ? (
          <img src={imageUrl(image, "thumbnail")} alt="" loading="lazy" decoding="async" />
        ) : (
          <Icon name={image.state === "failed" ? "warning" : "pending"} />
        )}
        {image.complete && (
          <span class="editor-tick">
            <Icon name="check" size={12} />
          </span>
        )}
      </Link>
    </li>
  );
}
