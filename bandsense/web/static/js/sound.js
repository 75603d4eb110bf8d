// Plays what the server says is to be heard: tones by Web Audio, words by the browser's voice, vibration.
// It decides nothing but whether sound is on: what and when is in the message (docs/interface.md).
import { language } from "./words.js";

const RAMP_S = 0.008;
const KEPT = "bandsense-sound";

export class Sound {
  constructor() {
    const kept = JSON.parse(localStorage.getItem(KEPT) || "{}");
    this.muted = kept.muted ?? false;
    this.volume = kept.volume ?? 0.7;
    this.tones = kept.tones ?? true;
    this.voice = kept.voice ?? true;
    this.count = kept.count ?? true;
    this.context = null;
    this.saying = 0;
    this.changed = () => {};
  }

  get unlocked() {
    return this.context !== null && this.context.state === "running";
  }

  // A browser lets a page be heard after a tap or a key.
  async unlock() {
    if (!this.context && window.AudioContext) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.master = this.context.createGain();
      this.master.connect(this.context.destination);
      this.setGain();
    }
    if (this.context && this.context.state !== "running") await this.context.resume().catch(() => {});
    this.changed();
  }

  set(changes) {
    Object.assign(this, changes);
    this.volume = Math.min(1, Math.max(0, this.volume));
    const { muted, volume, tones, voice, count } = this;
    localStorage.setItem(KEPT, JSON.stringify({ muted, volume, tones, voice, count }));
    this.setGain();
    if (muted && window.speechSynthesis) speechSynthesis.cancel();
    this.changed();
  }

  setGain() {
    if (this.context) this.master.gain.value = this.muted ? 0 : this.volume * this.volume;
  }

  play(sounds) {
    for (const sound of sounds) {
      this.vibrate(sound);
      if (this.muted) continue;
      if (this.tones) this.schedule(sound);
      setTimeout(() => this.say(sound), sound.delay_ms);
    }
  }

  schedule(sound) {
    if (!this.unlocked) return;
    const start = this.context.currentTime + sound.delay_ms / 1000;
    for (const tone of sound.tones) {
      const from = start + tone.at_ms / 1000;
      const to = from + tone.duration_ms / 1000;
      const oscillator = this.context.createOscillator();
      const gain = this.context.createGain();
      oscillator.type = "sine";
      oscillator.frequency.setValueAtTime(tone.start_hz, from);
      if (tone.end_hz !== tone.start_hz) oscillator.frequency.linearRampToValueAtTime(tone.end_hz, to);
      const level = 10 ** (tone.gain_db / 20);
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(level, from + RAMP_S);
      gain.gain.setValueAtTime(level, to - RAMP_S);
      gain.gain.linearRampToValueAtTime(0, to);
      oscillator.connect(gain).connect(this.master);
      oscillator.start(from);
      oscillator.stop(to);
    }
  }

  say(sound) {
    if (this.muted || !this.voice || !sound.say || !window.speechSynthesis) return;
    if (sound.kind === "count" && !this.count) return;
    if (speechSynthesis.speaking) {
      if (sound.priority <= this.saying) return;
      speechSynthesis.cancel();
    }
    const words = new SpeechSynthesisUtterance(sound.say);
    words.lang = language;
    words.rate = 1.1;
    words.volume = this.volume;
    this.saying = sound.priority;
    speechSynthesis.speak(words);
  }

  vibrate(sound) {
    if (!this.muted && sound.vibration_ms.length && navigator.vibrate && navigator.userActivation?.hasBeenActive) {
      setTimeout(() => navigator.vibrate(sound.vibration_ms), sound.delay_ms);
    }
  }
}
