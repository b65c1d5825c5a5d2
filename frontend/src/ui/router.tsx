/**
 * Addresses of the page: /, /projects/{id} and below it images/{id}, rounds, rounds/{number}, automatic, quality,
 * audits/{id}, ratings/{id}. Links are real links, so they open in tabs too.
 */
import { signal } from "@preact/signals";
import type { AnchorHTMLAttributes, TargetedMouseEvent } from "preact";

export type Route =
  | { page: "projects" }
  | { page: "project"; projectId: string }
  | { page: "editor"; projectId: string; imageId: string }
  | { page: "rounds"; projectId: string; number: number | undefined }
  | { page: "automatic"; projectId: string }
  | { page: "quality"; projectId: string }
  | { page: "audit"; projectId: string; auditId: string }
  | { page: "rate"; projectId: string; taskId: string }
  | { page: "unknown" };

export function routeOf(path: string): Route {
  const parts = path.split("/").filter(Boolean).map(decoded);
  const [first, projectId, section, id, ...rest] = parts;
  if (parts.length === 0) return { page: "projects" };
  if (first !== "projects" || !projectId || rest.length > 0) return { page: "unknown" };
  if (section === undefined) return { page: "project", projectId };
  return (id === undefined ? sectionOf(projectId, section) : placeOf(projectId, section, id)) ?? { page: "unknown" };
}

function sectionOf(projectId: string, section: string): Route | undefined {
  if (section === "rounds") return { page: "rounds", projectId, number: undefined };
  if (section === "automatic" || section === "quality") return { page: section, projectId };
  return undefined;
}

function placeOf(projectId: string, section: string, id: string): Route | undefined {
  if (section === "images") return { page: "editor", projectId, imageId: id };
  if (section === "rounds" && /^[1-9]\d*$/.test(id)) return { page: "rounds", projectId, number: Number(id) };
  if (section === "audits") return { page: "audit", projectId, auditId: id };
  if (section === "ratings") return { page: "rate", projectId, taskId: id };
  return undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const below = (projectId: string, ...rest: string[]) =>
  ["", "projects", projectId, ...rest].map(encodeURIComponent).join("/");

export const paths = {
  projects: () => "/",
  project: (id: string) => below(id),
  editor: (projectId: string, imageId: string) => below(projectId, "images", imageId),
  rounds: (projectId: string, number?: number) => below(projectId, "rounds", ...(number ? [String(number)] : [])),
  automatic: (projectId: string) => below(projectId, "automatic"),
  quality: (projectId: string) => below(projectId, "quality"),
  audit: (projectId: string, auditId: string) => below(projectId, "audits", auditId),
  rate: (projectId: string, taskId: string) => below(projectId, "ratings", taskId),
};

export const route = signal<Route>({ page: "projects" });

/** Follows the address bar; called once. */
export function watchAddress(): void {
  const read = () => {
    route.value = routeOf(location.pathname);
  };
  window.addEventListener("popstate", read);
  read();
}

export function navigate(path: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  route.value = routeOf(location.pathname);
  window.scrollTo(0, 0);
}

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href" | "onClick" | "role"> & { href: string };

export function Link({ href, ...rest }: LinkProps) {
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!plain || event.defaultPrevented) return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...rest} href={href} onClick={follow} />;
}
