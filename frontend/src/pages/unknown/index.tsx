import { ButtonLink } from "../../ui/button";
import { EmptyState } from "../../ui/states";
import { TopBar } from "../../ui/topbar";

/** For addresses that lead nowhere and for things that do not exist (any more). */
export function UnknownPage({ text = "There is nothing at this address." }: { text?: string }) {
  return (
    <>
      <TopBar crumbs={[]} />
      <main data-testid="not-found">
        <h1 class="only-read">Not found</h1>
        <EmptyState icon="search" text={text}>
          <ButtonLink kind="primary" href="/">
            All projects
          </ButtonLink>
        </EmptyState>
      </main>
    </>
  );
}
