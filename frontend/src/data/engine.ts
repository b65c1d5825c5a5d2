/** Every call of the engine's API that the pages make, by noun. All throw ApiError. */
import { answer, client } from "./http";
import type { AuditEntry } from "./types";

const project = (project_id: string) => ({ params: { path: { project_id } } });
const audit = (audit_id: string) => ({ params: { path: { audit_id } } });
const auditItem = (item_id: string) => ({ params: { path: { item_id } } });

export const engine = {
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
    answer(client().PUT("/api/audit-items/{item_id}/correction", { ...auditItem(itemId), body })),
  releaseAuditEntry: (itemId: string, keepalive = false) =>
    answer(client().DELETE("/api/audit-items/{item_id}/lease", { ...auditItem(itemId), keepalive })),
};
