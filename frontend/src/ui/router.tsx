/** Addresses of the page: /, /projects/{id}, /projects/{id}/images/{imageId}. Links are real links, so they open in tabs too. */
import { signal } from "@preact/signals";
import type { AnchorHTMLAttributes, TargetedMouseEvent } from "preact";

export type Route =
  | { page: "projects" }
  | { page: "project"; projectId: string }
  | { page: "editor"; projectId: string; imageId: string }
  | { page: "unknown" };

export function routeOf(path: string): Route {
  const parts = path.split("/").filter(Boolean).map(decoded);
  const [first, projectId, second, imageId] = parts;
  if (parts.length === 0) return { page: "projects" };
  if (first === "projects" && projectId && parts.length === 2) return { page: "project", projectId };
  if (first === "projects" && projectId && second === "images" && imageId && parts.length === 4) {
    return { page: "editor", projectId, imageId };
  }
  return { page: "unknown" };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const paths = {
  projects: () => "/",
  project: (id: string) => `/projects/${encodeURIComponent(id)}`,
  editor: (projectId: string, imageId: string) =>
    `/projects/${encodeURIComponent(projectId)}/images/${encodeURIComponent(imageId)}`,
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
