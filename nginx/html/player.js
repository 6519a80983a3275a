// The player's page: what it shows of its queue, and what a listener does with it.
import { Queue } from './queue.js';
import { keep, restored } from './session.js';
import { draw, loudness, waveform } from './waveform.js';
import { choose, titleOf, word } from './words.js';

const $ = (id) => document.getElementById(id);
const queue = new Queue([...document.querySelectorAll('audio')]);
const session = restored();
const BARS = 160;
// Shorter waits are not announced: a screen reader would say nothing else.
const ANNOUNCED_AFTER_MS = 800;

let peaks = null;
let picture = new AbortController();
let shown = {}; // the track, and the state with its reason, that are on the page

// What is shown

function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const padded = (number) => String(number).padStart(2, '0');
  return `${hours ? `${hours}:${padded(minutes)}` : minutes}:${padded(whole % 60)}`;
}

function show() {
  const { track, source, wantsToPlay } = queue;
  if (!track) $('title').textContent = word('choose');
  else if (track !== shown.track) showTrack(track);
  $('play').classList.toggle('playing', wantsToPlay);
  $('play').setAttribute('aria-label', word(wantsToPlay ? 'pause' : 'play'));
  $('play').disabled = !track;
  $('previous').disabled = !track;
  $('next').disabled = !queue.upNext;
  $('mute').setAttribute('aria-label', word(queue.muted ? 'unmute' : 'mute'));
  $('mute').classList.toggle('muted', queue.muted);
  $('volume').value = Math.round(queue.volume * 100);
  for (const part of ['--played', '--buffered']) $('volume').style.setProperty(part, `${$('volume').value}%`);
  $('next-title').textContent = queue.upNext ? word('upNext', queue.upNext.title) : '';
  $('renewals').textContent = source?.renewals ? word('renewed', source.renewals) : '';
  showState(source);
  showTime();
  if ('mediaSession' in navigator) navigator.mediaSession.playbackState = wantsToPlay ? 'playing' : 'paused';
}

function showTrack(track) {
  clearTimeout(shown.timer);
  shown = { track };
  picture.abort();
  peaks = null;
  $('seek').classList.remove('over-picture');
  $('picture').hidden = true;
  $('title').textContent = track.title;
  $('owner').textContent = track.owner ?? '';
  document.title = `${track.title} – NovaTune`;
  for (const button of $('tracks').querySelectorAll('button')) {
    button.setAttribute('aria-current', String(Number(button.value) === queue.index));
  }
  if (!('mediaSession' in navigator)) return;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: track.title, artist: track.owner ?? 'NovaTune', artwork: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
  });
}

function showState(source) {
  const state = source?.state ?? (queue.track ? 'issuing' : 'idle');
  const said = source?.waitingFor ?? state;
  if (said !== shown.said) {
    shown.said = said;
    clearTimeout(shown.timer);
    const isBrief = ['issuing', 'loading', 'data'].includes(said);
    shown.timer = setTimeout(() => ($('status').textContent = word(said)), isBrief ? ANNOUNCED_AFTER_MS : 0);
  }
  const { problem } = source ?? {};
  $('problem').hidden = !problem;
  if (problem !== shown.problem) {
    shown.problem = problem;
    $('problem-title').textContent = problem ? titleOf(problem) : '';
    $('problem-detail').textContent = problem?.detail ?? '';
  }
  if (said === 'sign-in') $('own').open = true;
  if (state === 'playing') showPicture(source);
  showCountdown();
}

/** Not announced: it changes each second. */
function showCountdown() {
  const seconds = Math.ceil(((queue.source?.retryAt ?? 0) - Date.now()) / 1000);
  $('countdown').textContent = seconds > 0 ? word('inSeconds', seconds) : '';
}
setInterval(showCountdown, 1000);

/** Of a track without a waveform from its audio, where its address is the worker's: a presigned one it may not read. */
async function showPicture({ mode }) {
  const { track } = queue;
  if (shown.isDrawn || navigator.connection?.saveData || !(track.waveform || mode === 'worker')) return;
  shown.isDrawn = true;
  picture = new AbortController();
  const { signal } = picture;
  let found = track.waveform ? await waveform(track.trackId, track.token, BARS, signal) : null;
  if (!found && mode === 'worker' && !signal.aborted) found = await loudness(queue.element.src, BARS, signal);
  if (signal.aborted || !found) return;
  peaks = found;
  $('picture').hidden = false;
  $('seek').classList.add('over-picture');
  showTime();
}

function showTime() {
  const { position, element } = queue;
  const duration = Number.isFinite(element.duration) ? element.duration : 0;
  const seek = $('seek');
  seek.max = duration;
  seek.disabled = !duration;
  seek.value = position;
  seek.setAttribute('aria-valuetext', word('positionOf', clock(position), clock(duration)));
  $('elapsed').textContent = clock(position);
  $('duration').textContent = clock(duration);
  const ranges = element.buffered;
  const buffered = Math.max(position, ranges.length ? ranges.end(ranges.length - 1) : 0);
  const percent = (seconds) => `${duration ? (100 * seconds) / duration : 0}%`;
  seek.style.setProperty('--played', percent(position));
  seek.style.setProperty('--buffered', percent(buffered));
  if (peaks) draw($('picture'), peaks, duration ? position / duration : 0);
  if (duration && 'mediaSession' in navigator) {
    navigator.mediaSession.setPositionState({ duration, position: Math.min(position, duration), playbackRate: element.playbackRate || 1 });
  }
}

queue.addEventListener('change', show);
addEventListener('resize', showTime);

// What a listener does

const step = (seconds) => queue.seek(queue.position + seconds);
const louder = (by) => changeVolume(queue.volume + by);

function changeVolume(volume) {
  queue.volume = volume;
  queue.muted = false;
  show();
}

function mute() {
  queue.muted = !queue.muted;
  show();
}

const KEYS = {
  ' ': () => queue.toggle(), ArrowLeft: () => step(-5), ArrowRight: () => step(5), ArrowUp: () => louder(0.05),
  ArrowDown: () => louder(-0.05), m: mute, M: mute, Home: () => queue.seek(0),
};

document.addEventListener('keydown', (event) => {
  const does = KEYS[event.key];
  if (!does || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !$('shortcuts').checked) return;
  // These have keys of their own.
  if (event.target.closest('input:not([type=range]), select')) return;
  const isActivated = event.key === ' ' && event.target.closest('button, summary, a');
  const isMoved = event.target.closest('#volume') && event.key !== ' ' && event.key.toLowerCase() !== 'm';
  if (isActivated || isMoved) return;
  event.preventDefault();
  does();
});

// With shortcuts off the slider still moves by steps that a listener can use.
$('seek').addEventListener('keydown', (event) => {
  const by = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -30, PageUp: 30 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
});

$('play').addEventListener('click', () => queue.toggle());
$('previous').addEventListener('click', () => queue.previous());
$('next').addEventListener('click', () => queue.next());
$('mute').addEventListener('click', mute);
$('retry').addEventListener('click', () => queue.play());
$('seek').addEventListener('input', () => queue.seek(Number($('seek').value)));
$('volume').addEventListener('input', () => changeVolume($('volume').value / 100));
$('shortcuts').addEventListener('change', () => save());
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const trackId = $('track').value.trim();
  const token = $('token').value.trim().replace(/^Bearer\s+/i, '');
  const index = queue.tracks.findIndex((track) => track.trackId === trackId);
  if (index < 0) return add({ title: trackId, trackId, token }) && queue.open(queue.tracks.length - 1);
  queue.tracks[index].token = token;
  if (index === queue.index) queue.play();
  else queue.open(index);
});

if ('mediaSession' in navigator) {
  const actions = {
    play: () => queue.play(), pause: () => queue.pause(), stop: () => queue.pause(), previoustrack: () => queue.previous(),
    nexttrack: () => queue.next(), seekto: ({ seekTime }) => queue.seek(seekTime),
    seekbackward: ({ seekOffset }) => step(-(seekOffset ?? 10)), seekforward: ({ seekOffset }) => step(seekOffset ?? 10),
  };
  for (const [name, does] of Object.entries(actions)) {
    // A browser may lack one of them.
    try { navigator.mediaSession.setActionHandler(name, does); } catch {}
  }
}

// The list, and what the last visit left

function add(track) {
  const button = document.createElement('button');
  button.type = 'button';
  button.value = queue.tracks.push(track) - 1;
  const note = document.createElement('small');
  const status = track.status === 'Ready' ? '' : track.status;
  note.textContent = [track.owner, track.format?.toUpperCase(), status].filter(Boolean).join(' · ');
  button.append(track.title, note);
  button.addEventListener('click', () => queue.open(Number(button.value)));
  const item = document.createElement('li');
  item.append(button);
  $('tracks').append(item);
  $('library').hidden = false;
  return track;
}

const save = keep(() => ({
  trackId: queue.track?.trackId, title: queue.track?.title, owner: queue.track?.owner, position: queue.position,
  volume: queue.volume, muted: queue.muted, language: $('language').value, shortcuts: $('shortcuts').checked,
}));

function speak(wanted) {
  $('language').value = choose(wanted);
  shown.said = shown.problem = undefined;
  show();
}
$('language').addEventListener('change', () => {
  speak([$('language').value]);
  save();
});

/** The local stack offers tracks with tokens; elsewhere there is no such file and both are entered. */
async function demo() {
  const response = await fetch('demo.json', { cache: 'no-store' }).catch(() => null);
  return response?.ok ? (await response.json()).tracks : [];
}

async function begin() {
  $('shortcuts').checked = session.shortcuts !== false;
  if (Number.isFinite(session.volume)) queue.volume = session.volume;
  queue.muted = session.muted === true;
  speak([session.language, ...navigator.languages]);
  (await demo()).forEach(add);
  if (queue.tracks.length === 0) $('own').open = true;
  const index = queue.tracks.findIndex((track) => track.trackId === session.trackId);
  if (index >= 0) queue.open(index, { position: session.position, play: false });
  else if (session.trackId) $('track').value = session.trackId;
}
begin();
