// What a listener finds again after the browser has discarded the tab: never a token or a URL.

const NAME = 'novatune:session';
const EVERY_MS = 5_000;

/** `{trackId, title, owner, position, volume, muted, language, shortcuts}`, each of which may be missing. */
export function restored() {
  try {
    const session = JSON.parse(localStorage.getItem(NAME));
    return typeof session === 'object' && session !== null ? session : {};
  } catch {
    return {};
  }
}

/** Keeps what `describe` returns from now on. */
export function keep(describe) {
  const write = () => {
    // A browser may refuse storage, or have none left.
    try { localStorage.setItem(NAME, JSON.stringify(describe())); } catch {}
  };
  setInterval(write, EVERY_MS);
  addEventListener('pagehide', write);
  document.addEventListener('visibilitychange', () => document.hidden && write());
  return write;
}
