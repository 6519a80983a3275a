// What the player says, in two languages.

const WORDS = {
  en: {
    player: 'Player', choose: 'Choose a track', previous: 'Previous track', play: 'Play', pause: 'Pause', next: 'Next track',
    position: 'Position', mute: 'Mute', unmute: 'Unmute', volume: 'Volume', tracks: 'Tracks', language: 'Language',
    positionOf: (now, all) => `${now} of ${all}`, upNext: (title) => `Next: ${title}`,
    renewed: (times) => `URL renewed ${times === 1 ? 'once' : `${times} times`} while this track played`,
    inSeconds: (seconds) => `Again in ${seconds} s`,
    own: 'Play another track', trackId: 'Track ID', token: 'Bearer token', retry: 'Try again',
    shortcuts: 'Keyboard shortcuts', keys: 'Space: play or pause. Left, Right: 5 seconds. Up, Down: volume. M: mute. Home: start.',
    idle: '', issuing: 'Loading…', loading: 'Loading…', playing: 'Playing', paused: 'Paused', ended: 'Finished', failed: '',
    data: 'Buffering…', offline: 'No connection. Playback goes on when it is back.',
    allowance: 'Too many requests. Playback goes on when the service allows another one.',
    service: 'The service is not available. The player tries again.',
    store: 'The audio cannot be read. The player tries again.',
    processing: 'The track is being processed. It starts when that is done.',
    'sign-in': 'The token is no longer valid. Enter another one, then play again.',
    problems: {
      401: 'Sign in again', 403: 'You may not play this track', 404: 'There is no such track', 400: 'This is not a track ID',
      409: 'The track cannot be played', unsupported: 'This browser cannot play the track', gone: 'The audio is missing',
      policy: 'The page does not allow the audio’s origin', store: 'The audio cannot be read', service: 'The service is not available',
    },
  },
  de: {
    player: 'Player', choose: 'Titel wählen', previous: 'Voriger Titel', play: 'Abspielen', pause: 'Anhalten', next: 'Nächster Titel',
    position: 'Stelle', mute: 'Stumm schalten', unmute: 'Ton einschalten', volume: 'Lautstärke', tracks: 'Titel', language: 'Sprache',
    positionOf: (now, all) => `${now} von ${all}`, upNext: (title) => `Danach: ${title}`,
    renewed: (times) => `Adresse während dieses Titels ${times === 1 ? 'einmal' : `${times}-mal`} erneuert`,
    inSeconds: (seconds) => `Wieder in ${seconds} s`,
    own: 'Anderen Titel abspielen', trackId: 'Titel-ID', token: 'Bearer-Token', retry: 'Erneut versuchen',
    shortcuts: 'Tastenkürzel', keys: 'Leertaste: abspielen oder anhalten. Links, Rechts: 5 Sekunden. Auf, Ab: Lautstärke. M: stumm. Pos1: Anfang.',
    idle: '', issuing: 'Wird geladen …', loading: 'Wird geladen …', playing: 'Spielt', paused: 'Angehalten', ended: 'Zu Ende', failed: '',
    data: 'Puffert …', offline: 'Keine Verbindung. Es geht weiter, sobald sie wieder da ist.',
    allowance: 'Zu viele Anfragen. Es geht weiter, sobald der Dienst wieder eine zulässt.',
    service: 'Der Dienst ist nicht erreichbar. Der Player versucht es weiter.',
    store: 'Die Musik ist nicht lesbar. Der Player versucht es weiter.',
    processing: 'Der Titel wird verarbeitet. Er beginnt, wenn das fertig ist.',
    'sign-in': 'Das Token gilt nicht mehr. Geben Sie ein anderes ein, und spielen Sie weiter.',
    problems: {
      401: 'Neu anmelden', 403: 'Sie dürfen diesen Titel nicht abspielen', 404: 'Diesen Titel gibt es nicht', 400: 'Das ist keine Titel-ID',
      409: 'Der Titel ist nicht abspielbar', unsupported: 'Dieser Browser kann den Titel nicht abspielen', gone: 'Die Musik fehlt',
      policy: 'Die Seite erlaubt die Herkunft der Musik nicht', store: 'Die Musik ist nicht lesbar', service: 'Der Dienst ist nicht erreichbar',
    },
  },
};

export const LANGUAGES = Object.keys(WORDS);

let language = 'en';

/** The first of these that there is, such as `de` for `de-AT`. */
export function choose(wanted) {
  language = wanted.map((tag) => tag?.slice(0, 2).toLowerCase()).find((tag) => tag in WORDS) ?? 'en';
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', word(element.dataset.label));
  return language;
}

export function word(name, ...values) {
  const text = WORDS[language][name];
  return typeof text === 'function' ? text(...values) : text;
}

/** A problem's title; the service's own where there is no other. */
export const titleOf = ({ reason, status, title }) => {
  const { problems } = WORDS[language];
  return problems[status] ?? problems[reason] ?? title;
};
