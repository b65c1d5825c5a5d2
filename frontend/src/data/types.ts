/** Names for what the API takes and gives, from its OpenAPI document, narrowed where JSON Schema cannot say it. */
import type { components } from "./schema";

type Schemas = components["schemas"];

/** (height, width) and xywh are lists of fixed length; OpenAPI only knows lists. */
type Geometry<T extends { size: number[] }> = Omit<T, "size" | "bbox"> & { size: [height: number, width: number] };

export type Actor = Schemas["Me"];
export type Annotation = Geometry<Schemas["Annotation"]> & {
  bbox: [x: number, y: number, width: number, height: number];
};
export type AnnotationIn = Geometry<Schemas["AnnotationIn"]>;
export type AnnotationChanges = Pick<AnnotationIn, "category_id" | "attributes"> & { flag?: string | null };
export type Audit = Schemas["Audit"];
export type AuditEntry = Geometry<Schemas["AuditEntry"]>;
export type Assignment = Schemas["Assignment"];
export type Category = Schemas["Category"];
export type Detector = Schemas["Detector"];
export type EffortRow = Schemas["EffortRow"];
export type EffortTable = Schemas["EffortTable"];
export type Export = Schemas["Export"];
export type Generation = Schemas["Generation"];
export type GenerationAction = "pause" | "resume" | "cancel" | "retry";
export type GenerationIn = Schemas["GenerationIn"];
export type GenerationImage = Schemas["GenerationImage"];
export type Health = Schemas["Health"];
export type Image = Schemas["Image"];
export type ImageFilter = "queued" | "ready" | "failed" | "empty" | "annotated" | "complete";
export type Job = Schemas["Job"];
export type MadeBy = Generation["source"];
export type Policy = Schemas["ProjectPolicy"];
export type Project = Schemas["Project"];
export type ProjectStage = Schemas["ProjectStage"];
export type Promotion = Schemas["Promotion"];
export type Prompt = NonNullable<AnnotationIn["prompts"]>[number];
export type RatingGuidelines = Schemas["RatingGuidelines"];
export type RatingTask = Schemas["RatingTask"];
export type RatingTaskIn = Schemas["RatingTaskIn"];
export type RoundPreview = Schemas["RoundPreview"];
export type Source = AnnotationIn["source"];
export type Stage = Project["stage"];
export type StageChange = Schemas["StageChange"];
export type UploadReply = Schemas["Upload"];

/** What the release says about itself; `embedding` names the tensors that one image's embedding consists of. */
export interface Manifest {
  frame: number;
  logits: number;
  mask_threshold: number;
  embedding: Record<string, number[]>;
  files: Record<string, { digest: string; bytes: number }>;
}

export type ModelVersion = Omit<Schemas["ModelVersion"], "manifest"> & { manifest: Manifest };

type Box = [x: number, y: number, width: number, height: number];

export type RatingEntry = Omit<Geometry<Schemas["RatingEntry"]>, "views"> & {
  views: (Omit<Schemas["RatingView"], "crop"> & { crop: Box })[];
};

/** A mask that a model suggests, with whether its scores reach the limits that were asked about. */
export type Proposal = Geometry<Schemas["Proposal"]> & { bbox: Box };

export type Preview = Omit<Schemas["Preview"], "images"> & {
  images: (Omit<Schemas["PreviewImage"], "proposals"> & { proposals: Proposal[] })[];
};

/** One line of a gate report; `figures` differ by gate. */
export interface Gate {
  name: string;
  kind: "integrity" | "quality";
  passed: boolean;
  words: string;
  figures: Record<string, unknown>;
}

/** The comparison of a round's candidate with the active version, as the server stored it. */
export interface GateReport {
  decision: "promote" | "reject" | "insufficient_evidence";
  overridable: boolean;
  words: string;
  gates: Gate[];
}

export type Round = Omit<Schemas["Round"], "gate_report"> & { gate_report: GateReport | null };
export type RoundInFull = Omit<Schemas["RoundDetail"], "gate_report"> & { gate_report: GateReport | null };
