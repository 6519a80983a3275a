// Asking NovaTune Stream for a URL, and knowing how long it is good.

/** What the API said instead of a URL: RFC 9457 problem details, or that there was no answer at all. */
export class Problem extends Error {
  /** `isTemporary`: whether the same request may well succeed later. */
  constructor({ status = 0, title, detail = '', retryAfterSeconds = null, isTemporary = status === 0 || status === 429 || status >= 500 }) {
    super(title);
    Object.assign(this, { status, title, detail, retryAfterSeconds, isTemporary });
  }
}

/** A stream URL with the moment, on this device's clock, until which it may be opened. */
export class StreamURL {
  // Some seconds less than promised: the request must still travel to the store.
  static margin = 5_000;

  constructor(url, goodUntil) {
    Object.assign(this, { url, goodUntil });
  }

  isGood(now = Date.now()) {
    return now < this.goodUntil - StreamURL.margin;
  }
}

/** POST /tracks/{trackId}/stream. Throws a Problem, or an AbortError. */
export async function requestStreamURL({ trackId, token, signal }) {
  let response, body;
  try {
    response = await fetch(`/tracks/${encodeURIComponent(trackId)}/stream`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      cache: 'no-store',
      signal,
    });
    body = await response.json();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (!response) throw new Problem({ title: 'No connection', detail: 'The service cannot be reached.' });
    throw new Problem({ status: response.status, title: 'Unreadable answer', detail: 'The service sent something that is not JSON.' });
  }
  if (!response.ok) {
    throw new Problem({
      status: response.status,
      title: body.title ?? 'Error',
      detail: body.detail,
      retryAfterSeconds: retryAfter(response),
    });
  }
  // This device's clock may be wrong: what counts is how long the URL was good when the server answered.
  const answeredAt = Date.parse(response.headers.get('Date')) || Date.now();
  return new StreamURL(body.streamUrl, Date.now() + (Date.parse(body.expiresAt) - answeredAt));
}

// RFC 9110 section 10.2.3: seconds, or a date.
function retryAfter(response) {
  const value = response.headers.get('Retry-After');
  if (value === null) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}
