/** Shapes of what the API takes and gives. Times are ISO 8601 in UTC, sizes (height, width), boxes xywh. */

export type Stage = "assisted_manual" | "semi_automatic" | "fully_automatic";
export type ImageState = "queued" | "ready" | "failed" | "erased";
export type JobState = "queued" | "running" | "done" | "dead" | "cancelled";

export interface Category {
  id: string;
  project_id: string;
  name: string;
  supercategory: string | null;
  colour: number;
  position: number;
}

export interface Project {
  id: string;
  name: string;
  description: string;
  stage: Stage;
  active_version_id: string | null;
  revision: number;
  image_count: number;
  annotated_image_count: number;
  complete_image_count?: number;
  queued_image_count?: number;
  failed_image_count?: number;
  embedded_image_count?: number;
  annotation_count: number;
  cover_image_ids: string[];
  categories?: Category[];
  created_at: string;
  changed_at: string;
}

export interface Image {
  id: string;
  project_id: string;
  file_name: string;
  state: ImageState;
  failure: string | null;
  height: number | null;
  width: number | null;
  file_digest: string;
  pixel_digest: string | null;
  group_key: string;
  position: number;
  annotation_count: number;
  complete: boolean;
  embedding: { encoder_digest: string | null; state: "queued" | "ready" | "failed" | "none" };
  created_at: string;
}

export interface Prompt {
  kind: "point" | "box" | "mask";
  x?: number;
  y?: number;
  label?: number;
  x0?: number;
  y0?: number;
  x1?: number;
  y1?: number;
  at_ms: number;
}

export type Source = "click" | "box" | "brush" | "polygon" | "proposal" | "automatic" | "import";

export interface AnnotationIn {
  id: string;
  size: [number, number];
  counts: string;
  category_id?: string | null;
  parent_id?: string | null;
  supersedes_id?: string | null;
  source: Source;
  model_version_id?: string | null;
  prompts: Prompt[];
  chosen_candidate?: number | null;
  predicted_iou?: number | null;
  stability?: number | null;
  attributes?: Record<string, unknown>;
  active_seconds?: number | null;
  wall_seconds?: number | null;
  brush_edits?: number;
}

export interface Annotation extends AnnotationIn {
  image_id: string;
  actor_id: string;
  state: "accepted" | "proposed" | "rejected" | "superseded" | "deleted";
  revision: number;
  area: number;
  bbox: [number, number, number, number];
  created_at: string;
  changed_at: string;
}

export interface AnnotationChanges {
  category_id?: string | null;
  attributes?: Record<string, unknown>;
}

/** What the release says about itself; `embedding` names the tensors that one image's embedding consists of. */
export interface Manifest {
  frame: number;
  logits: number;
  mask_threshold: number;
  embedding: Record<string, number[]>;
  files: Record<string, { digest: string; bytes: number }>;
}

export interface ModelVersion {
  id: string;
  name: string;
  version: string;
  digest: string;
  encoder_digest: string;
  manifest: Manifest;
}

export interface Export {
  id: string;
  project_id: string;
  format: string;
  with_images: boolean;
  state: "queued" | "ready" | "failed";
  digest: string | null;
  byte_size: number | null;
  counts: { images: number; annotations: number; categories: number } | null;
  failure: string | null;
  created_at: string;
}

export interface Job {
  id: string;
  kind: string;
  state: JobState;
  attempts: number;
  done_count: number;
  total_count: number;
  message: string | null;
  failure: string | null;
  created_at: string;
  changed_at: string;
}

export interface Actor {
  id: string;
  name: string;
  kind: string;
}

export interface Health {
  status: string;
  version: string;
  database: boolean;
  storage: boolean;
  worker: { alive: boolean; seen_at: string | null };
}

export interface UploadReply {
  accepted: Image[];
  duplicates?: Image[];
  refused: { file_name: string; reason: string; code: string }[];
}
