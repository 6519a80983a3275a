// A service worker that plays presigned URLs under an address that does not change: scope/stream/{nonce}/{trackId}.
// It answers that address with the track's audio, which it reads in bounded pieces from the URL of the moment. It asks
// the page for URLs, and has neither token nor state that would be lost with it: the browser may end it at any time.

const PATH = new RegExp(`^${new URL('stream/', self.registration.scope).pathname}([\\w-]{8,64})/([^/]+)$`);

const [FIRST_BYTES, PIECE_BYTES] = [128 << 10, 1 << 20]; // the first is small, so that the element begins soon
const SILENCE_MS = 10_000; // of a piece, which is then asked for again
const PATIENCE_MS = 240_000; // of a stream that gets no byte
const BACK_OFF_MS = { first: 250, longest: 8_000 };
const SPENT_MS = 1_000; // before its end a URL is not used for another piece
const EARLY_MS = 25_000; // and is replaced meanwhile

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

const back = new EventTarget();
self.addEventListener('message', ({ data }) => data?.type === 'wake' && back.dispatchEvent(new Event('wake')));

// The worker's own policy may not allow the store.
self.addEventListener('securitypolicyviolation', async ({ effectiveDirective, blockedURI }) => {
  for (const page of await self.clients.matchAll()) page.postMessage({ effectiveDirective, blockedURI });
});

self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const match = origin === self.location.origin && event.request.method === 'GET' && PATH.exec(pathname);
  if (!match) return;
  const track = new Track(event.clientId, match[1], decodeURIComponent(match[2]));
  event.respondWith(answer(track, event.request.headers.get('Range'), event.request.signal));
});

/** No further try helps: the stream ends with an error. */
class Final extends Error {
  constructor(status, reason) { Object.assign(super(reason), { status }); }
}

/** The URLs of one track, from the page that plays it. */
class Track {
  constructor(client, nonce, id) {
    Object.assign(this, { client, nonce, id, current: null, coming: null });
  }

  /** A URL that is good for a request now. `refused` is one that the store does not take. */
  async url(refused = null) {
    const left = this.current && this.current.until - Date.now();
    if (this.current?.url === refused || !(left > SPENT_MS)) return (await this.ask(refused)).url;
    if (left < Math.min(EARLY_MS, this.current.life / 2)) this.ask(null, true).catch(() => {});
    return this.current.url;
  }

  ask(refused, early = false) {
    this.coming ??= this.question(refused, early).finally(() => (this.coming = null));
    return this.coming;
  }

  async question(refused, early) {
    const page = await self.clients.get(this.client);
    if (!page) throw new Final(404, 'the page is gone');
    const { port1, port2 } = new MessageChannel();
    const given = await new Promise((resolve, reject) => {
      port1.onmessage = ({ data }) => resolve(data);
      setTimeout(reject, PATIENCE_MS, new Final(504, 'no URL from the page'));
      page.postMessage({ type: 'stream-url', nonce: this.nonce, trackId: this.id, refused, early }, [port2]);
    });
    port1.close();
    if (!given.url) throw new Final(given.status ?? 404, 'the page has no URL');
    this.current = { url: given.url, until: Date.now() + given.life, life: given.life, wasRead: given.wasRead };
    return this.current;
  }

  /** The page sees no answer of the store. */
  report(error, isUnreadable) {
    const refusal = { type: 'stream-refused', nonce: this.nonce, status: error.status, isUnreadable };
    self.clients.get(this.client).then((page) => page?.postMessage(refusal));
    return error;
  }
}

/** RFC 9110, section 14.2: one range of bytes, as browsers ask for media. */
function wanted(header) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || match[0] === 'bytes=-' || Number(match[1]) > Number(match[2] || Infinity)) return { first: 0, last: Infinity, isWhole: true };
  if (match[1] === '') return { suffix: Number(match[2]) };
  return { first: Number(match[1]), last: match[2] === '' ? Infinity : Number(match[2]) };
}

async function answer(track, header, signal) {
  try {
    let range = wanted(header);
    const ended = new AbortController();
    signal.addEventListener('abort', () => ended.abort(signal.reason));
    if (range.suffix !== undefined) {
      const { size } = await piece(track, 0, 0, null, ended.signal);
      range = { first: Math.max(0, size - range.suffix), last: size - 1 };
    }
    const first = await piece(track, range.first, Math.min(range.last, range.first + FIRST_BYTES - 1), null, ended.signal);
    const last = Math.min(range.last, first.size - 1);
    const headers = {
      'Accept-Ranges': 'bytes', 'Content-Type': first.type, 'Content-Length': String(last - range.first + 1),
      'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff',
    };
    if (!range.isWhole) headers['Content-Range'] = `bytes ${range.first}-${last}/${first.size}`;
    return new Response(stream(track, first, range.first, last, ended), { status: range.isWhole ? 200 : 206, headers });
  } catch (error) {
    if (!(error instanceof Final)) return Response.error();
    return new Response(null, { status: error.status });
  }
}

/** From `first` on; the next piece is fetched while the element takes this one. */
function stream(track, first, start, last, ended) {
  let [next, ready] = [start, first];
  return new ReadableStream({
    async pull(controller) {
      const part = ready ?? (await piece(track, next, Math.min(last, next + PIECE_BYTES - 1), first, ended.signal));
      ready = null;
      next += part.bytes.byteLength;
      controller.enqueue(part.bytes);
      if (next > last) controller.close();
    },
    cancel(reason) { ended.abort(reason); },
  });
}

/** Bytes `first` to `last`, both included, of the same version as `former`. Tries until the stream's patience ends. */
async function piece(track, first, last, former, signal) {
  const giveUpAt = Date.now() + PATIENCE_MS;
  let [wait, refused, refusals] = [BACK_OFF_MS.first, null, 0];
  for (;;) {
    signal.throwIfAborted();
    const url = await track.url(refused);
    refused = null;
    try {
      return await fetchPiece(url, first, last, former, signal);
    } catch (failure) {
      if (signal.aborted) throw failure;
      const isUnreadable = failure instanceof TypeError && (await answersUnreadably(url));
      const isNearItsEnd = !(track.current?.until - Date.now() > 10_000);
      // Where anything of the track could be read it is the URL's end, or a store that is busy.
      const isRefusal = failure.message === 'refused' || (isUnreadable && !former && !track.current?.wasRead);
      if (isRefusal || (isUnreadable && isNearItsEnd)) refused = url;
      let error = failure;
      // What cannot be read of a fresh URL cannot be read of another one.
      if (isRefusal && (refusals++ > 0 || (isUnreadable && !isNearItsEnd))) error = new Final(403, 'the store refuses');
      else if (Date.now() > giveUpAt) error = new Final(504, 'the store does not answer');
      if (error instanceof Final) throw track.report(error, isUnreadable);
    }
    // With another URL the first time there is nothing to wait for.
    if (!refused || wait > BACK_OFF_MS.first) await pause(Math.random() * wait, signal);
    wait = Math.min(wait * 2, BACK_OFF_MS.longest);
  }
}

/** Whether the store answers, with what no page may read: a refusal, or audio, without CORS headers. */
function answersUnreadably(url) {
  return fetch(url, { method: 'HEAD', mode: 'no-cors', cache: 'no-store' }).then(() => true, () => false);
}

async function fetchPiece(url, first, last, former, signal) {
  const silent = new AbortController();
  const stop = () => silent.abort();
  let timer = setTimeout(stop, SILENCE_MS);
  try {
    const response = await fetch(url, {
      headers: { Range: `bytes=${first}-${last}` }, mode: 'cors', credentials: 'omit', cache: 'no-store',
      referrerPolicy: 'no-referrer', redirect: 'error', signal: AbortSignal.any([signal, silent.signal]),
    });
    if (response.status === 403 || response.status === 401) throw new Error('refused');
    if (response.status === 404 || response.status === 410) throw new Final(404, 'no such object');
    if (response.status === 416) throw new Final(416, 'beyond the end');
    const content = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('Content-Range'));
    const [, begins, ends, size] = content?.map(Number) ?? [];
    if (response.status !== 206 || begins !== first || ends !== Math.min(last, size - 1)) throw new Error('no range');
    const version = response.headers.get('ETag');
    // Bytes of two versions must never be joined.
    if (former && (former.size !== size || former.version !== version)) throw new Final(412, 'another version');
    const bytes = new Uint8Array(ends - first + 1);
    let filled = 0;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      if (filled + value.length > bytes.length) throw new Error('too long');
      bytes.set(value, filled);
      filled += value.length;
    }
    if (filled < bytes.length) throw new Error('cut');
    return { bytes, size, version, type: response.headers.get('Content-Type') ?? 'application/octet-stream' };
  } finally {
    clearTimeout(timer);
  }
}

/** Until then, or until the page says that the device is back. */
const pause = (milliseconds, signal) => new Promise((resolve) => {
  setTimeout(resolve, milliseconds);
  for (const [target, name] of [[signal, 'abort'], [back, 'wake']]) target.addEventListener(name, resolve, { once: true });
});
