// A media element's way to the loudspeaker, on which a track's first sample can be made to follow another track's last.

const LONGEST = 1; // seconds that a track can be held back
const AHEAD = 0.5; // seconds before the former track's end that the next one starts, to be measured
const READING = 0.25; // seconds
const EVERY = 5; // milliseconds

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// One for all: its clock is that of their samples.
let context;

/** What a page sends here it can never take back. Of another origin only what the page may read has a sound here. */
export class Output {
  #element; #delay; #gain; #hold = null;

  /**
   * Null where an element is better off by itself. Chromium's starts within 21 ms of what was rehearsed, and loses less on
   * a busy machine than a context does. Firefox's never needs the same time.
   */
  static of(element) {
    if (navigator.vendor !== '') return null;
    try {
      context ??= new AudioContext({ latencyHint: 'playback' });
      return new Output(element);
    } catch {
      return null;
    }
  }

  constructor(element) {
    this.#element = element;
    element.crossOrigin = 'anonymous';
    this.#delay = context.createDelay(LONGEST);
    this.#gain = context.createGain();
    context.createMediaElementSource(element).connect(this.#delay).connect(this.#gain).connect(context.destination);
  }

  close() { this.#gain.disconnect(); }

  /** The loudness is that of this moment, where the element's own would wait as long as its track. */
  set volume(volume) { this.#gain.gain.value = volume; }

  /** Seconds. */
  get heldBack() { return this.#delay.delayTime.value; }

  /** What is still held back is left out. */
  release() {
    this.#hold = null;
    this.#delay.delayTime.value = 0;
  }

  /** Where the browser allows no sound yet, it refuses the element's too. */
  plays() {
    if (context.state !== 'running') context.resume().catch(() => {});
  }

  /**
   * When on the context's clock, in seconds, the track's first sample was or would have been played. Both clocks go in
   * steps, which a page sees late: of many readings the least difference is exact to a block of samples.
   */
  async #origin(signal) {
    let { currentTime: began } = context;
    let least = Infinity;
    const beginsAgain = () => ([began, least] = [context.currentTime, Infinity]);
    this.#element.addEventListener('emptied', beginsAgain);
    for (let read = began; !signal.aborted && !this.#element.ended; await pause(EVERY), read = context.currentTime) {
      if (this.#element.currentTime > 0) least = Math.min(least, read - this.#element.currentTime);
      if (read > began + (least < Infinity ? READING : LONGEST)) break;
    }
    this.#element.removeEventListener('emptied', beginsAgain);
    return least;
  }

  /** Starts the element, so that its first sample follows `former`'s last. False where it did not come to that. */
  async follows(former, signal) {
    const began = await former.#origin(signal);
    const endOfFormer = () => began + former.#element.duration + former.heldBack;
    await pause((endOfFormer() - context.currentTime - AHEAD) * 1000);
    if (signal.aborted || !(endOfFormer() < Infinity)) return false;
    const hold = (this.#hold = {});
    this.#delay.delayTime.value = LONGEST;
    // Where its URL has ended, the source gives it another one and starts it again.
    const isStarted = await this.#element.play().then(() => true, ({ name }) => name === 'AbortError');
    const origin = isStarted ? await this.#origin(signal) : Infinity;
    if (this.#hold !== hold) return false;
    if (!(origin < Infinity)) {
      this.release();
      return false;
    }
    let end;
    const place = () => {
      if (this.#hold !== hold || context.currentTime > end) return;
      // Where it is late, it begins now.
      end = Math.max(endOfFormer(), context.currentTime);
      this.#delay.delayTime.value = exact(Math.min(LONGEST, end - origin));
    };
    place();
    // Of some formats a browser estimates the duration until it has come to the end.
    former.#element.addEventListener('ended', place, { once: true });
    return true;
  }
}

/** The near time that is a whole number of samples in the graph's 32-bit numbers: between samples it would interpolate. */
function exact(seconds) {
  const rate = context.sampleRate;
  const error = (sample) => Math.abs(Math.fround(sample / rate) * rate - sample);
  let best = Math.round(seconds * rate);
  for (let sample = best - 48; sample <= best + 48; sample++) if (error(sample) < error(best)) best = sample;
  return best / rate;
}
