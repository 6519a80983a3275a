// Plays tracks on any media element and replaces their URLs unnoticed. See stream-source.d.ts.

export const POLICY = Object.freeze({
  postTimeout: 15_000,
  backOff: 500,
  processing: 2_000,
  longest: 30_000,
  processingTotal: 600_000,
  patience: 240_000,
  early: 25_000,
  spent: 5_000,
  stall: 3_000,
  control: 2_000,
  directFor: 86_400_000,
  unreadableFor: 900_000,
  exactness: 0.02,
});

/** RFC 9457, or why there is no answer. */
export class Problem extends Error {
  constructor(title, { status = 0, detail = '', type = 'about:blank', reason = '' } = {}) {
    super(title);
    Object.assign(this, { title, status, detail, type, reason });
  }
}

// One clock may be set, the other stands while a device sleeps.
const remaining = (grant) => Math.min(grant.until - Date.now(), grant.ends - performance.now());
const received = (grant) => ({ ...grant, ends: performance.now() + grant.until - Date.now() });
const isSpent = (grant) => remaining(grant) <= Math.min(POLICY.spent, grant.life / 4);
const jitter = (wait, turn) => Math.min(POLICY.longest, wait * 2 ** turn) * (0.5 + Math.random() / 2);

function retryAfter(response) {
  const value = response.headers.get('Retry-After');
  const wait = Number(value) * 1000 || Date.parse(value) - Date.now();
  return wait ? Math.max(1000, wait) : null;
}

/** URLs, and when to ask again; all tabs share those of a named account. */
class Account {
  static #all = {};
  static of(name) { return name ? (Account.#all[name] ??= new Account(`novatune:${name}`)) : new Account(); }

  grants = new Map();
  gate = { until: 0, set: 0 };

  constructor(name) {
    this.name = name;
    if (!name) return;
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data: { trackId, grant, gate } }) => {
      if (grant) this.grants.set(trackId, received(grant));
      if (gate) this.gate = gate;
    };
    this.gate = recall(name) ?? this.gate;
  }

  closed(now = Date.now()) {
    // A clock may be set back.
    if (now >= this.gate.set && now < this.gate.until) return this.gate;
  }

  close(reason, wait) {
    const now = Date.now();
    this.gate = { until: now + wait * (1 + Math.random() / 4), set: now, reason };
    this.channel?.postMessage({ gate: this.gate });
    if (this.name) remember(this.name, this.gate);
  }

  keep(trackId, grant) {
    const former = this.grants.get(trackId);
    grant = received(grant);
    if (former?.url === grant.url) grant.renewAt = Date.now() + remaining(grant) / 2;
    this.grants.set(trackId, grant);
    this.channel?.postMessage({ trackId, grant });
    return grant;
  }

  usable(trackId, refused, early) {
    const grant = this.grants.get(trackId);
    if (grant && grant.url !== refused && !isSpent(grant) && !(early && Date.now() >= grant.renewAt)) return grant;
  }

  alone(work, signal) {
    return this.name && navigator.locks ? navigator.locks.request(this.name, { signal }, work) : work();
  }
}

let scripts;

export const attach = (element, options) => new StreamSource(element, options);

export class StreamSource extends EventTarget {
  #media; #options; #account; #token;
  #state = 'idle'; #waitingFor = null; #retryAt = null; #problem = null; #renewals = 0; #mode = 'direct';
  #trackId; #nonce = ''; #asked; #grant; #wish; #failures; #readable; #moved; #swap; #refusal; #wanted; #rate = 1;
  #load = new AbortController(); #closed = new AbortController(); #wake = new EventTarget();

  constructor(media, options) {
    super();
    this.#media = media;
    this.#options = { endpoint: '', mode: 'auto', worker: new URL('stream-worker.js', import.meta.url), ...options };
    this.#account = Account.of(this.#options.account);
    const until = { signal: this.#closed.signal };
    const on = (target, events, does) => events.split(' ').forEach((name) => target?.addEventListener(name, does, until));
    on(media, 'playing', () => this.#flows());
    on(media, 'timeupdate', () => this.#advances());
    on(media, 'pause', () => this.#pauses());
    // Firefox also ends where it was cut off.
    on(media, 'ended', () => (media.error ? this.#fails() : this.#become('ended')));
    on(media, 'waiting', () => this.#stalls());
    on(media, 'loadeddata', () => this.#hasData());
    on(media, 'play', () => this.#plays());
    // Chromium may play the beginning before it seeks, and may suspend.
    on(media, 'loadeddata seeked suspend', () => this.#begins());
    on(media, 'seeking', () => this.#seeks());
    on(media, 'error', () => this.#fails());
    on(window, 'online pageshow', () => this.#returns());
    on(document, 'visibilitychange', () => document.hidden || this.#returns());
    on(document, 'securitypolicyviolation', (event) => event.effectiveDirective === 'media-src' && this.#violates(event));
    on(navigator.serviceWorker, 'message', (event) => this.#supplies(event));
    navigator.serviceWorker?.startMessages?.();
    const watch = setInterval(() => this.#watch(), 1000);
    this.#closed.signal.addEventListener('abort', () => clearInterval(watch));
  }

  get state() { return this.#state; }
  get mode() { return this.#mode; }
  get waitingFor() { return this.#waitingFor; }
  get retryAt() { return this.#retryAt && new Date(this.#retryAt); }
  get problem() { return this.#problem; }
  get renewals() { return this.#renewals; }

  async load(trackId, { position = 0, play = false, type } = {}) {
    this.#load.abort();
    this.#load = new AbortController();
    this.#trackId = trackId;
    this.#nonce = crypto.randomUUID();
    this.#grant = this.#swap = this.#refusal = undefined;
    this.#asked = this.#failures = this.#readable = this.#renewals = 0;
    this.#wish = position;
    this.#wanted = play;
    this.#media.removeAttribute('src');
    this.#media.load();
    if (type && !this.#media.canPlayType(type)) return this.#end(unsupported(type));
    this.#become('issuing');
    const signal = this.#load.signal;
    const lease = this.#lease(null, signal);
    lease.catch(() => {});
    const mode = await this.#chooseMode();
    if (signal.aborted) return;
    this.#setMode(mode);
    await this.#open(null, lease);
  }

  prepare(trackId) {
    this.#leaseOf(trackId, null, this.#closed.signal, () => {}).catch(() => {});
  }

  seek(seconds) {
    this.#wish = seconds;
    if (this.#media.readyState) this.#media.currentTime = seconds;
  }

  retry() {
    this.#failures = 0;
    this.#token = this.#refusal = undefined;
    if (this.#load.signal.aborted) this.#load = new AbortController();
    this.#wanted = true;
    if (this.#is('failed')) this.#open(this.#grant?.url);
    else this.#wake.dispatchEvent(new Event('wake'));
  }

  pause() {
    this.#wanted = false;
    this.#media.pause();
  }

  close() {
    this.#load.abort();
    this.#closed.abort();
    this.#media.removeAttribute('src');
    this.#media.load();
    this.#become('idle');
  }

  #is(...states) { return states.includes(this.#state); }

  #become(state, reason = null, until = null) {
    if (state === this.#state && reason === this.#waitingFor && until === this.#retryAt) return;
    this.#state = state;
    this.#waitingFor = reason;
    this.#retryAt = until;
    if (state !== 'failed') this.#problem = null;
    this.#emit('statechange');
  }

  #emit(name) { this.dispatchEvent(new Event(name)); }

  #end(problem) {
    this.#problem = problem;
    this.#become('failed');
    this.#emit('problem');
  }

  #leaveWorker(time = POLICY.directFor) {
    remember('novatune:direct', Date.now() + time);
    this.#setMode('direct');
  }

  #setMode(mode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#emit('modechange');
  }

  #flows() {
    if (this.#media.error) return;
    this.#moved = performance.now();
    this.#become('playing');
  }

  #advances() {
    const { currentTime, error, seeking, ended, readyState, HAVE_CURRENT_DATA } = this.#media;
    if (seeking || ended || readyState < HAVE_CURRENT_DATA || currentTime === this.#wish) return;
    this.#wish = currentTime;
    if (error) return;
    this.#failures = this.#readable = 0;
    if (!this.#media.paused) this.#flows();
  }

  #hasData() {
    if (Math.abs(this.#media.currentTime - this.#wish) > POLICY.exactness) this.#media.currentTime = this.#wish;
    if (!this.#wanted) this.#become('paused');
  }

  #stalls() { if (this.#is('playing', 'loading')) this.#become('waiting', 'data'); }

  #pauses() {
    // Chromium pauses what fails.
    if (this.#media.ended || this.#media.error || !this.#is('playing', 'waiting', 'loading')) return;
    this.#wanted = false;
    this.#become('paused');
  }

  #plays() {
    this.#wanted = true;
    if (this.#is('ended')) this.#wish = 0;
    if (this.#is('paused', 'ended')) this.#become('loading');
    this.#moved = performance.now();
    if (!this.#media.error && (!this.#isDead() || this.#isBuffered(this.#media.currentTime, true))) return;
    if (this.#swap) return;
    // A browser takes samples before they sound.
    this.#rate = this.#media.playbackRate || this.#rate;
    this.#media.playbackRate = 0;
    this.#renew();
  }

  #seeks() {
    if (!this.#media.readyState) return;
    this.#wish = this.#media.currentTime;
    if (this.#isDead() && !this.#isBuffered(this.#wish)) this.#renew();
  }

  #fails() {
    this.#stalls();
    if (!this.#media.getAttribute('src') || this.#swap || this.#is('failed')) return;
    if (this.#refusal) return this.#end(this.#refusal);
    if (this.#mode === 'worker' && (!navigator.serviceWorker.controller || !this.#asked)) this.#leaveWorker();
    this.#renew(this.#isDead() || this.#failures > 0);
  }

  #returns() {
    this.#wake.dispatchEvent(new Event('wake'));
    navigator.serviceWorker?.controller?.postMessage({ type: 'wake' });
    if (this.#trackId && this.#media.error && !this.#is('failed')) this.#renew();
  }

  #violates({ effectiveDirective, blockedURI }) {
    if (!this.#grant) return;
    const { origin } = new URL(this.#grant.url);
    if (!blockedURI.startsWith(origin)) return;
    const detail = `${effectiveDirective} must list ${origin} (NOVATUNE_NGINX_MEDIA_ORIGINS).`;
    this.#end(new Problem("The page's Content-Security-Policy refuses the object store", { detail, reason: 'policy' }));
    this.#load.abort();
  }

  #watch() {
    if (!this.#wanted || !this.#is('playing', 'waiting', 'loading')) return;
    if (this.#media.currentTime !== this.#wish) return this.#advances();
    if (performance.now() - this.#moved < POLICY.stall) return;
    if (this.#swap) this.#media.playbackRate ||= this.#rate;
    this.#stalls();
    if (this.#isDead()) this.#renew();
  }

  #isDead() { return this.#mode === 'direct' && this.#grant && isSpent(this.#grant); }

  #isBuffered(seconds, toTheEnd) {
    const { buffered, duration } = this.#media;
    for (let i = 0; i < buffered.length; i++) {
      const end = buffered.end(i);
      if (buffered.start(i) <= seconds && seconds < end && (!toTheEnd || end >= duration - POLICY.exactness)) return true;
    }
  }

  #renew(isRefused) {
    if (this.#swap) return;
    const swap = (this.#swap = this.#open(isRefused && this.#grant?.url));
    swap.then(() => { if (this.#swap === swap) this.#swap = null; });
  }

  async #open(refused, lease) {
    const signal = this.#load.signal;
    try {
      if (this.#failures++ && this.#media.error) {
        if (this.#readable || this.#failures % 8 === 3) await this.#examine(signal);
        this.#become('waiting', 'store');
        await this.#pause(jitter(POLICY.backOff, this.#failures), signal);
      }
      const grant = await (lease ?? this.#lease(refused, signal));
      if (signal.aborted) return;
      if (grant.type && !this.#media.canPlayType(grant.type)) throw unsupported(grant.type);
      // It plays on.
      if (this.#is('playing') && this.#media.playbackRate && !this.#media.seeking) return;
      this.#take(grant);
      if (this.#media.readyState > 0 && !this.#media.ended) this.#wish = this.#media.currentTime;
      this.#become('loading');
      this.#rate = this.#media.playbackRate || this.#rate;
      this.#media.src = this.#mode === 'worker' ? this.#address() : grant.url;
      this.#media.playbackRate = this.#rate;
      this.#media.currentTime = this.#wish;
      this.#moved = performance.now();
      if (!this.#wish) this.#begins();
    } catch (error) {
      if (signal.aborted) return;
      this.#end(error instanceof Problem ? error : new Problem('Playback failed', { detail: String(error) }));
    }
  }

  #begins() {
    if (!this.#wanted || this.#swap || this.#media.seeking || !this.#is('waiting', 'loading')) return;
    this.#media.play().catch(({ name }) => name === 'NotAllowedError' && this.#become('paused'));
  }

  #take(grant) {
    const former = this.#grant;
    this.#grant = grant;
    if (!former || grant.url === former.url) return;
    this.#renewals++;
    this.#emit('renewed');
  }

  async #examine(signal) {
    if (!this.#grant || isSpent(this.#grant)) return;
    const { ok, status } = await fetch(this.#grant.url, { headers: { Range: 'bytes=0-0' }, cache: 'no-store', signal })
      .catch(() => ({}));
    if (!ok && status !== 429 && status < 500) throw refused(status);
    // It may just have come back.
    if ((ok && this.#readable) || this.#media.error?.code === MediaError.MEDIA_ERR_DECODE) throw unsupported(this.#grant.type);
    this.#readable = ok;
    if (this.#failures > 18) throw new Problem('The object store does not answer', { reason: 'store' });
  }

  #lease(refused, signal, early) {
    return this.#leaseOf(this.#trackId, refused, signal, (reason, until) => {
      this.#media.playbackRate ||= this.#rate;
      if (!this.#is('playing', 'paused')) this.#become('waiting', reason, until);
    }, early);
  }

  async #leaseOf(trackId, refused, signal, waits, early) {
    const account = this.#account;
    const began = Date.now();
    for (let turn = 0; ; turn++) {
      signal.throwIfAborted();
      const known = () => account.usable(trackId, refused, early) ?? account.closed();
      const ask = async () => known() ?? this.#post(trackId, signal, jitter(POLICY.backOff, turn));
      const result = known() ?? (await account.alone(ask, signal));
      const { url, reason, problem, until } = result;
      if (url && (url !== refused || remaining(result) > POLICY.early)) return result;
      const waited = Date.now() - began;
      if (problem && (!reason || waited > POLICY.processingTotal)) throw problem;
      if (/offline|service/.test(reason) && waited > POLICY.patience) throw new Problem('The service cannot be reached', { reason });
      let pause = jitter(POLICY.backOff, turn);
      if (url) pause = Math.max(1000, remaining(result) / 2);
      if (reason === 'processing') pause = jitter(POLICY.processing, turn);
      if (reason === 'sign-in') pause = Infinity;
      const isClosed = result === account.gate;
      if (isClosed) pause = until - Date.now();
      waits(url ? 'store' : reason, reason === 'sign-in' ? null : Date.now() + pause);
      await this.#pause(pause, signal, !isClosed);
    }
  }

  async #post(trackId, signal, wait) {
    let answer = await this.#exchange(trackId, false, signal);
    if (answer.status === 401) answer = await this.#exchange(trackId, true, signal);
    const { response, body, status } = answer;
    if (status === 401) return { reason: 'sign-in' };
    if (!body) return { reason: 'offline' };
    if (status === 200) {
      const life = Date.parse(body.expiresAt) - (Date.parse(response.headers.get('Date')) || answer.sent);
      if (!body.streamUrl || !(life > 0)) return { reason: 'offline' };
      const until = answer.sent + life;
      const renewAt = until - Math.min(POLICY.early, life / 2);
      return this.#account.keep(trackId, { url: body.streamUrl, until, life, renewAt, type: body.contentType });
    }
    if (status === 429 || status >= 500) {
      this.#account.close(status === 429 ? 'allowance' : 'service', retryAfter(response) ?? wait);
      await this.#pause(100, signal, false);
      return this.#account.gate;
    }
    const problem = new Problem(body.title ?? 'Error', { ...body, status, reason: 'service' });
    return { problem, reason: body.extensions?.currentStatus === 'Processing' ? 'processing' : '' };
  }

  async #exchange(trackId, refresh, signal) {
    const sent = Date.now();
    try {
      if (refresh || this.#token === undefined) {
        const token = await this.#options.getToken({ refresh, signal });
        if (refresh && token === this.#token) return { status: 401 };
        this.#token = token;
      }
    } catch {
      signal.throwIfAborted();
      return { status: 401 };
    }
    try {
      const response = await fetch(`${this.#options.endpoint}/tracks/${encodeURIComponent(trackId)}/stream`, {
        method: 'POST', headers: { Authorization: `Bearer ${this.#token}` }, cache: 'no-store', redirect: 'error',
        credentials: 'omit', signal: AbortSignal.any([signal, AbortSignal.timeout(POLICY.postTimeout)]),
      });
      const isOurs = /^application\/(problem\+)?json\b/.test(response.headers.get('Content-Type'));
      return { response, status: response.status, body: isOurs ? await response.json() : null, sent };
    } catch {
      signal.throwIfAborted();
      return { status: 0, sent };
    }
  }

  #pause(milliseconds, signal, canBeWoken = true) {
    return new Promise((resolve) => {
      const ended = new AbortController();
      const end = () => { ended.abort(); clearTimeout(timer); resolve(); };
      const timer = setTimeout(end, Math.min(milliseconds, 1e9));
      signal.addEventListener('abort', end, { signal: ended.signal });
      if (canBeWoken) this.#wake.addEventListener('wake', end, { signal: ended.signal });
    });
  }

  #address() { return new URL(`stream/${this.#nonce}/${encodeURIComponent(this.#trackId)}`, new URL('.', this.#options.worker)).href; }

  async #chooseMode() {
    const { mode, worker } = this.#options;
    if (mode === 'direct' || !worker || !navigator.serviceWorker) return 'direct';
    // WebKit's worker answers one request at a time.
    if (mode === 'auto' && (/^Apple/.test(navigator.vendor) || recall('novatune:direct') > Date.now())) return 'direct';
    try {
      scripts ??= window.trustedTypes?.createPolicy('novatune', { createScriptURL: (url) => url });
      await navigator.serviceWorker.register(scripts?.createScriptURL(worker) ?? worker);
      if (!navigator.serviceWorker.controller) {
        await new Promise((resolve, reject) => {
          navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true });
          setTimeout(reject, POLICY.control);
        });
      }
      return 'worker';
    } catch {
      return 'direct';
    }
  }

  async #supplies({ data, ports: [port] }) {
    if (data?.blockedURI) this.#violates(data);
    if (data?.nonce !== this.#nonce) return;
    if (data.type === 'stream-refused') {
      // No CORS rules, or busy.
      if (data.isUnreadable) this.#leaveWorker(POLICY.unreadableFor);
      else if (data.status < 412) this.#refusal = refused(data.status);
    }
    if (!port) return;
    this.#asked++;
    try {
      const grant = await this.#lease(data.refused, this.#load.signal, data.early);
      this.#take(grant);
      port.postMessage({ url: grant.url, life: remaining(grant), wasRead: this.#media.readyState > 0 });
    } catch (error) {
      // The element plays on, then fails.
      if (error instanceof Problem) this.#refusal = error;
      port.postMessage({ status: error.status ?? 404 });
    }
  }
}

const refused = (status) =>
  new Problem('The object store refuses the track', { status, reason: status === 404 ? 'gone' : 'store' });
const unsupported = (type = 'its format') =>
  new Problem('This browser cannot play the track', { detail: `It does not play ${type}.`, reason: 'unsupported' });

function remember(name, value) {
  try { localStorage.setItem(name, JSON.stringify(value)); } catch {}
}
function recall(name) {
  try { return JSON.parse(localStorage.getItem(name)); } catch {}
}
