import { api, type Job } from "../../data/api";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { toastFailure } from "../../ui/toasts";
import { count } from "../../ui/words";

const WORK: Record<string, string> = {
  ingest: "Reading an image",
  embed: "Preparing an image for clicks",
  export: "Making an export",
  generate: "Making automatic masks",
  train_detector: "Training the box detector",
  withdraw: "Taking proposals back",
  renew: "Asking for new proposals",
  follow: "Asking for embeddings of another encoder",
  prepare_ratings: "Drawing masks to rate",
  freeze: "Freezing the data of a round",
  train: "Training a candidate",
  evaluate: "Comparing a candidate with the active version",
};

interface DeadJobsProps {
  jobs: readonly Job[];
  onChanged: () => Promise<void>;
}

/** Work that failed three times: what, why, and a button that tries again. */
export function DeadJobs({ jobs, onChanged }: DeadJobsProps) {
  const dead = jobs.filter((job) => job.state === "dead");
  if (dead.length === 0) return null;
  const retry = async (which: readonly Job[]) => {
    try {
      for (const job of which) await api.retryJob(job.id);
    } catch (cause) {
      toastFailure(cause);
    }
    await onChanged();
  };
  return (
    <section class="dead-jobs" aria-label="Failed work" data-testid="dead-jobs">
      <div class="line">
        <Icon name="warning" />
        <strong>{count(dead.length, "job")} failed three times</strong>
        <span class="space" />
        {dead.length > 1 && (
          <Button small icon="retry" onClick={() => void retry(dead)}>
            Retry all
          </Button>
        )}
      </div>
      <ul>
        {dead.slice(0, 20).map((job) => (
          <li key={job.id} data-testid="dead-job" data-job-id={job.id}>
            <span>{WORK[job.kind] ?? job.kind}</span>
            <span class="quiet-text" title={job.failure ?? ""}>
              {job.failure ?? "No reason was recorded."}
            </span>
            <Button small icon="retry" onClick={() => void retry([job])} testId="retry-job">
              Retry
            </Button>
          </li>
        ))}
      </ul>
      {dead.length > 20 && <p class="quiet-text">and {count(dead.length - 20, "more", "more")}</p>}
    </section>
  );
}
