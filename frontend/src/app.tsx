import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { errorOf, signedIn } from "./data/http";
import { me, openSession } from "./data/session";
import { ImagesPage } from "./pages/images";
import { ProjectsPage } from "./pages/projects";
import { SignInPage } from "./pages/sign-in";
import { UnknownPage } from "./pages/unknown";
import { OfflineBanner } from "./ui/banner";
import { HelpOverlay } from "./ui/help";
import { lazily } from "./ui/lazy";
import { route } from "./ui/router";
import { OutboxList } from "./ui/saved";
import { Note, Waiting } from "./ui/states";
import { Toasts } from "./ui/toasts";

const failed = signal<Error | undefined>(undefined);

/** The editor and the decoder's runtime are loaded when the first image is opened. */
const EditorPage = lazily(async () => (await import("./pages/editor")).EditorPage, "the editor");
const RoundsPage = lazily(async () => (await import("./pages/rounds")).RoundsPage, "the page");
const AutomaticPage = lazily(async () => (await import("./pages/automatic")).AutomaticPage, "the page");
const QualityPage = lazily(async () => (await import("./pages/quality")).QualityPage, "the page");
const AuditPage = lazily(async () => (await import("./pages/audit")).AuditPage, "the audit");
const RatePage = lazily(async () => (await import("./pages/rate")).RatePage, "the ratings");

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
      return <EditorPage projectId={now.projectId} imageId={now.imageId} />;
    case "rounds":
      return <RoundsPage key={now.projectId} projectId={now.projectId} number={now.number} />;
    case "automatic":
      return <AutomaticPage key={now.projectId} projectId={now.projectId} />;
    case "rate":
      return <RatePage key={now.taskId} projectId={now.projectId} taskId={now.taskId} />;
    case "quality":
      return <QualityPage key={now.projectId} projectId={now.projectId} />;
    case "audit":
      return <AuditPage key={now.auditId} projectId={now.projectId} auditId={now.auditId} />;
    default:
      return <UnknownPage />;
  }
}
