// The page: which screen is shown, the keys, the controls, the sound, and that the screen stays on.
import { Connection } from "./connection.js";
import { Curve } from "./curve.js";
import { icon } from "./icons.js";
import { More, theme } from "./more.js";
import { Screen } from "./screen.js";
import { Sound } from "./sound.js";
import { Station } from "./station.js";
import { tr } from "./words.js";

const TWICE_MS = 3000;
const $ = (selector) => document.querySelector(selector);

theme();
const connection = new Connection();
const sound = new Sound();
const curve = new Curve($(".curve .plot"));
const screen = new Screen(connection, curve);
const station = new Station(connection);
let changing = false;
let scheduled = false;
let bannerOwn = "";

// -- the screen stays on ---------------------------------------------------------------------------------------

const awake = {
  lock: null,
  wanted: false,
  words() {
    if (!("wakeLock" in navigator)) {
      return window.isSecureContext ? tr("Your screen may go dark: this browser cannot keep it on. Set it to stay on longer.") : tr("Your screen may go dark: this page needs https for that. The documentation says how: bandsense serve --certificate.");
    }
    return this.lock ? tr("The screen stays on while you train.") : tr("The screen stays on once you train.");
  },
  async set(wanted) {
    this.wanted = wanted;
    if (!wanted) {
      await this.lock?.release().catch(() => {});
      this.lock = null;
    } else if (!this.lock && "wakeLock" in navigator && document.visibilityState === "visible") {
      this.lock = await navigator.wakeLock.request("screen").catch(() => null);
      this.lock?.addEventListener("release", () => (this.lock = null));
    }
  },
};
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    awake.set(awake.wanted);
    schedule();
  }
});

const more = new More(connection, sound, awake, () => curve.recolour());

// -- what is shown ---------------------------------------------------------------------------------------------

function showing() {
  const { phase } = connection.station;
  const shown = connection.views.size > 0 && screen.lead?.state.words;
  if (changing) return "station";
  if (phase === "training" || (phase === "finished" && shown) || (phase === undefined && shown)) return "session";
  return "station";
}

function schedule() {
  if (scheduled || document.hidden) return;
  scheduled = true;
  requestAnimationFrame(draw);
}

function draw() {
  scheduled = false;
  const which = showing();
  $("#station").hidden = which !== "station";
  if (which === "session") {
    screen.draw();
    drawnUntil();
  } else {
    $("#live").hidden = true;
    $("#rest").hidden = true;
    station.draw();
  }
  banner();
  const moving = which === "session" && ["pull", "hold", "return", "lost"].includes(screen.lead?.state.screen);
  if (moving) schedule();
}

// For the benchmark: device time of the newest sample on screen.
function drawnUntil() {
  const view = screen.lead;
  if (!view) return;
  window.bandsense.drawn_s = view.times.length ? view.times[view.times.length - 1] : 0;
}

function banner() {
  const problem = screen.lead?.state.problem;
  const said = connection.online === false ? tr("bandsense does not answer. Trying again.") : problem ? tr("Not saved: {problem} This set is kept in memory until then.", { problem }) : bannerOwn;
  const element = $("#banner");
  element.hidden = !said;
  document.body.classList.toggle("offline", connection.online === false);
  if (element.textContent !== said) element.textContent = said;
}

// -- controls --------------------------------------------------------------------------------------------------

screen.controlsOf = (name, view) => {
  const can = (key) => key in (connection.station.actions || {});
  const moreButton = { act: "more", label: tr("More"), glyph: "more", kind: "sq", keys: "", bare: true };
  const undo = { act: "u", label: tr("Undo"), glyph: "undo" };
  if (name === "finished") {
    const again = { act: "again", label: tr("Train again"), glyph: "again", keys: "", kind: "primary two" };
    if (!document.querySelector("#station nav a") || !view.state.finished?.session) return [again, moreButton];
    return [{ act: "session", label: tr("See the session"), glyph: "plan", kind: "primary two", keys: "" }, { ...again, label: tr("Again"), kind: "" }, moreButton];
  }
  if (view.state.not_counted && can("a")) return [{ act: "a", label: tr("Add them"), glyph: "check", kind: "two" }, { act: "t", label: tr("Set zero"), glyph: "zero" }, moreButton];
  if (name === "rest") return [...(can("+") ? [{ act: "+", label: tr("+30 s"), glyph: "timer" }] : []), { act: "t", label: tr("Set zero"), glyph: "zero" }, moreButton];
  if (name === "ready" || name === "sides") return [{ act: "t", label: tr("Set zero"), glyph: "zero" }, { act: "change", label: tr("Plan"), glyph: "plan", kind: "two ghost", keys: "" }, moreButton];
  return [{ act: "e", label: tr("End set"), glyph: "stop", kind: "two", keys: "e Space" }, ...(can("u") ? [undo] : []), moreButton];
};

const DO = {
  more: () => more.open(),
  sound: () => sound.set({ muted: !sound.muted }),
  change: () => change(),
  again: () => change(),
  session: () => location.assign(`/sessions/${screen.lead.state.finished.session}${connection.station?.choice?.simulated ? "?simulated=1" : ""}`),
  revoke: async () => {
    await connection.ask("DELETE", "/links");
    more.close();
  },
};

async function change() {
  if ($("#more").open) more.close();
  changing = true;
  await station.show("choose");
  $("#station-title").tabIndex = -1;
  $("#station-title").focus();
  schedule();
}

function act(key) {
  connection.act(key);
  const tapped = document.querySelector(`[data-act="${CSS.escape(key)}"]`);
  tapped?.classList.add("tapped");
  setTimeout(() => tapped?.classList.remove("tapped"), 80);
}

function twice(button) {
  if (button.dataset.armed) {
    const what = button.dataset.twice;
    if (what in DO) DO[what]();
    else {
      act(what);
      more.close();
    }
    return;
  }
  button.dataset.armed = "yes";
  button.dataset.before = button.innerHTML;
  button.textContent = button.dataset.again;
  setTimeout(() => {
    delete button.dataset.armed;
    button.innerHTML = button.dataset.before;
  }, TWICE_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const waited = !sound.unlocked;
  if (waited) sound.unlock();
  if (!button) return;
  // The first tap lets the page be heard; only the next one mutes it.
  if (button.dataset.do === "sound" && waited && !sound.muted) return;
  if (button.dataset.act) {
    act(button.dataset.act);
    if ($("#more").open) more.close();
  } else if (button.dataset.do) DO[button.dataset.do]?.();
  else if (button.dataset.twice) twice(button);
});

let quitAsked = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, select, textarea, summary");
  const onButton = event.target.matches("button, a");
  if (!sound.unlocked) sound.unlock();
  if (event.target.matches("[data-do=sound]") && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    sound.set({ volume: sound.volume + (event.key === "ArrowUp" ? 0.1 : -0.1), muted: false });
    event.preventDefault();
    return;
  }
  if (typing || $("#more").open) return;
  if (event.key === "m") sound.set({ muted: !sound.muted });
  else if (event.key === "?") more.open();
  else if (showing() !== "session") return;
  else if (event.key === " " && !onButton) {
    [...document.querySelectorAll("main:not([hidden]) .ctrl button")][0]?.click();
    event.preventDefault();
  } else if (event.key === "q") {
    if (Date.now() - quitAsked < TWICE_MS) {
      connection.act("q");
      bannerOwn = "";
    } else {
      quitAsked = Date.now();
      bannerOwn = tr("End the session? Press q again.");
      setTimeout(() => {
        bannerOwn = "";
        schedule();
      }, TWICE_MS);
    }
    schedule();
  } else if ("eutynsa+".includes(event.key) || (screen.lead?.state.words.question && ("0123456789x".includes(event.key)))) act(event.key);
});

// -- sound -----------------------------------------------------------------------------------------------------

let held = 0;
for (const button of document.querySelectorAll("[data-do=sound]")) {
  button.addEventListener("pointerdown", () => (held = setTimeout(() => more.open(), 600)));
  for (const name of ["pointerup", "pointerleave", "click"]) button.addEventListener(name, () => clearTimeout(held));
}

sound.changed = () => {
  const waits = !sound.unlocked && !sound.muted;
  const label = waits ? tr("Tap for sound") : sound.muted ? tr("Sound off") : tr("Sound on, volume {percent} %", { percent: Math.round(100 * sound.volume) });
  for (const button of document.querySelectorAll("[data-do=sound]")) {
    button.innerHTML = icon(sound.muted || waits ? "mute" : "sound") + (waits ? `<span class="tap">${tr("Tap for sound")}</span>` : "");
    button.setAttribute("aria-label", label);
    button.setAttribute("aria-keyshortcuts", "m");
  }
};
sound.changed();

// -- the stream ------------------------------------------------------------------------------------------------

let phaseBefore;
connection.on("update", (full) => {
  const { phase } = connection.station;
  if (phase !== phaseBefore) {
    if (phase === "training" || phase === "connecting") changing = false;
    if (phase === "idle" || (phase === "finished" && !connection.views.size)) station.show("choose").then(schedule);
    awake.set(phase === "training");
    phaseBefore = phase;
  }
  if (full) screen.panes.clear();
  schedule();
});
connection.on("sounds", (sounds) => sound.play(sounds));
connection.on("online", () => schedule());
connection.on("refused", (revoked) => {
  bannerOwn = revoked ? tr("This screen was shut out: scan the new code.") : tr("Open the address that bandsense shows, with its token.");
  connection.online = null;
  schedule();
});
setInterval(schedule, 200);

window.bandsense = { connection, screen, sound, awake, drawn_s: 0 };
connection.open();
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
