// The sheet behind More: everything that is not needed with a band in both hands.
import { icon } from "./icons.js";
import { language, languages, speak, tr } from "./words.js";

const THEME = "bandsense-theme";
const KEYS = [[tr("Space"), tr("the first button")], ["e", tr("end set")], ["u", tr("undo the last repetition")], ["t", tr("set zero")], ["y / n", tr("answer the advice")], ["+", tr("30 s more rest")], ["s", tr("start the next set")], ["m", tr("mute")], ["q", tr("end the session")]];

export function theme(value) {
  if (value !== undefined) localStorage.setItem(THEME, value);
  const kept = localStorage.getItem(THEME) || "system";
  if (kept === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = kept;
  return kept;
}

export class More {
  constructor(connection, sound, awake, recolour) {
    this.connection = connection;
    this.sound = sound;
    this.awake = awake;
    this.recolour = recolour;
    this.dialog = document.querySelector("#more");
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("change", (event) => this.changed(event.target));
    this.dialog.addEventListener("input", (event) => {
      if (event.target.name === "volume") this.sound.set({ volume: event.target.value / 100, muted: false });
    });
  }

  async open() {
    const { sound } = this;
    const { actions = {}, phase } = this.connection.station;
    const training = phase === "training";
    const state = [...this.connection.views.values()][0]?.state || {};
    const offered = [["t", tr("Set zero"), "zero"], ["s", tr("Start the next set"), "next"], ["u", tr("Undo the last repetition"), "undo"], ["a", tr("Add a repetition"), "check"]]
      .filter(([key]) => training && actions[key] && (key !== "s" || state.screen === "rest"));
    const check = (name, label, on) => `<label class="check"><input type="checkbox" name="${name}"${on ? " checked" : ""}>${label}</label>`;
    const own = theme();
    const themes = Object.entries({ system: tr("System"), light: tr("Light"), dark: tr("Dark") }).map(([each, name]) => `<label class="check"><input type="radio" name="theme" value="${each}"${each === own ? " checked" : ""}>${name}</label>`).join("");
    const spoken = Object.entries(languages).map(([code, name]) => `<label class="check"><input type="radio" name="language" value="${code}"${code === language ? " checked" : ""}>${name}</label>`).join("");
    this.dialog.innerHTML = `<form method="dialog"><header><h2 id="more-title">${tr("More")}</h2><button class="plain" value="close">${tr("Close")}</button></header>
      <div class="acts">${offered.map(([key, label, glyph]) => `<button type="button" data-act="${key}">${icon(glyph)}${label}</button>`).join("")}
      ${training ? `<button type="button" data-do="change">${icon("plan")}${tr("Change exercise or side")}</button><button type="button" class="danger" data-twice="q" data-again="${tr("Press again to end")}">${icon("stop")}${tr("End the session")}</button>` : `<button type="button" data-do="change">${icon("plan")}${tr("Train something else")}</button>`}</div>
      <fieldset><legend>${tr("Sound")}</legend><label class="range">${tr("Volume")}<input type="range" name="volume" min="0" max="100" step="5" value="${Math.round(100 * sound.volume)}"></label>
      ${check("sound", tr("Sound on"), !sound.muted)}${check("tones", tr("Tones"), sound.tones)}${check("voice", tr("Voice"), sound.voice)}${check("count", tr("Say the count"), sound.count)}</fieldset>
      <fieldset><legend>${tr("Theme")}</legend>${themes}</fieldset>
      <fieldset><legend>${tr("Language")}</legend>${spoken}</fieldset>
      <p class="note">${this.awake.words()}</p>
      <div class="links" hidden></div>
      <details><summary>${tr("Keys")}</summary><dl class="keys">${KEYS.map(([key, what]) => `<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`).join("")}</dl></details></form>`;
    if (!this.dialog.open) this.dialog.showModal();
    const links = await this.connection.ask("GET", "/links");
    if (links.train) this.showLinks(links);
  }

  showLinks(links) {
    const box = this.dialog.querySelector(".links");
    box.hidden = false;
    box.innerHTML = `<h3>${tr("Another screen")}</h3><div class="codes"><figure><img src="/qr.svg?for=train&${Date.now()}" alt="${tr("Code to train on another device")}" width="180" height="180"><figcaption>${tr("To train")}</figcaption></figure><figure><img src="/qr.svg?for=watch&${Date.now()}" alt="${tr("Code to watch on another device")}" width="180" height="180"><figcaption>${tr("To watch only")}</figcaption></figure></div><button type="button" data-twice="revoke" data-again="${tr("Press again to shut out other screens")}">${tr("Revoke these codes")}</button>`;
  }

  changed(input) {
    if (input.name === "theme") {
      theme(input.value);
      this.recolour();
    } else if (input.name === "language") speak(input.value);
    else if (input.name === "sound") this.sound.set({ muted: !input.checked });
    else if (["tones", "voice", "count"].includes(input.name)) this.sound.set({ [input.name]: input.checked });
  }

  close() {
    this.dialog.close();
  }
}
