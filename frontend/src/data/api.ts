/** Every call of the API that the page makes, by noun. All throw ApiError. */
import { request } from "./http";
import type {
  Actor,
  Annotation,
  AnnotationChanges,
  AnnotationIn,
  Category,
  Export,
  Health,
  Image,
  Job,
  ModelVersion,
  Project,
} from "./types";

export { ApiError } from "./http";
export type * from "./types";

const part = encodeURIComponent;

export interface ImageQuery {
  after?: string | null;
  limit?: number;
  state?: string;
}

export interface ImagePage {
  images: Image[];
  next: string | null;
  total: number;
}

function listImages(projectId: string, { after, limit = 100, state }: ImageQuery = {}): Promise<ImagePage> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (after) query.set("after", after);
  if (state) query.set("state", state);
  return request("GET", `/api/projects/${part(projectId)}/images?${query}`);
}

/** The address of an image's upright pixels or thumbnail; the digest in it lets the browser keep them for ever. */
export function imageUrl(image: Pick<Image, "id" | "pixel_digest">, kind: "pixels" | "thumbnail"): string {
  const digest = image.pixel_digest ? `?d=${image.pixel_digest}` : "";
  return `/api/images/${part(image.id)}/${kind}${digest}`;
}

export function archiveUrl(made: Pick<Export, "id">): string {
  return `/api/exports/${part(made.id)}/archive`;
}

export const api = {
  health: () => request<Health>("GET", "/api/health", { timeoutMs: 5_000 }),
  me: () => request<Actor>("GET", "/api/me"),

  projects: async () => (await request<{ projects: Project[] }>("GET", "/api/projects")).projects,
  project: (id: string) => request<Project>("GET", `/api/projects/${part(id)}`),
  createProject: (body: { name: string; description?: string }) => request<Project>("POST", "/api/projects", { body }),
  changeProject: (id: string, body: { name?: string; description?: string; revision?: number }) =>
    request<Project>("PATCH", `/api/projects/${part(id)}`, { body }),
  archiveProject: (id: string) => request<void>("DELETE", `/api/projects/${part(id)}`),

  categories: async (projectId: string) =>
    (await request<{ categories: Category[] }>("GET", `/api/projects/${part(projectId)}/categories`)).categories,
  createCategory: (projectId: string, body: { name: string; supercategory?: string; colour?: number }) =>
    request<Category>("POST", `/api/projects/${part(projectId)}/categories`, { body }),
  changeCategory: (id: string, body: Partial<Pick<Category, "name" | "supercategory" | "colour" | "position">>) =>
    request<Category>("PATCH", `/api/categories/${part(id)}`, { body }),
  retireCategory: (id: string) => request<void>("DELETE", `/api/categories/${part(id)}`),

  listImages,
  image: (id: string) => request<Image>("GET", `/api/images/${part(id)}`),
  eraseImage: (id: string) => request<void>("DELETE", `/api/images/${part(id)}`),
  setComplete: (id: string, complete: boolean, keepalive = false) =>
    request<Image>("PUT", `/api/images/${part(id)}/complete`, { body: { complete }, keepalive }),

  annotations: async (imageId: string) =>
    (await request<{ annotations: Annotation[] }>("GET", `/api/images/${part(imageId)}/annotations`)).annotations,
  createAnnotation: (imageId: string, body: AnnotationIn, keepalive = false) =>
    request<Annotation>("POST", `/api/images/${part(imageId)}/annotations`, { body, keepalive }),
  changeAnnotation: (id: string, changes: AnnotationChanges, revision: number, keepalive = false) =>
    request<Annotation>("PATCH", `/api/annotations/${part(id)}`, { body: { ...changes, revision }, keepalive }),
  deleteAnnotation: (id: string, keepalive = false) =>
    request<void>("DELETE", `/api/annotations/${part(id)}`, { keepalive }),
  restoreAnnotation: (id: string, keepalive = false) =>
    request<Annotation>("POST", `/api/annotations/${part(id)}/restore`, { keepalive }),

  modelVersion: (id: string) => request<ModelVersion>("GET", `/api/model-versions/${part(id)}`),
  modelVersions: async () =>
    (await request<{ model_versions: ModelVersion[] }>("GET", "/api/model-versions")).model_versions,

  exports: async (projectId: string) =>
    (await request<{ exports: Export[] }>("GET", `/api/projects/${part(projectId)}/exports`)).exports,
  createExport: (projectId: string, body: { format: "coco-rle"; with_images: boolean }) =>
    request<Export>("POST", `/api/projects/${part(projectId)}/exports`, { body }),
  export: (id: string) => request<Export>("GET", `/api/exports/${part(id)}`),

  jobs: async (projectId: string) =>
    (await request<{ jobs: Job[] }>("GET", `/api/projects/${part(projectId)}/jobs`)).jobs,
  retryJob: (id: string) => request<Job>("POST", `/api/jobs/${part(id)}/retry`),
};
