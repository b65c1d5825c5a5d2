/** Every call of the API that the page makes, by noun. All throw ApiError. */
import { answer, client } from "./http";
import type {
  Annotation,
  AnnotationChanges,
  AnnotationIn,
  Assignment,
  Export,
  Image,
  ImageFilter,
  ModelVersion,
  Project,
} from "./types";

export { ApiError } from "./http";
export type * from "./types";

/** Browsers refuse more than 64 KiB of bodies that outlive their page. */
const KEEPALIVE_BYTES = 60_000;

export interface ImageQuery {
  after?: string | null;
  limit?: number;
  state?: ImageFilter;
}

/** The address of an image's upright pixels or thumbnail; the digest in it lets the browser keep them for ever. */
export function imageUrl(image: Pick<Image, "id" | "pixel_digest">, kind: "pixels" | "thumbnail"): string {
  const digest = image.pixel_digest ? `?d=${image.pixel_digest}` : "";
  return `/api/images/${encodeURIComponent(image.id)}/${kind}${digest}`;
}

export function archiveUrl(made: Pick<Export, "id">): string {
  return `/api/exports/${encodeURIComponent(made.id)}/archive`;
}

const project = (project_id: string) => ({ params: { path: { project_id } } });
const category = (category_id: string) => ({ params: { path: { category_id } } });
const image = (image_id: string) => ({ params: { path: { image_id } } });
const annotation = (annotation_id: string) => ({ params: { path: { annotation_id } } });

export const api = {
  health: () => answer(client().GET("/api/health")),
  me: () => answer(client().GET("/api/me")),

  projects: async () => (await answer(client().GET("/api/projects"))).projects,
  project: (id: string) => answer(client().GET("/api/projects/{project_id}", project(id))),
  createProject: (body: { name: string; description: string }) => answer(client().POST("/api/projects", { body })),
  changeProject: (id: string, body: Partial<Pick<Project, "name" | "description">>) =>
    answer(client().PATCH("/api/projects/{project_id}", { ...project(id), body })),

  categories: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/categories", project(projectId)))).categories,
  createCategory: (projectId: string, body: { name: string; colour?: number }) =>
    answer(
      client().POST("/api/projects/{project_id}/categories", {
        ...project(projectId),
        body: { supercategory: "", ...body },
      }),
    ),
  changeCategory: (id: string, body: { name?: string; colour?: number }) =>
    answer(client().PATCH("/api/categories/{category_id}", { ...category(id), body })),
  retireCategory: (id: string) => answer(client().DELETE("/api/categories/{category_id}", category(id))),

  listImages: (projectId: string, { after, limit = 100, state }: ImageQuery = {}) =>
    answer(
      client().GET("/api/projects/{project_id}/images", {
        params: { path: { project_id: projectId }, query: { limit, ...(after && { after }), ...(state && { state }) } },
      }),
    ),
  image: (id: string) => answer(client().GET("/api/images/{image_id}", image(id))),
  eraseImage: (id: string) => answer(client().DELETE("/api/images/{image_id}", image(id))),
  setComplete: (id: string, complete: boolean, keepalive = false) =>
    answer(client().PUT("/api/images/{image_id}/complete", { ...image(id), body: { complete }, keepalive })),

  annotations: async (imageId: string) => {
    const { annotations } = await answer(client().GET("/api/images/{image_id}/annotations", image(imageId)));
    return annotations as Annotation[];
  },
  createAnnotation: (imageId: string, body: AnnotationIn, keepalive = false) =>
    answer(
      client().POST("/api/images/{image_id}/annotations", {
        ...image(imageId),
        body,
        keepalive: keepalive && body.counts.length < KEEPALIVE_BYTES / 2,
      }),
    ) as Promise<Annotation>,
  changeAnnotation: (id: string, changes: AnnotationChanges, revision: number, keepalive = false) =>
    answer(
      client().PATCH("/api/annotations/{annotation_id}", {
        ...annotation(id),
        body: { ...changes, revision },
        keepalive,
      }),
    ) as Promise<Annotation>,
  deleteAnnotation: (id: string, keepalive = false) =>
    answer(client().DELETE("/api/annotations/{annotation_id}", { ...annotation(id), keepalive })),
  restoreAnnotation: (id: string, keepalive = false) =>
    answer(
      client().POST("/api/annotations/{annotation_id}/restore", { ...annotation(id), keepalive }),
    ) as Promise<Annotation>,

  acceptAnnotation: (id: string, keepalive = false) =>
    answer(
      client().POST("/api/annotations/{annotation_id}/accept", { ...annotation(id), keepalive }),
    ) as Promise<Annotation>,
  reconsiderAnnotation: (id: string, keepalive = false) =>
    answer(
      client().DELETE("/api/annotations/{annotation_id}/accept", { ...annotation(id), keepalive }),
    ) as Promise<Annotation>,

  /** The proposals of the source that the project's policy names, each with whether it is confident. */
  proposals: async (imageId: string) =>
    (await answer(client().GET("/api/images/{image_id}/proposals", image(imageId)))).proposals,

  /** Takes an image, or renews the lease on it; 409 `held` while somebody else works on it. */
  takeImage: (id: string, take_over = false) =>
    answer(client().POST("/api/images/{image_id}/assignment", { ...image(id), body: { take_over } })),
  assignment: (id: string) => answer(client().GET("/api/images/{image_id}/assignment", image(id))),
  releaseImage: (id: string, keepalive = false) =>
    answer(client().DELETE("/api/images/{image_id}/assignment", { ...image(id), keepalive })),
  /** Leaves `after` (`skip`: for others) and takes the next image that waits for work; undefined when there is none. */
  nextImage: (projectId: string, after: string, skip: boolean): Promise<Assignment | undefined> =>
    answer(
      client().POST("/api/projects/{project_id}/assignments/next", {
        ...project(projectId),
        body: { after, skip },
      }),
    ),

  modelVersion: (version_id: string) =>
    answer(
      client().GET("/api/model-versions/{version_id}", { params: { path: { version_id } } }),
    ) as unknown as Promise<ModelVersion>,

  exports: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/exports", project(projectId)))).exports,
  createExport: (projectId: string, body: { format: "coco-rle"; with_images: boolean }) =>
    answer(client().POST("/api/projects/{project_id}/exports", { ...project(projectId), body })),

  jobs: async (projectId: string) =>
    (await answer(client().GET("/api/projects/{project_id}/jobs", project(projectId)))).jobs,
  retryJob: (job_id: string) => answer(client().POST("/api/jobs/{job_id}/retry", { params: { path: { job_id } } })),
};
