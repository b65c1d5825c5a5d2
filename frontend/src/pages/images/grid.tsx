import { useEffect, useRef } from "preact/hooks";
import { type Image, imageUrl } from "../../data/api";
import { Icon } from "../../ui/icon";
import { Link, paths } from "../../ui/router";
import { baseName, count } from "../../ui/words";
import type { ImageList } from "./image-list";

/** The images as a grid of links; arrow keys move between them, scrolling to the end loads more. */
export function ImageGrid({ list }: { list: ImageList }) {
  const images = list.images.value ?? [];
  const grid = useRef<HTMLUListElement>(null);

  const move = (event: KeyboardEvent) => {
    const cells = [...(grid.current?.querySelectorAll<HTMLElement>("a") ?? [])];
    const from = cells.indexOf(document.activeElement as HTMLElement);
    const step = stepOf(event.key, grid.current, cells.length);
    if (from < 0 || step === undefined) return;
    event.preventDefault();
    cells[Math.max(0, Math.min(cells.length - 1, from + step))]?.focus();
  };

  return (
    <>
      <ul class="image-grid" ref={grid} onKeyDown={move} aria-label="Images">
        {images.map((image) => (
          <li key={image.id}>
            <ImageCard image={image} />
          </li>
        ))}
      </ul>
      {list.more && <Sentinel list={list} />}
    </>
  );
}

function stepOf(key: string, grid: HTMLElement | null, cells: number): number | undefined {
  const columns = grid ? getComputedStyle(grid).gridTemplateColumns.split(" ").length : 1;
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

function ImageCard({ image }: { image: Image }) {
  const { id, project_id, file_name, state, embedding } = image;
  const name = baseName(file_name);
  return (
    <Link
      class="image-card"
      href={paths.editor(project_id, id)}
      data-testid="image-card"
      data-image-id={id}
      data-file-name={file_name}
      data-state={state}
      data-embedding={embedding.state}
      title={file_name}
      aria-label={`${name}, ${wordsOf(image)}`}
    >
      <span class="picture">
        {state === "ready" ? (
          <img src={imageUrl(image, "thumbnail")} alt="" loading="lazy" decoding="async" />
        ) : (
          <Icon name={state === "failed" ? "warning" : "image"} size={24} />
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

/** What is still being made, at a glance. */
function Badge({ image }: { image: Image }) {
  if (image.state !== "ready") return null;
  if (image.embedding.state === "queued") return <span class="badge">Preparing …</span>;
  if (image.embedding.state === "failed") return <span class="badge negative">Not prepared</span>;
  return null;
}

function wordsOf(image: Image): string {
  if (image.state === "queued") return "waits to be read";
  if (image.state === "failed") return image.failure ?? "could not be read";
  if (image.state === "erased") return "erased";
  const masks = image.annotation_count === 0 ? "no masks" : count(image.annotation_count, "mask");
  return image.complete ? `${masks}, complete` : masks;
}
