import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, type Image, imageUrl } from "../../data/api";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { Link, paths } from "../../ui/router";
import { toast, toastFailure } from "../../ui/toasts";
import { baseName, count } from "../../ui/words";
import type { ImageList } from "./image-list";
import { shapeOf, useWindow } from "./window";

/** The images as a grid of links; arrow keys move between them, scrolling to the end loads more. */
export function ImageGrid({ list }: { list: ImageList }) {
  const images = list.images.value ?? [];
  const grid = useRef<HTMLUListElement>(null);
  const range = useWindow(grid, images.length).value;
  const current = useSignal(0);
  const end = Math.min(range.end, images.length);
  // One stop for the Tab key: the cell that had the focus last, or the nearest one that exists.
  const stop = Math.max(range.first, Math.min(end - 1, current.value));

  const focusOn = (index: number) => {
    current.value = index;
    const element = grid.current;
    const shape = element && shapeOf(element);
    if (!element || !shape) return;
    const link = element.querySelector<HTMLElement>(`[data-index="${index}"] .image-card`);
    if (link) return link.focus();
    // Not drawn: go there first, then it is.
    const top = element.getBoundingClientRect().top + window.scrollY;
    window.scrollTo(0, top + Math.floor(index / shape.columns) * shape.rowHeight - window.innerHeight / 2);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => element.querySelector<HTMLElement>(`[data-index="${index}"] .image-card`)?.focus()),
    );
  };
  const move = (event: KeyboardEvent) => {
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-index]") : null;
    const columns = grid.current ? (shapeOf(grid.current)?.columns ?? 1) : 1;
    const step = stepOf(event.key, columns, images.length);
    if (!cell || step === undefined) return;
    event.preventDefault();
    focusOn(Math.max(0, Math.min(images.length - 1, Number(cell.dataset.index) + step)));
  };

  return (
    <>
      <ul
        class="image-grid"
        ref={grid}
        style={{ paddingTop: `${range.above}px`, paddingBottom: `${range.below}px` }}
        onKeyDown={move}
        aria-label={`${count(list.total.value, "image")}`}
      >
        {images.slice(range.first, end).map((image, offset) => {
          const index = range.first + offset;
          return (
            <li key={image.id} data-index={index} onFocusIn={() => (current.value = index)}>
              <ImageCard image={image} tabIndex={index === stop ? 0 : -1} />
            </li>
          );
        })}
      </ul>
      {list.more && <Sentinel list={list} />}
    </>
  );
}

function stepOf(key: string, columns: number, cells: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    Home: -cells,
    End: cells,
  };
  return steps[key];
}

/** Asks for the next page while it is within two screens of being seen. */
function Sentinel({ list }: { list: ImageList }) {
  const element = useRef<HTMLDivElement>(null);
  const shown = list.images.value?.length;
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void list.loadMore();
      },
      { rootMargin: "200%" },
    );
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [list, shown]);
  return (
    <div class="sentinel" ref={element}>
      {list.loading.value && <span class="spinner" />}
    </div>
  );
}

function ImageCard({ image, tabIndex }: { image: Image; tabIndex: number }) {
  const { id, project_id, file_name, state, embedding } = image;
  const name = baseName(file_name);
  const common = {
    class: "image-card",
    tabIndex,
    "data-testid": "image-card",
    "data-image-id": id,
    "data-file-name": file_name,
    "data-state": state,
    "data-embedding": embedding.state,
    title: file_name,
  };
  if (state === "failed") return <FailedCard image={image} common={common} />;
  return (
    <Link {...common} href={paths.editor(project_id, id)}>
      <span class="picture">
        {state === "ready" ? (
          <img src={imageUrl(image, "thumbnail")} alt="" loading="lazy" decoding="async" />
        ) : (
          <Icon name="image" size={24} />
        )}
        <Badge image={image} />
        {image.complete && (
          <span class="complete" title="Complete">
            <Icon name="check" size={14} />
          </span>
        )}
      </span>
      <span class="name">{name}</span>
      <span class="state">{wordsOf(image)}</span>
    </Link>
  );
}

/** A file that could not be read: nothing to open, only the reason and the way to be rid of it. */
function FailedCard({ image, common }: { image: Image; common: Record<string, string | number> }) {
  const name = baseName(image.file_name);
  const remove = async () => {
    try {
      await api.eraseImage(image.id);
      toast(`${name} is removed. Add it again when it is mended.`);
    } catch (cause) {
      toastFailure(cause);
    }
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of text and a button inside a list item, no form fields.
    <div {...common} role="group" aria-label={`${name}, could not be read`}>
      <span class="picture">
        <span class="reason">
          <Icon name="warning" size={20} />
          {image.failure ?? "The file could not be read."}
        </span>
        <span class="corner">
          <IconButton small kind="quiet" icon="close" label={`Remove ${name}`} onClick={() => void remove()} />
        </span>
      </span>
      <span class="name">{name}</span>
      <span class="state">could not be read</span>
    </div>
  );
}

/** What is still being made, at a glance. */
function Badge({ image }: { image: Image }) {
  if (image.state !== "ready") return null;
  if (image.embedding.state === "queued") return <span class="badge">Preparing …</span>;
  if (image.embedding.state === "failed") return <span class="badge negative">Not prepared</span>;
  return null;
}

function wordsOf(image: Image): string {
  if (image.state === "queued") return "waits to be read";
  if (image.state === "erased") return "erased";
  const masks = image.annotation_count === 0 ? "no masks" : count(image.annotation_count, "mask");
  return image.complete ? `${masks}, complete` : masks;
}
