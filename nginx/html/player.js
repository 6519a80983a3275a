// The player: an <audio> element whose short-lived URL is renewed whenever it is needed and no longer good.
import { Problem, requestStreamURL } from './stream-url.js';

const $ = (id) => document.getElementById(id);
const audio = $('audio');
const seek = $('seek');

// A URL that the store refuses again and again is not mended by asking for another one.
const MOST_RENEWALS_IN_A_ROW = 3;

// Where no Retry-After says when to come back.
const SECONDS_BETWEEN_TRIES = 5;

let track = null; // { title, owner, trackId, token }
let streamURL = null; // the one in audio.src
let position = 0; // where to go on, in seconds
let wantsToPlay = false;
let renewals = 0; // since audio last flowed
let loading = null; // AbortController of the request under way
let waiting = null; // timer of an announced retry

function choose(chosen) {
  track = chosen;
  streamURL = null;
  position = 0;
  renewals = 0;
  wantsToPlay = true;
  audio.removeAttribute('src');
  audio.load();
  $('title').textContent = track.title;
  $('owner').textContent = track.owner ?? '';
  for (const button of $('tracks').querySelectorAll('button')) {
    button.setAttribute('aria-current', String(button.value === track.trackId));
  }
  if ('mediaSession' in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: track.title, artist: track.owner ?? 'NovaTune' });
  }
  $('play').disabled = false;
  showTime();
  load();
}

/** Gets a URL and continues at `position`. */
async function load() {
  clearTimeout(waiting);
  loading?.abort();
  const request = (loading = new AbortController());
  showProblem(null);
  say(position > 0 ? 'Reconnecting…' : 'Loading…');
  try {
    const fresh = await requestStreamURL({ ...track, signal: request.signal });
    if (request.signal.aborted) return;
    streamURL = fresh;
    audio.src = fresh.url;
    // Before the metadata is there this sets the position to start from.
    audio.currentTime = position;
    if (wantsToPlay) startAudio();
    else say('Ready');
  } catch (error) {
    if (error.name === 'AbortError' || request.signal.aborted) return;
    fail(error);
  } finally {
    if (loading === request) loading = null;
  }
}

async function startAudio() {
  try {
    await audio.play();
  } catch (error) {
    // AbortError: another load came in between. NotSupportedError: the error event follows and is handled there.
    if (error.name === 'NotAllowedError') {
      wantsToPlay = false;
      say('Ready. Press Play.');
      showButton();
    }
  }
}

function fail(error) {
  const problem = error instanceof Problem ? error : new Problem({ title: 'Error', detail: error.message, isTemporary: false });
  wantsToPlay &&= problem.isTemporary;
  showProblem(problem);
  say('');
  showButton();
  if (problem.isTemporary) waitAndLoad(problem.retryAfterSeconds ?? SECONDS_BETWEEN_TRIES);
}

/** Counts down, then tries again. */
function waitAndLoad(seconds) {
  if (seconds <= 0) {
    load();
    return;
  }
  say(`Trying again in ${seconds} s`);
  waiting = setTimeout(waitAndLoad, 1000, seconds - 1);
}

function toggle() {
  if (!track) return;
  if (wantsToPlay) {
    wantsToPlay = false;
    clearTimeout(waiting);
    audio.pause();
    say('Paused');
  } else {
    wantsToPlay = true;
    renewals = 0;
    continuePlaying();
  }
  showButton();
}

/** Plays on, with a new URL if the old one could not be opened any more. */
function continuePlaying() {
  if (loading) return;
  if (audio.ended) position = 0;
  if (streamURL?.isGood() && !audio.error) startAudio();
  else load();
}

function seekTo(seconds) {
  position = seconds;
  // What is not buffered makes the browser open the URL again.
  if (streamURL?.isGood() || isBuffered(seconds)) audio.currentTime = seconds;
  else if (!loading) load();
  showTime();
}

function isBuffered(seconds) {
  for (let i = 0; i < audio.buffered.length; i++) {
    if (audio.buffered.start(i) <= seconds && seconds < audio.buffered.end(i)) return true;
  }
  return false;
}

audio.addEventListener('error', () => {
  if (!track || !audio.getAttribute('src')) return;
  // The store answers an expired URL with 403, which the element reports like any other failure.
  if (renewals++ < MOST_RENEWALS_IN_A_ROW) load();
  else fail(new Problem({ title: 'Playback failed', detail: 'The audio cannot be loaded or is not playable here.', isTemporary: false }));
});
audio.addEventListener('playing', () => {
  say('Playing');
  showButton();
});
audio.addEventListener('pause', showButton);
audio.addEventListener('waiting', () => wantsToPlay && say('Buffering…'));
audio.addEventListener('ended', () => {
  wantsToPlay = false;
  position = 0;
  say('Finished');
  showButton();
});
audio.addEventListener('timeupdate', () => {
  // While a new URL loads the element's own time is meaningless.
  if (loading || audio.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || audio.seeking) return;
  if (audio.currentTime > position) renewals = 0;
  position = audio.currentTime;
  showTime();
});
for (const event of ['durationchange', 'progress', 'loadedmetadata']) audio.addEventListener(event, showTime);

$('play').addEventListener('click', toggle);
$('retry').addEventListener('click', () => {
  renewals = 0;
  wantsToPlay = true;
  load();
});
seek.addEventListener('input', () => seekTo(Number(seek.value)));
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const trackId = $('track').value.trim();
  choose({ title: trackId, trackId, token: $('token').value.trim().replace(/^Bearer\s+/i, '') });
});
document.addEventListener('keydown', (event) => {
  if (event.key !== ' ' || event.target.closest('button, input, summary, a')) return;
  event.preventDefault();
  toggle();
});
if ('mediaSession' in navigator) {
  navigator.mediaSession.setActionHandler('play', () => wantsToPlay || toggle());
  navigator.mediaSession.setActionHandler('pause', () => wantsToPlay && toggle());
  navigator.mediaSession.setActionHandler('seekto', (details) => seekTo(details.seekTime));
}

function say(text) {
  $('status').textContent = text;
}

function showProblem(problem) {
  $('problem').hidden = !problem;
  $('problem-title').textContent = problem?.title ?? '';
  $('problem-detail').textContent = problem?.detail ?? '';
}

function showButton() {
  $('play').classList.toggle('playing', wantsToPlay);
  $('play').setAttribute('aria-label', wantsToPlay ? 'Pause' : 'Play');
}

function showTime() {
  const duration = Number.isFinite(audio.duration) ? audio.duration : 0;
  if (duration || !streamURL) {
    seek.max = duration;
    seek.disabled = !duration;
    $('duration').textContent = clock(duration);
  }
  seek.value = position;
  $('elapsed').textContent = clock(position);
  seek.setAttribute('aria-valuetext', `${clock(position)} of ${clock(Number(seek.max))}`);
  const percent = (seconds) => `${Number(seek.max) ? (100 * seconds) / Number(seek.max) : 0}%`;
  const ranges = audio.buffered;
  seek.style.setProperty('--played', percent(position));
  seek.style.setProperty('--buffered', percent(Math.max(position, ranges.length ? ranges.end(ranges.length - 1) : 0)));
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** The local stack offers tracks with tokens; elsewhere there is no such file and both are pasted. */
async function showDemo() {
  const response = await fetch('demo.json', { cache: 'no-store' }).catch(() => null);
  if (!response?.ok) {
    $('own').open = true;
    return;
  }
  const { tracks } = await response.json();
  for (const demo of tracks) {
    const button = document.createElement('button');
    button.type = 'button';
    button.value = demo.trackId;
    const note = document.createElement('small');
    note.textContent = [demo.owner, demo.format.toUpperCase(), demo.status === 'Ready' ? '' : demo.status].filter(Boolean).join(' · ');
    button.append(demo.title, note);
    button.addEventListener('click', () => choose(demo));
    const item = document.createElement('li');
    item.append(button);
    $('tracks').append(item);
  }
  $('library').hidden = false;
}
showDemo();
