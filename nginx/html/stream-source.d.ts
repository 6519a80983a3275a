// Types of stream-source.js.

/** Why a source waits. `sign-in`: `getToken` gives no token that the service takes; call `retry` after a new sign-in. */
export type Reason = 'data' | 'offline' | 'allowance' | 'service' | 'store' | 'processing' | 'sign-in';

/**
 * | state | means |
 * | --- | --- |
 * | `idle` | no track |
 * | `issuing` | the service is asked for a URL, and there is nothing to play yet |
 * | `loading` | the element has a source and no data yet |
 * | `playing` | sound flows |
 * | `paused` | by the user, the page or the system; the URL may have ended long ago |
 * | `waiting` | it shall play and cannot; `waitingFor` says why, `retryAt` until when |
 * | `failed` | no further try helps; `problem` says why |
 * | `ended` | the track is over |
 */
export type State = 'idle' | 'issuing' | 'loading' | 'playing' | 'paused' | 'waiting' | 'failed' | 'ended';

export interface StreamSourceOptions {
  /** Of the API, without a final slash; by default the page's own origin. */
  endpoint?: string;
  /**
   * The bearer token. With `refresh` the service has refused the former one: give another, or the same where there is
   * none.
   */
  getToken(why: { refresh: boolean; signal: AbortSignal }): string | Promise<string>;
  /** Where this origin serves stream-worker.js; the page must be below its folder. By default beside this module. */
  worker?: string | URL | false;
  /** `auto`: by the worker where the browser can, else directly. */
  mode?: 'auto' | 'worker' | 'direct';
  /** What the sources of all tabs share URLs and limits by: one for each user, such as a hash of the user's id. */
  account?: string;
}

export interface LoadOptions {
  /** Seconds. */
  position?: number;
  play?: boolean;
  /** The media type where it is known, such as `audio/ogg`: what the browser cannot play is refused without a request. */
  type?: string;
}

/** RFC 9457 problem details. Without an answer of the service `status` is 0. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly type: string;
  /** `service`, `store`, `gone`, `unsupported` or `policy`. */
  readonly reason: string;
}

/**
 * Events: `statechange`, `problem`, `renewed`, `modechange`. Everything else is the element's own API. Where a source plays
 * directly and Play is pressed after the URL's end, the element's `playbackRate` is 0 until the new URL is there.
 */
export class StreamSource extends EventTarget {
  constructor(media: HTMLMediaElement, options: StreamSourceOptions);
  /** Resolves when the element has its source, or the track has failed. */
  load(trackId: string, start?: LoadOptions): Promise<void>;
  /** Asks for a URL ahead of time; costs one request. */
  prepare(trackId: string): void;
  /** As the element's `currentTime`, and also while the element has no data: the last wish wins. Seconds. */
  seek(seconds: number): void;
  /** As the element's, and also while the source waits: the element may then be paused already. */
  pause(): void;
  /** Tries again now and plays, with a token that `getToken` is asked for. */
  retry(): void;
  close(): void;
  readonly state: State;
  readonly mode: 'worker' | 'direct';
  readonly waitingFor: Reason | null;
  readonly retryAt: Date | null;
  readonly problem: Problem | null;
  /** How often a URL was replaced while this track played. */
  readonly renewals: number;
}

export function attach(element: HTMLMediaElement, options: StreamSourceOptions): StreamSource;

/** Waits and limits, in milliseconds where nothing else is said. */
export const POLICY: Readonly<{
  /** Of a request for a URL. */
  postTimeout: number;
  /** The first wait after a failure, and while a track is processed. Each doubles with each try, up to `longest`. */
  backOff: number;
  processing: number;
  longest: number;
  /** How long a track may be processed. */
  processingTotal: number;
  /** How long a source waits for the service or a connection. */
  patience: number;
  /** Before its end a URL is replaced; at most half its life. */
  early: number;
  /** Before its end a URL is not used any more; at most a quarter of its life. */
  spent: number;
  /** How long sound may stand before a source that plays directly looks at its URL. */
  stall: number;
  /** How long the worker may take to control the page. */
  control: number;
  /** How long a browser plays directly after the worker has failed. */
  directFor: number;
  /** The same after answers of the store that the page may not read, when a track began. */
  unreadableFor: number;
  /** Seconds by which a position may differ. */
  exactness: number;
}>;
