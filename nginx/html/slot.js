// A media element of the queue, with the source of the user whose track it plays.
import { Output } from './output.js';
import { attach } from './stream-source.js';

const REHEARSED = 1; // second
const REHEARSALS = 4;
const INAUDIBLE = 1e-5; // of full volume

// How often in a row the store did not allow the page to read (CORS). It may have been busy, so one time is no answer.
let refusals = 0;
const MOST_REFUSALS = 3;

/** Emits what its element emits, and `replaced` where that has become another one. */
export class Slot extends EventTarget {
  track = null;
  source = null;
  output = null; // where the element plays what the page may read
  startTakes = 0.05; // seconds from play() to the first sample
  #rehearsal = null;
  #isMuted = false;
  #isRead = false; // by the element, directly, as a page reads
  #plain = null; // the track that no output plays, since the page may not read it
  #mode;
  #volume;
  #user;

  constructor(element) {
    super();
    this.#volume = element.volume;
    this.#listen(element);
  }

  #listen(element) {
    this.element = element;
    const on = (names, does) =>
      names.split(' ').forEach((name) => element.addEventListener(name, () => element === this.element && does(name)));
    on('play', () => this.output?.plays());
    on('pause', () => this.#pauses());
    on('loadeddata', () => this.#reads());
    on('error', () => this.#playsAsPage && !this.#isRead && this.#replace());
    on('timeupdate pause seeking seeked ended durationchange progress emptied', (name) => this.dispatchEvent(new Event(name)));
  }

  async take(track, start, changed) {
    this.track = track;
    const user = await accountOf(track.token);
    if (this.track !== track) return;
    this.#isRead = false;
    if (track !== this.#plain) this.#plain = null;
    const mode = this.#plain ? 'direct' : 'auto';
    if (!this.source || user !== this.#user || mode !== this.#mode) {
      this.source?.close();
      this.#user = user;
      this.#mode = mode;
      // A source asks for the token when it needs one, so that another one can be entered.
      const source = attach(this.element, { account: user, mode, getToken: () => this.track.token });
      this.source = source;
      // Before the element is given an address.
      source.addEventListener('statechange', () => source.state === 'loading' && this.#connects());
      // It leaves the worker, which could not read.
      source.addEventListener('modechange', () => this.#playsAsPage && this.#replace());
      for (const name of ['statechange', 'renewed', 'modechange']) {
        source.addEventListener(name, () => source === this.source && changed(this));
      }
    }
    await this.source.load(track.trackId, start);
  }

  /** Whether the element plays the store's own address, and only as long as the store allows the page to read. */
  get #playsAsPage() { return this.output !== null && this.source?.mode === 'direct'; }

  #connects() {
    if (this.output || this.#plain || this.element.getAttribute('src')) return;
    if (this.source.mode === 'direct' && refusals === MOST_REFUSALS) return;
    this.output = Output.of(this.element);
    this.#setLoudness();
  }

  #reads() {
    if (!this.#playsAsPage) return;
    this.#isRead = true;
    refusals = 0;
  }

  /** What an output has, plays nothing that the page may not read. */
  #replace() {
    refusals = Math.min(MOST_REFUSALS, refusals + 1);
    this.#plain = this.track;
    this.release();
    this.output.close();
    this.output = null;
    const element = this.element.cloneNode();
    element.crossOrigin = null;
    this.element.replaceWith(element);
    this.#listen(element);
    this.#setLoudness();
    this.dispatchEvent(new Event('replaced'));
  }

  release() {
    this.source?.close();
    this.source = this.track = null;
  }

  get heldBack() { return this.output?.heldBack ?? 0; }

  get position() { return Math.max(0, this.element.currentTime - this.heldBack); }

  get left() {
    return (this.element.duration - this.element.currentTime) / this.element.playbackRate + this.heldBack;
  }

  /** Where it stops, what was held back has not been played. */
  #pauses() {
    const { element, heldBack, position } = this;
    if (!heldBack || element.ended || element.error) return;
    this.output.release();
    element.currentTime = position;
  }

  /** Without what is held back. */
  stops() {
    this.output?.release();
    this.element.pause();
  }

  get isRehearsing() { return this.#rehearsal !== null; }

  get muted() { return this.#isMuted; }
  set muted(muted) {
    this.#isMuted = muted;
    this.#setLoudness();
  }

  get volume() { return this.#volume; }
  set volume(volume) {
    this.#volume = volume;
    this.#setLoudness();
  }

  /** Chromium gives what is muted or has no volume no device, and so not the time that the device takes. */
  #setLoudness() {
    const { element, isRehearsing, output } = this;
    if (output) {
      output.volume = this.#isMuted ? 0 : this.#volume;
      element.muted = false;
      element.volume = 1;
      return;
    }
    element.volume = isRehearsing ? INAUDIBLE : this.#volume;
    // iOS leaves the volume to the user.
    element.muted = this.#isMuted || (isRehearsing && element.volume > 0.01);
  }

  /** Plays an inaudible moment some times, to learn how long this device takes to start, and returns to the beginning. */
  async rehearse(isLate) {
    const { element } = this;
    const rehearsal = (this.#rehearsal = new AbortController());
    const { signal } = rehearsal;
    this.#setLoudness();
    // A start waits for the device's next buffer: of several, the mean is nearest to the one that counts.
    for (const times = []; times.length < REHEARSALS && !isLate() && !signal.aborted; ) {
      const began = performance.now();
      // Where the browser refuses, the first start takes as long as it takes.
      const plays = await element.play().then(() => true, () => false);
      if (!plays) break;
      // Its clock runs before the sound does, until that is steady.
      while (element.currentTime <= REHEARSED && !signal.aborted) await once(element, 'timeupdate', signal);
      if (signal.aborted) return;
      times.push(Math.max(0, (performance.now() - began) / 1000 - element.currentTime));
      this.startTakes = times.reduce((sum, time) => sum + time) / times.length;
      element.pause();
      element.currentTime = 0;
      await once(element, 'seeked', signal);
    }
    if (rehearsal === this.#rehearsal) this.endRehearsal();
  }

  endRehearsal() {
    if (!this.isRehearsing) return;
    this.#rehearsal.abort();
    this.#rehearsal = null;
    this.element.pause();
    if (this.element.currentTime > 0) this.element.currentTime = 0;
    this.#setLoudness();
  }
}

/** Resolves at the event, or where the signal is aborted before it. */
function once(target, name, signal) {
  return new Promise((resolve) => {
    target.addEventListener(name, resolve, { once: true, signal });
    signal.addEventListener('abort', resolve, { once: true });
  });
}

/** The same for all tabs of a user, and for no other. */
async function accountOf(token) {
  if (!globalThis.crypto?.subtle) return undefined;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(userOf(token)));
  return Array.from(new Uint8Array(digest).subarray(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function userOf(token) {
  try {
    const { iss, sub } = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
    return `${iss} ${sub}`;
  } catch {
    return token;
  }
}
