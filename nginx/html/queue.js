// Tracks one after the other, on two media elements: while one plays, the other gets the next track ready.
import { attach } from './stream-source.js';

const READY_BEFORE_END = 20; // seconds
const LATEST_REHEARSAL = 5; // seconds before the end
const REHEARSED = 1; // second
const INAUDIBLE = 1e-5; // of full volume

/** A media element, and the source of the user whose track it plays. */
class Slot {
  track = null;
  source = null;
  startTakes = 0.05; // seconds from play() to the first sample
  #rehearsal = null;
  #isMuted = false;
  #volume;
  #user;

  constructor(element) {
    this.element = element;
    this.#volume = element.volume;
  }

  async take(track, start, changed) {
    this.track = track;
    const user = await accountOf(track.token);
    if (this.track !== track) return;
    if (!this.source || user !== this.#user) {
      this.source?.close();
      this.#user = user;
      // A source asks for the token when it needs one, so that another one can be entered.
      this.source = attach(this.element, { account: user, getToken: () => this.track.token });
      for (const name of ['statechange', 'renewed', 'modechange']) this.source.addEventListener(name, () => changed(this));
    }
    await this.source.load(track.trackId, start);
  }

  get left() {
    return (this.element.duration - this.element.currentTime) / this.element.playbackRate;
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
    const { element, isRehearsing } = this;
    element.volume = isRehearsing ? INAUDIBLE : this.#volume;
    // iOS leaves the volume to the user.
    element.muted = this.#isMuted || (isRehearsing && element.volume > 0.01);
  }

  /** Plays an inaudible moment, to learn how long this device takes to start, and returns to the beginning. */
  rehearse() {
    const { element } = this;
    const rehearsal = (this.#rehearsal = new AbortController());
    const began = performance.now();
    this.#setLoudness();
    // Its clock runs before the sound does, until that is steady.
    const steady = () => {
      if (element.currentTime <= REHEARSED) return;
      this.startTakes = Math.max(0, (performance.now() - began) / 1000 - element.currentTime);
      this.endRehearsal();
    };
    element.addEventListener('timeupdate', steady, { signal: rehearsal.signal });
    // Where the browser refuses, the first start takes as long as it takes.
    element.play().catch(() => rehearsal === this.#rehearsal && this.endRehearsal());
  }

  endRehearsal() {
    if (!this.isRehearsing) return;
    this.#rehearsal.abort();
    this.#rehearsal = null;
    this.element.pause();
    this.element.currentTime = 0;
    this.#setLoudness();
  }
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

/** Emits `change` whenever what it says of itself may differ. */
export class Queue extends EventTarget {
  tracks = [];
  index = -1;
  wantsToPlay = false;
  #slots;
  #current = 0;
  #ready = null; // the index of the track in the other slot
  #turn = null;
  #isRehearsed = false;
  #passed = -1; // the index of the last track at whose end another one was made ready
  #wished = 0; // seconds: where the element is, or is to be once it has a source

  constructor(elements) {
    super();
    this.#slots = elements.map((element) => new Slot(element));
    for (const slot of this.#slots) {
      const on = (names, does) =>
        names.split(' ').forEach((name) => slot.element.addEventListener(name, () => slot === this.#slot && does()));
      // Firefox places what it was cut off from at the track's end, and ends it.
      on('timeupdate', () => this.element.error || this.#moves());
      on('pause seeking', () => this.#forgetTurn());
      on('ended', () => this.element.error || this.#goesOn());
      on('timeupdate durationchange progress seeking seeked emptied', () => this.#changed());
    }
  }

  get #slot() { return this.#slots[this.#current]; }
  get #other() { return this.#slots[1 - this.#current]; }
  get element() { return this.#slot.element; }
  get source() { return this.#slot.source; }
  get track() { return this.tracks[this.index] ?? null; }
  get upNext() { return this.tracks[this.index + 1] ?? null; }
  get position() { return this.#hasNoURL() || this.element.error ? this.#wished : this.element.currentTime; }

  #changed() { this.dispatchEvent(new Event('change')); }

  open(index, { position = 0, play = true } = {}) {
    this.#forgetTurn();
    this.#release();
    this.index = index;
    this.#passed = -1;
    this.#wished = position;
    this.wantsToPlay = play;
    this.#slot.take(this.track, { position, play, type: this.track.type }, (slot) => this.#follows(slot));
    this.#changed();
  }

  toggle() {
    if (!this.track) return;
    if (this.wantsToPlay) this.pause();
    else this.play();
  }

  play() {
    this.wantsToPlay = true;
    if (this.source?.state === 'failed' || this.source?.waitingFor === 'sign-in') this.source.retry();
    else if (this.#hasNoURL()) this.open(this.index, { position: this.position });
    // Where the browser refuses, the source is paused again.
    else this.element.play().catch(() => this.#follows(this.#slot));
    this.#changed();
  }

  pause() {
    this.wantsToPlay = false;
    if (this.#hasNoURL()) this.open(this.index, { position: this.position, play: false });
    else this.source.pause();
    this.#changed();
  }

  #hasNoURL() {
    return !this.element.getAttribute('src');
  }

  seek(seconds) {
    const end = this.element.duration;
    this.#wished = Math.max(0, Number.isFinite(end) ? Math.min(seconds, end) : seconds);
    this.source?.seek(this.#wished);
    this.#changed();
  }

  next() {
    if (!this.upNext) return;
    if (this.#ready === this.index + 1) this.#turnTo(true);
    else this.open(this.index + 1);
  }

  /** The start of this track; near its start, the track before. */
  previous() {
    if (this.position > 3 || this.index <= 0) this.seek(0);
    else this.open(this.index - 1);
  }

  set volume(volume) { for (const slot of this.#slots) slot.volume = Math.min(1, Math.max(0, volume)); }
  get volume() { return this.#slot.volume; }
  set muted(muted) { for (const slot of this.#slots) slot.muted = muted; }
  get muted() { return this.#slot.muted; }

  #follows(slot) {
    const { state } = slot.source;
    if (slot === this.#slot) {
      if (state === 'playing') this.wantsToPlay = true;
      if (['paused', 'failed', 'ended'].includes(state)) this.wantsToPlay = false;
    } else if (state === 'failed' && this.#ready !== null) {
      // A listener may choose what cannot be played, and see why; the queue goes past it.
      this.#makeReady(this.#ready + 1);
    } else if (state === 'paused' && !this.#isRehearsed && this.#slot.left > LATEST_REHEARSAL) {
      this.#isRehearsed = true;
      slot.rehearse();
    }
    this.#changed();
  }

  #makeReady(index) {
    this.#isRehearsed = false;
    this.#ready = index < this.tracks.length ? index : null;
    const track = this.tracks[index];
    if (track) this.#other.take(track, { play: false, type: track.type }, (slot) => this.#follows(slot));
  }

  #moves() {
    this.#wished = this.element.currentTime;
    this.#nearsItsEnd();
  }

  #nearsItsEnd() {
    const { left } = this.#slot;
    // The other element may still play the last samples of the former track.
    if (!(left < READY_BEFORE_END) || !(this.#other.element.paused || this.#other.isRehearsing)) return;
    if (this.#ready === null && this.#passed < this.index) this.#makeReady(this.index + 1);
    this.#passed = this.index;
    const { startTakes } = this.#other;
    if (left > startTakes + 1 || this.#ready === null || this.#turn || this.element.paused) return;
    this.#turn = setTimeout(() => this.#turnTo(), Math.max(0, left - startTakes) * 1000);
  }

  #goesOn() {
    if (this.#ready !== null) this.#turnTo();
  }

  #forgetTurn() {
    clearTimeout(this.#turn);
    this.#turn = null;
  }

  /** The other slot plays, and this one plays its last samples, unless it shall stop. */
  #turnTo(stops = false) {
    this.#forgetTurn();
    const former = this.#slot;
    this.#other.endRehearsal();
    this.#current = 1 - this.#current;
    this.index = this.#ready;
    this.#ready = null;
    this.wantsToPlay = true;
    if (stops) former.element.pause();
    this.play();
  }

  /** What was made ready is not wanted any more. */
  #release() {
    this.#ready = null;
    this.#other.endRehearsal();
    this.#other.track = null;
    this.#other.source?.close();
    this.#other.source = null;
  }
}
