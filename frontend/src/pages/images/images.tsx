import type { Project } from "../../data/api";
import { Button } from "../../ui/button";
import { EmptyState, Note, Waiting } from "../../ui/states";
import { ImageGrid } from "./grid";
import type { ImageList } from "./image-list";
import { FILTER_WORDS } from "./toolbar";

interface ImagesProps {
  list: ImageList;
  project: Project | undefined;
  onChoose: () => void;
  onChooseFolder: () => void;
  onShowAll: () => void;
}

/** The grid, or what stands in its place: loading, failed, nothing yet, nothing in this filter. */
export function Images({ list, project, onChoose, onChooseFolder, onShowAll }: ImagesProps) {
  const images = list.images.value;
  if (list.error.value && !images) {
    return (
      <Note kind="negative" onRetry={() => void list.refresh()}>
        The images could not be loaded. {list.error.value.message}
      </Note>
    );
  }
  if (!images || !project) return <Waiting text="Loading images …" />;
  if (images.length > 0) return <ImageGrid list={list} />;
  if (list.filter) {
    return (
      <EmptyState icon="filter" text={`No image is in “${FILTER_WORDS[list.filter]}” now.`}>
        <Button onClick={onShowAll}>Show all images</Button>
      </EmptyState>
    );
  }
  return (
    <EmptyState icon="upload" text="Drop images or whole folders here. JPEG, PNG, WebP and TIFF are read.">
      <div class="choices">
        <Button kind="primary" icon="upload" onClick={onChoose} testId="add-images">
          Choose images
        </Button>
        <Button icon="folder" onClick={onChooseFolder}>
          Choose a folder
        </Button>
      </div>
    </EmptyState>
  );
}
