import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { linkRefused, openSession } from "../../data/session";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";

/**
 * Covers the page while nobody is signed in. What was open stays underneath and goes on after the sign-in,
 * which happens through a link in another tab: this page looks again whenever it gets the focus.
 */
export function SignInPage() {
  const stillOut = useSignal(false);

  const look = async (asked: boolean) => {
    try {
      await openSession();
    } catch {
      // The page itself says that nobody is signed in; only an asked-for look needs an answer of its own.
      if (asked) stillOut.value = true;
    }
  };
  useEffect(() => {
    const onFocus = () => void look(false);
    window.addEventListener("focus", onFocus);
    return () => window.removeEventListener("focus", onFocus);
  });

  return (
    <main class="sign-in" data-testid="sign-in">
      <div class="sheet">
        <img src="/favicon.svg" width={40} height={40} alt="" />
        {linkRefused.value ? <AnotherLink /> : <FirstLink />}
        <div class="actions">
          <Button kind="primary" icon="key" onClick={() => void look(true)} testId="sign-in-check">
            I have opened the link
          </Button>
          {stillOut.value && (
            <p role="alert" class="wrong">
              <Icon name="alert" /> Not signed in yet in this browser.
            </p>
          )}
        </div>
        <p class="quiet-text">Edits that were not sent yet stay on this device and are sent after the sign-in.</p>
      </div>
    </main>
  );
}

function FirstLink() {
  return (
    <>
      <h1>Sign in to Maskmill</h1>
      <p>Maskmill signs you in with a link that works once. To get one:</p>
      <ol>
        <li>
          Go to the terminal where Maskmill was started with <code>./run</code>.
        </li>
        <li>
          Open the link that it printed; it looks like <code>{location.origin}/login?token=…</code>
        </li>
        <li>
          Was the link used already? Stop Maskmill with <CtrlC />, run <code>./run</code> again and open the new link.
        </li>
      </ol>
    </>
  );
}

function AnotherLink() {
  return (
    <>
      <h1>This sign-in link no longer works</h1>
      <p>Each link signs in one browser, once, and for a limited time. To get another one:</p>
      <ol>
        <li>
          Go to the terminal where Maskmill runs, stop it with <CtrlC /> and run <code>./run</code> again.
        </li>
        <li>Open the link that it prints. Or go on in the browser in which you signed in before.</li>
      </ol>
    </>
  );
}

function CtrlC() {
  return (
    <span class="chord">
      <kbd>Ctrl</kbd> + <kbd>C</kbd>
    </span>
  );
}
