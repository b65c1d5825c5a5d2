import { useEffect } from "preact/hooks";
import { subscribe } from "../../data/events";
import { uploadsOf } from "../../data/uploads";
import type { ImageList } from "./image-list";

/** Keeps list, numbers and jobs fresh: by events, after an upload, and whenever events may have been missed. */
export function useLiveProject(
  projectId: string,
  list: ImageList,
  reloadProject: () => Promise<void>,
  reloadJobs: () => Promise<void>,
): void {
  const arrived = uploadsOf(projectId).state.value.accepted;
  useEffect(() => {
    void list.loadMore();
    return () => list.stop();
  }, [list]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const numbersSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void reloadProject();
      }, 800);
    };
    const stop = subscribe(projectId, {
      event: (event) => {
        list.take(event);
        numbersSoon();
        if (event.kind === "job.dead") void reloadJobs();
      },
      open: (resumed) => {
        if (resumed && !list.error.value) return;
        list.refreshSoon();
        numbersSoon();
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [projectId, list, reloadProject, reloadJobs]);
  useEffect(() => {
    if (arrived === 0) return;
    list.refreshSoon();
    void reloadProject();
  }, [arrived, list, reloadProject]);
}
