import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { chosenFiles } from "../../ui/drop";

interface ChooseFilesProps {
  inputRef: RefObject<HTMLInputElement | null>;
  onChoose: (files: ReturnType<typeof chosenFiles>) => void;
  /** Lets one choose a whole folder instead of files. */
  folder?: boolean;
}

/** The hidden field behind the buttons that add images. */
export function ChooseFiles({ inputRef, onChoose, folder = false }: ChooseFilesProps) {
  useEffect(() => {
    // Not an attribute that the type definitions know.
    inputRef.current?.toggleAttribute("webkitdirectory", folder);
  }, [inputRef, folder]);
  return (
    <input
      ref={inputRef}
      class="only-read"
      type="file"
      multiple
      accept={folder ? undefined : "image/jpeg,image/png,image/webp,image/tiff,.tif,.tiff"}
      tabIndex={-1}
      aria-label={folder ? "Folder to add" : "Images to add"}
      data-testid={folder ? "folder-input" : "upload-input"}
      onChange={(event) => {
        onChoose(chosenFiles(event.currentTarget));
        event.currentTarget.value = "";
      }}
    />
  );
}
