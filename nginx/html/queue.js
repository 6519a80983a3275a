// Tracks one after the other, on two media elements: while one plays, the other gets the next track ready.
import { Slot } from './slot.js';

const READY_BEFORE_END = 20; // seconds
const LATEST_REHEARSAL = 5; // seconds before the end
const JUMP = 3; // seconds

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
  #jumpedAt = NaN; // seconds
  #wished = 0; // seconds: where the element is, or is to be once it has a source

  constructor(elements) {
    super();
    this.#slots = elements.map((element) => new Slot(element));
    for (const slot of this.#slots) {
      slot.addEventListener('replaced', () => this.#loadsAgain(slot));
      const on = (names, does) =>
        names.split(' ').forEach((name) => slot.addEventListener(name, () => slot === this.#slot && does()));
      // Firefox places what it was cut off from at the track's end, and ends it.
      on('timeupdate', () => this.element.error || this.element.ended || this.#moves());
      on('pause seeking', () => this.element.ended || this.#forgetTurn());
      on('ended', () => this.element.error || this.#ends());
      on('timeupdate durationchange progress seeking seeked emptied', () => this.#changed());
    }
  }

  get #slot() { return this.#slots[this.#current]; }
  get #other() { return this.#slots[1 - this.#current]; }
  get element() { return this.#slot.element; }
  get source() { return this.#slot.source; }
  get track() { return this.tracks[this.index] ?? null; }
  get upNext() { return this.tracks[this.index + 1] ?? null; }
  get position() { return this.#hasNoURL() || this.element.error || !this.element.readyState ? this.#wished : this.#slot.position; }

  #changed() { this.dispatchEvent(new Event('change')); }

  open(index, { position = 0, play = true } = {}) {
    this.#forgetTurn();
    this.#release();
    this.#slot.output?.release();
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
    this.#slot.output?.release();
    this.source?.seek(this.#wished);
    this.#changed();
  }

  next() {
    if (!this.upNext) return;
    this.#forgetTurn();
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
    // Another element may be about to take this one's place.
    if (!slot.source) return;
    const { state } = slot.source;
    if (slot === this.#slot) {
      if (state === 'playing') this.wantsToPlay = true;
      if (['paused', 'failed', 'ended'].includes(state)) this.wantsToPlay = false;
    } else if (state === 'failed' && this.#ready !== null) {
      // A listener may choose what cannot be played, and see why; the queue goes past it.
      this.#makeReady(this.#ready + 1);
    } else if (state === 'paused' && !slot.output && !this.#isRehearsed && this.#slot.left > LATEST_REHEARSAL) {
      this.#isRehearsed = true;
      slot.rehearse(() => !(this.#slot.left > LATEST_REHEARSAL));
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
    this.#wished = this.position;
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
    this.#approaches(left - startTakes);
  }

  async #approaches(seconds) {
    const turn = (this.#turn = new AbortController());
    const [{ output: former }, { output: next }] = [this.#slot, this.#other];
    if (former && next) {
      // At the end of the former one, the next one has been started.
      if ((await next.follows(former, turn.signal)) || this.#turn !== turn) return;
      this.#turn = null;
      this.#other.source?.pause();
    } else {
      setTimeout(() => this.#turn === turn && this.#turnTo(), Math.max(0, seconds) * 1000);
    }
  }

  #ends() {
    // A jump to the end is no end, and the track goes on where it was; at the same place again, there is no more of it.
    const at = this.#wished;
    if (this.element.currentTime - at > JUMP && !(Math.abs(at - this.#jumpedAt) < JUMP)) {
      this.#jumpedAt = at;
      this.open(this.index, { position: at });
    } else if (this.#ready !== null) this.#turnTo();
  }

  #forgetTurn() {
    if (!this.#turn) return;
    this.#turn.abort();
    this.#turn = null;
    this.#other.stops();
    if (this.#other.element.currentTime > 0) this.#other.element.currentTime = 0;
  }

  /** The other slot plays, and this one plays its last samples, unless it shall stop. */
  #turnTo(stops = false) {
    const former = this.#slot;
    if (!this.#turn) this.#other.output?.release();
    this.#turn = null;
    this.#other.endRehearsal();
    this.#current = 1 - this.#current;
    this.index = this.#ready;
    this.#ready = null;
    this.wantsToPlay = true;
    if (stops) former.stops();
    this.play();
  }

  /** What was made ready is not wanted any more. */
  #release() {
    this.#ready = null;
    this.#other.endRehearsal();
    this.#other.release();
    this.#other.output?.release();
  }

  #loadsAgain(slot) {
    if (slot === this.#slot) this.open(this.index, { position: this.#wished, play: this.wantsToPlay });
    else if (this.#ready !== null) this.#makeReady(this.#ready);
  }
}
