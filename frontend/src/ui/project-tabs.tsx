import { Link, paths, route } from "./router";

const TABS = [
  { name: "Images", page: "project", path: paths.project },
  { name: "Rounds", page: "rounds", path: (id: string) => paths.rounds(id) },
  { name: "Automatic masks", page: "automatic", path: paths.automatic },
  { name: "Quality", page: "quality", path: paths.quality },
] as const;

/** The pages of one project, in its top bar. */
export function ProjectTabs({ projectId }: { projectId: string }) {
  const here = route.value.page;
  return (
    <nav class="tabs" aria-label="Project">
      {TABS.map(({ name, page, path }) => (
        <Link
          key={page}
          href={path(projectId)}
          aria-current={page === here ? "page" : undefined}
          data-testid={`tab-${page}`}
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}
