// A track's loudness over its time, from its decoded audio.

// A longer track would cost more memory than a picture is worth.
const LARGEST_BYTES = 32 << 20;
const RATE = 8_000; // Hz: enough for a picture

/** The loudest sample of each of `count` parts, from 0 to 1. Null where it is not worth it, or cannot be decoded. */
export async function loudness(address, count, signal) {
  try {
    const response = await fetch(address, { signal });
    if (!response.ok || !(Number(response.headers.get('Content-Length')) <= LARGEST_BYTES)) {
      await response.body?.cancel();
      return null;
    }
    const audio = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await response.arrayBuffer());
    const samples = audio.getChannelData(0);
    const peaks = Array.from({ length: count }, (_, part) => {
      const until = Math.floor(((part + 1) * samples.length) / count);
      let peak = 0;
      for (let at = Math.floor((part * samples.length) / count); at < until; at++) peak = Math.max(peak, Math.abs(samples[at]));
      return peak;
    });
    const loudest = Math.max(...peaks);
    return loudest > 0 ? peaks.map((peak) => peak / loudest) : null;
  } catch {
    return null;
  }
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
