import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { errorOf, signedIn } from "./data/http";
import { me, openSession } from "./data/session";
import { ImagesPage } from "./pages/images";
import { ProjectsPage } from "./pages/projects";
import { SignInPage } from "./pages/sign-in";
import { UnknownPage } from "./pages/unknown";
import { OfflineBanner } from "./ui/banner";
import { HelpOverlay } from "./ui/help";
import { route } from "./ui/router";
import { OutboxList } from "./ui/saved";
import { Note, Waiting } from "./ui/states";
import { Toasts } from "./ui/toasts";

type Editor = ComponentType<{ projectId: string; imageId: string }>;

const editor = signal<Editor | undefined>(undefined);
const failed = signal<Error | undefined>(undefined);

/** The editor and the decoder's runtime are loaded when the first image is opened. */
async function loadEditor(): Promise<void> {
  try {
    editor.value = (await import("./pages/editor")).EditorPage;
    failed.value = undefined;
  } catch (cause) {
    failed.value = errorOf(cause);
  }
}

async function start(): Promise<void> {
  try {
    await openSession();
    failed.value = undefined;
  } catch (cause) {
    // Without a session the sign-in page shows; any other failure is told here.
    if (signedIn.value) failed.value = errorOf(cause);
  }
}

export function App() {
  useEffect(() => void start(), []);
  return (
    <>
      {me.value && <CurrentPage />}
      {!me.value && signedIn.value && !failed.value && <Waiting text="Starting …" />}
      {!me.value && failed.value && (
        <Note kind="negative" onRetry={() => void start()}>
          Maskmill could not start. {failed.value.message}
        </Note>
      )}
      <OfflineBanner />
      {!signedIn.value && <SignInPage />}
      <HelpOverlay />
      <OutboxList />
      <Toasts />
    </>
  );
}

function CurrentPage() {
  const now = route.value;
  switch (now.page) {
    case "projects":
      return <ProjectsPage />;
    case "project":
      return <ImagesPage key={now.projectId} projectId={now.projectId} />;
    case "editor":
      return <LazyEditor projectId={now.projectId} imageId={now.imageId} />;
    case "unknown":
      return <UnknownPage />;
  }
}

function LazyEditor(props: { projectId: string; imageId: string }) {
  const Loaded = editor.value;
  useEffect(() => {
    if (!Loaded) void loadEditor();
  }, [Loaded]);
  if (Loaded) return <Loaded {...props} />;
  if (failed.value) {
    return (
      <Note kind="negative" onRetry={() => location.reload()}>
        The editor could not be loaded; perhaps Maskmill was updated meanwhile. {failed.value.message}
      </Note>
    );
  }
  return <Waiting text="Opening the editor …" />;
}
