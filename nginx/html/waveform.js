// A track's loudness over its time: from its waveform, or from its decoded audio.

// A longer track would cost more memory than a picture is worth.
const LARGEST_BYTES = 32 << 20;
const RATE = 8_000; // Hz: enough for a picture
const LARGEST_WAVEFORM_BYTES = 1 << 20;

/** As `loudness`, from a track's waveform, `{"peaks":[...]}` of numbers from 0: null where it has none or cannot be read. */
export async function waveform(trackId, token, count, signal) {
  try {
    const answer = await fetch(`/tracks/${encodeURIComponent(trackId)}/waveform`, {
      method: 'POST', headers: { Authorization: `Bearer ${token}` }, cache: 'no-store', redirect: 'error',
      credentials: 'omit', signal,
    });
    if (!answer.ok) return null;
    const response = await fetch((await answer.json()).waveformUrl, { credentials: 'omit', signal });
    if (!response.ok || !(Number(response.headers.get('Content-Length')) <= LARGEST_WAVEFORM_BYTES)) {
      await response.body?.cancel();
      return null;
    }
    const { peaks } = await response.json();
    return Array.isArray(peaks) && peaks.every((peak) => peak >= 0) ? loudest(peaks, count) : null;
  } catch {
    return null;
  }
}

/** The loudest sample of each of `count` parts, from 0 to 1. Null where it is not worth it, or cannot be decoded. */
export async function loudness(address, count, signal) {
  try {
    const response = await fetch(address, { signal });
    if (!response.ok || !(Number(response.headers.get('Content-Length')) <= LARGEST_BYTES)) {
      await response.body?.cancel();
      return null;
    }
    const audio = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await response.arrayBuffer());
    return loudest(audio.getChannelData(0), count);
  } catch {
    return null;
  }
}

/** The loudest of each of `count` parts, as a share of the loudest of all. Null where there is only silence. */
function loudest(samples, count) {
  const peaks = Array.from({ length: count }, (_, part) => {
    const first = Math.floor((part * samples.length) / count);
    // Fewer samples than parts: some are in several.
    const until = Math.max(first + 1, Math.floor(((part + 1) * samples.length) / count));
    let peak = 0;
    for (let at = first; at < until && at < samples.length; at++) peak = Math.max(peak, Math.abs(samples[at]));
    return peak;
  });
  const most = Math.max(...peaks);
  return most > 0 ? peaks.map((peak) => peak / most) : null;
}

/** `played` is the part from 0 to 1 that is drawn in the colour of what was played. */
export function draw(canvas, peaks, played) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const picture = canvas.getContext('2d');
  const { color, accentColor } = getComputedStyle(canvas);
  picture.clearRect(0, 0, width, height);
  const step = width / peaks.length;
  peaks.forEach((peak, index) => {
    picture.fillStyle = (index + 0.5) / peaks.length <= played ? accentColor : color;
    const bar = Math.max(scale, peak * height);
    picture.fillRect(index * step, (height - bar) / 2, Math.max(1, step * 0.6), bar);
  });
}
