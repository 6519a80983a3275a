// What the tests drive: one element with a source, and a list of what happened to it.
import { attach } from './stream-source.js';

const audio = document.getElementById('audio');
const began = performance.now();
window.happened = [];
const note = (name, more = {}) => window.happened.push({ at: (performance.now() - began) / 1000, name, ...more });
for (const name of ['playing', 'waiting', 'stalled', 'emptied', 'error', 'seeking', 'pause', 'ended']) {
  audio.addEventListener(name, () => note(name, { position: audio.currentTime, error: audio.error?.message }));
}
window.begin = (tokens, options) => {
  window.tokens = tokens;
  const getToken = async ({ refresh }) => {
    note('token', { refresh });
    if (refresh && window.tokens.length > 1) window.tokens.shift();
    return window.tokens[0];
  };
  const source = attach(audio, { getToken, ...options });
  window.source = source;
  for (const name of ['statechange', 'renewed', 'modechange', 'problem']) {
    source.addEventListener(name, () => note(name, { state: source.state, waitingFor: source.waitingFor }));
  }
};
window.sha256 = async (bytes) =>
  Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (byte) => byte.toString(16).padStart(2, '0'))
    .join('');
window.isReady = true;
