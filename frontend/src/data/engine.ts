/** Every call of the engine's API that the pages make, by noun. All throw ApiError. */
import { answer, client } from "./http";
import type {
  AuditEntry,
  GenerationAction,
  GenerationIn,
  MadeBy,
  Policy,
  Preview,
  Promotion,
  RatingEntry,
  RatingTaskIn,
  Round,
  RoundInFull,
  Stage,
} from "./types";

const project = (project_id: string) => ({ params: { path: { project_id } } });
const round = (round_id: string) => ({ params: { path: { round_id } } });
const generation = (generation_id: string) => ({ params: { path: { generation_id } } });
const audit = (audit_id: string) => ({ params: { path: { audit_id } } });
const task = (task_id: string) => ({ params: { path: { task_id } } });
const item = (item_id: string) => ({ params: { path: { item_id } } });

export const engine = {
  policy: (projectId: string) => answer(client().GET("/api/projects/{project_id}/policy", project(projectId))),
  setPolicy: (projectId: string, policy: Policy) =>
    answer(client().PUT("/api/projects/{project_id}/policy", { ...project(projectId), body: { policy } })),
  stage: (projectId: string) => answer(client().GET("/api/projects/{project_id}/stage", project(projectId))),
  changeStage: (projectId: string, to: Stage, reason: string) =>
    answer(client().POST("/api/projects/{project_id}/stage", { ...project(projectId), body: { to, reason } })),
  stageHistory: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/stage/history", project(projectId)))).changes,

  rounds: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/rounds", project(projectId)))).rounds as unknown as Round[],
  round: (id: string) =>
    answer(client().GET("/api/rounds/{round_id}", round(id))) as Promise<unknown> as Promise<RoundInFull>,
  previewRound: (projectId: string) =>
    answer(client().GET("/api/projects/{project_id}/rounds/preview", project(projectId))),
  startRound: (projectId: string, steps: "all" | "train") =>
    answer(client().POST("/api/projects/{project_id}/rounds", { ...project(projectId), body: { steps } })),
  cancelRound: (id: string) => answer(client().POST("/api/rounds/{round_id}/cancel", round(id))),
  evaluate: (id: string) => answer(client().POST("/api/rounds/{round_id}/evaluate", round(id))),

  promotions: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/promotions", project(projectId)))).promotions,
  /** Against the report a reason is needed, and the version that was shown as active. */
  promote: (roundId: string, reason: string, seen_version_id: string | null): Promise<Promotion> =>
    answer(client().POST("/api/rounds/{round_id}/promote", { ...round(roundId), body: { reason, seen_version_id } })),
  reject: (roundId: string, reason: string) =>
    answer(client().POST("/api/rounds/{round_id}/reject", { ...round(roundId), body: { reason } })),
  rollBack: (
    projectId: string,
    body: { reason: string; to_version_id: string | null; seen_version_id: string | null },
  ): Promise<Promotion> =>
    answer(client().POST("/api/projects/{project_id}/rollback", { ...project(projectId), body })),

  generations: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/generations", project(projectId)))).generations,
  startGeneration: (projectId: string, body: GenerationIn) =>
    answer(client().POST("/api/projects/{project_id}/generations", { ...project(projectId), body })),
  actOnGeneration: (generation_id: string, action: GenerationAction) =>
    answer(client().POST("/api/generations/{generation_id}/{action}", { params: { path: { generation_id, action } } })),
  generationImages: (id: string, query: { state?: "done" | "failed" | "skipped"; after?: string; limit?: number }) =>
    answer(
      client().GET("/api/generations/{generation_id}/images", {
        params: { ...generation(id).params, query },
      }),
    ),
  /** Limits of 0 keep all, so that the page itself can move them. */
  preview: (projectId: string, source: MadeBy, images: number) =>
    answer(
      client().GET("/api/projects/{project_id}/proposals/preview", {
        params: { ...project(projectId).params, query: { source, images } },
      }),
    ) as Promise<unknown> as Promise<Preview>,
  detectors: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/detectors", project(projectId)))).detectors,
  trainDetector: (projectId: string, minutes: number) =>
    answer(client().POST("/api/projects/{project_id}/detectors", { ...project(projectId), body: { minutes } })),

  effort: (projectId: string) => answer(client().GET("/api/projects/{project_id}/effort", project(projectId))),

  audits: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/audits", project(projectId)))).audits,
  audit: (id: string) => answer(client().GET("/api/audits/{audit_id}", audit(id))),
  createAudit: (projectId: string, body: { sample_size: number; generation_id?: string }) =>
    answer(client().POST("/api/projects/{project_id}/audits", { ...project(projectId), body })),
  closeAudit: (id: string) => answer(client().POST("/api/audits/{audit_id}/close", audit(id))),
  /** Undefined when nothing is left. */
  nextAuditEntry: (id: string) =>
    answer(client().POST("/api/audits/{audit_id}/next", audit(id))) as Promise<unknown> as Promise<
      AuditEntry | undefined
    >,
  correct: (itemId: string, body: { counts: string | null; seconds: number }) =>
    answer(client().PUT("/api/audit-items/{item_id}/correction", { ...item(itemId), body })),
  releaseAuditEntry: (itemId: string, keepalive = false) =>
    answer(client().DELETE("/api/audit-items/{item_id}/lease", { ...item(itemId), keepalive })),

  ratingGuidelines: () => answer(client().GET("/api/rating-guidelines")),
  ratingTasks: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/rating-tasks", project(projectId)))).rating_tasks,
  createRatingTask: (projectId: string, body: RatingTaskIn) =>
    answer(client().POST("/api/projects/{project_id}/rating-tasks", { ...project(projectId), body })),
  closeRatingTask: (id: string) => answer(client().POST("/api/rating-tasks/{task_id}/close", task(id))),
  ratingTask: (id: string) => answer(client().GET("/api/rating-tasks/{task_id}", task(id))),
  /** Undefined when nothing is left. */
  nextRatingEntry: (id: string) =>
    answer(client().POST("/api/rating-tasks/{task_id}/next", task(id))) as Promise<unknown> as Promise<
      RatingEntry | undefined
    >,
  rate: (itemId: string, body: { score: number; seconds: number }) =>
    answer(client().PUT("/api/rating-items/{item_id}/rating", { ...item(itemId), body })),
  releaseRatingEntry: (itemId: string, keepalive = false) =>
    answer(client().DELETE("/api/rating-items/{item_id}/lease", { ...item(itemId), keepalive })),
};
