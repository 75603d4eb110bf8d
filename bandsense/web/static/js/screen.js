// Draws the live screens from the views: the server says which screen it is and every word on it.
import { icon } from "./icons.js";
import { fixed, tr, trn } from "./words.js";

const BREATH = { out: "pull", in: "return", pull: "pull", back: "return" };
const MOST_SLOTS = 16;
const STEP_S = 0.5;
const reduced = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (selector, root = document) => root.querySelector(selector);
const text = (element, value) => {
  if (element.textContent !== value) element.textContent = value;
};
const markup = (element, value) => {
  if (element.dataset.markup !== value) {
    element.dataset.markup = value;
    element.innerHTML = value;
  }
};
const escape = (value) => String(value).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const capital = (value) => value.charAt(0).toUpperCase() + value.slice(1);

export function clock(seconds) {
  const whole = seconds >= 0 ? Math.ceil(seconds) : Math.trunc(seconds);
  const size = Math.abs(whole);
  return `${whole < 0 ? "+" : ""}${Math.floor(size / 60)}:${String(size % 60).padStart(2, "0")}`;
}

// As `hand_clock_s` of bandsense.workout.plan.
function handClock(elapsed, measured, hand) {
  if (elapsed <= measured) return measured ? (hand * elapsed) / measured : 0;
  return hand + (measured ? Math.max(1, hand / measured) : 1) * (elapsed - measured);
}

export class Screen {
  constructor(connection, curve) {
    this.connection = connection;
    this.curve = curve;
    this.live = $("#live");
    this.rest = $("#rest");
    this.panes = new Map();
    this.drawnCurve = 0;
    this.stepped = 0;
    this.controlsOf = () => [];
  }

  // The view that leads: one that is in trouble first, else the left or only one.
  get lead() {
    const views = [...this.connection.views.values()].filter((view) => view.state.words);
    return views.find((view) => ["limit", "lost"].includes(view.state.screen)) || views[0];
  }

  draw() {
    const view = this.lead;
    if (!view || !view.state.words) return false;
    const resting = ["rest", "finished"].includes(view.state.screen);
    if (this.rest.hidden === resting) scrollTo(0, 0); // another page: small screens scroll
    this.live.hidden = resting;
    this.rest.hidden = !resting;
    this.heads(view);
    if (resting) this.drawRest(view);
    else this.drawLive(view);
    this.speak(view);
    return true;
  }

  heads(view) {
    const { state } = view;
    for (const [name, value] of [["title", state.title], ["about", state.about], ["heading", state.words.heading]]) {
      for (const element of document.querySelectorAll(`[data-t=${name}]`)) text(element, value);
    }
    const lost = state.screen === "lost";
    const replay = state.link === "replay";
    const link = replay ? `${icon("link")}${tr("Replay")}` : lost ? `${icon("nolink")}<b>${tr("Lost")}</b>` : `${icon("link")}<span class="vh">${tr("Connected")}</span>`;
    const charge = [...this.connection.views.values()].map((each) => each.state.battery_percent).filter((each) => each != null);
    const least = Math.min(...charge);
    const battery = charge.length ? `${icon("battery", least <= 10 ? "low" : "")}${least}&nbsp;%` : "";
    for (const element of document.querySelectorAll("[data-t=link]")) markup(element, link);
    for (const element of document.querySelectorAll("[data-t=battery]")) markup(element, battery);
  }

  // -- in a set ------------------------------------------------------------------------------------------------

  drawLive(view) {
    const { state } = view;
    const { field } = state.words;
    const screen = state.screen;
    const breath = ["pull", "return", "valley"].includes(screen) ? BREATH[field.breath] : undefined;
    const kind = screen === "valley" && !breath ? "quiet" : breath || { hold: "hold", limit: "limit", lost: "lost" }[screen] || "quiet";
    const two = this.connection.views.size > 1;
    this.live.className = `live ${kind} on-${screen}${two ? " two" : ""}${screen === "valley" && breath ? " ahead" : ""}`;
    this.live.dataset.screen = screen;
    this.makePanes();
    for (const [name, each] of this.connection.views) if (each.state.words) this.drawPane(name, each, screen === "sides");
    this.drawField(view);
    this.drawSets(view);
    this.controls($("#live .ctrl"), screen, view);
    this.curveFor(view);
  }

  makePanes() {
    const names = [...this.connection.views.keys()];
    if (names.length === this.panes.size && names.every((name) => this.panes.has(name))) return;
    this.panes.clear();
    const tens = $(".tens", this.live);
    const reps = $(".reps", this.live);
    tens.replaceChildren();
    reps.replaceChildren();
    for (const name of names) {
      const one = document.createElement("div");
      one.className = "pane";
      one.innerHTML = `<div class="row"><span class="num"><span class="unlit" aria-hidden="true"></span><span class="lit"></span></span><span class="unit"><span class="of-side"></span><b>N</b><span class="pm"></span></span></div><p class="change" hidden></p><div class="bar"><i></i><span class="z"></span><span class="u"></span><small class="lo"></small><small class="hi"></small><span class="verdict"></span></div>`;
      const other = document.createElement("div");
      other.className = "pane";
      other.innerHTML = `<div class="row"><span class="num"></span><div class="side"><div class="of"><span></span> <small></small></div><div class="strip" role="img"></div></div></div>`;
      tens.append(one);
      reps.append(other);
      this.panes.set(name, { tens: one, reps: other, best: 0 });
    }
  }

  scale(view) {
    const zone = view.state.plan?.zone;
    const best = Math.max(0, ...(view.state.peaks || []).map((peak) => peak.peak_n));
    return Math.max(zone ? zone.high_n : 0, best, zone ? 0 : 20, view.state.in_set ? 0 : view.now.tension_n || 0) * 1.09;
  }

  drawPane(name, view, sides) {
    const { state, now } = view;
    const pane = this.panes.get(name);
    const zone = state.plan?.zone;
    const lost = state.screen === "lost";
    const number = $(".num", pane.tens);
    const change = $(".change", pane.tens);
    const two = this.connection.views.size > 1;
    text($(".unit b", pane.tens), unit(state).symbol);
    text($(".of-side", pane.tens), two ? capital(tr(name)) : "");
    pane.tens.classList.toggle("turn", sides);
    pane.tens.classList.toggle("longer", sides && state.words.field.word.length > 4); // Right, beside Left
    change.hidden = !sides;
    if (sides) {
      markup($(".unlit", pane.tens), icon(state.words.field.glyph));
      $(".unlit", pane.tens).dataset.z = "";
      text($(".lit", pane.tens), state.words.field.word);
      text(change, state.words.field.below);
    } else {
      const uncertainty = now.tension_uncertainty_n || 0;
      let tension = now.tension_n || 0;
      if (Math.abs(tension) <= 2 * uncertainty && tension < 0) tension = 0;
      const shown = force(state, tension);
      const unknown = lost || !uncertainty; // nothing has come yet, or nothing comes any more
      const digits = unknown ? "–––" : shown === "-0" ? "0" : shown;
      if ($(".unlit", pane.tens).dataset.markup) markup($(".unlit", pane.tens), "");
      const unlit = "0".repeat(Math.max(0, 3 - digits.length));
      if ($(".unlit", pane.tens).dataset.z !== unlit) $(".unlit", pane.tens).dataset.z = unlit;
      text($(".lit", pane.tens), digits);
      number.classList.toggle("zero", unknown || (Math.abs(tension) < Math.max(2, 2 * uncertainty) && state.screen === "ready"));
      number.classList.toggle("wide", digits.length > 3);
      text($(".pm", pane.tens), unknown ? "± –" : `± ${force(state, Math.max(least(state), uncertainty))}`);
      this.drawBar(pane, view, zone, lost ? 0 : Math.max(0, tension), uncertainty);
    }
    const reps = String(state.reps);
    text($(".num", pane.reps), reps);
    pane.reps.classList.toggle("hundred", reps.length > 2);
    text($(".of span", pane.reps), state.words.target);
    text($(".of small", pane.reps), two ? capital(tr(name)) : state.words.most);
    this.drawStrip(pane, view, zone);
  }

  drawBar(pane, view, zone, tension, uncertainty) {
    const bar = $(".bar", pane.tens);
    const top = Math.max(this.scale(view), pane.top && view.state.screen !== "ready" ? Math.min(pane.top, 1000) : 0, tension);
    pane.top = view.state.in_set ? Math.max(this.scale(view), tension) : 0;
    const part = (value) => `${Math.min(100, (100 * value) / top).toFixed(2)}%`;
    $("i", bar).style.width = part(tension);
    const bracket = $(".z", bar);
    bracket.hidden = !zone;
    const inside = zone && tension >= zone.low_n && tension <= zone.high_n;
    if (zone) {
      bracket.style.left = part(zone.low_n);
      bracket.style.width = `${((100 * (zone.high_n - zone.low_n)) / top).toFixed(2)}%`;
      bracket.classList.toggle("hit", inside);
      for (const [selector, value] of [[".lo", zone.low_n], [".hi", zone.high_n]]) {
        text($(selector, bar), force(view.state, value));
        $(selector, bar).style.left = part(value);
      }
    }
    const whisker = $(".u", bar);
    whisker.hidden = inside || tension < 5;
    whisker.style.left = part(Math.max(0, tension - uncertainty));
    whisker.style.width = part(2 * uncertainty);
    const { verdict, verdict_kind: kind } = view.state.words;
    const glyph = { in: "check", zero: "check", below: "down", above: "up", lost: "nolink" }[kind];
    const element = $(".verdict", bar);
    element.className = `verdict ${kind}`;
    markup(element, verdict ? `${icon(glyph)}${escape(verdict)}` : "");
  }

  drawStrip(pane, view, zone) {
    const { state } = view;
    const strip = $(".strip", pane.reps);
    const plan = state.plan || { reps: 8, reps_top: 12 };
    const peaks = state.peaks || [];
    const under = state.screen === "pull" || ((state.screen === "hold" || state.screen === "limit") && !this.counted(view));
    const slots = Math.min(MOST_SLOTS, Math.max(plan.reps_top, peaks.length + (under ? 1 : 0)));
    const shown = peaks.slice(-slots + (under ? 1 : 0) || undefined);
    const best = Math.max(1, ...peaks.map((peak) => peak.peak_n));
    const low = zone ? 0.65 * zone.low_n : 0;
    const high = zone ? 1.13 * zone.high_n : best / 0.9;
    const height = (tension) => Math.min(100, Math.max(4, (100 * (tension - low)) / (high - low)));
    const bars = shown.map((peak, i) => {
      const now = i === shown.length - 1 && !under && ["hold", "return", "limit"].includes(state.screen) ? " now" : "";
      const kind = peak.retracted_s != null ? "gone" : peakKind(peak);
      return [kind + now, height(peak.peak_n)];
    });
    if (under) bars.push(["now", height(this.pullPeak(view))]);
    const wanted = bars.length + Math.max(0, slots - bars.length);
    while (strip.querySelectorAll("b").length < wanted) strip.append(document.createElement("b"));
    while (strip.querySelectorAll("b").length > wanted) strip.querySelector("b").remove();
    strip.style.setProperty("--slots", wanted);
    let band = $(".zz", strip);
    if (zone && !band) {
      band = document.createElement("span");
      band.className = "zz";
      strip.prepend(band);
    }
    if (band) {
      band.hidden = !zone;
      if (zone) {
        band.style.bottom = `${height(zone.low_n)}%`;
        band.style.height = `${height(zone.high_n) - height(zone.low_n)}%`;
      }
    }
    strip.querySelectorAll("b").forEach((element, i) => {
      const [kind, size] = bars[i] || [i < plan.reps ? "todo" : "more", 0];
      if (element.className !== kind) element.className = kind;
      const tall = bars[i] ? `${size.toFixed(1)}%` : "";
      if (element.style.height !== tall) element.style.height = tall;
    });
    const label = [tr("Peaks of this set: {peaks}", { peaks: peaks.map((peak) => force(state, peak.peak_n)).join(", ") || tr("none yet") }), ...(zone ? [tr("target {low} to {high} {unit}", { low: force(state, zone.low_n), high: force(state, zone.high_n), unit: unit(state).name })] : [])].join("; ");
    if (strip.getAttribute("aria-label") !== label) strip.setAttribute("aria-label", label);
  }

  counted(view) {
    const peaks = view.state.peaks || [];
    const start = this.pullStart(view);
    return peaks.length > 0 && peaks[peaks.length - 1].time_s >= start;
  }

  pullStart(view) {
    const phases = view.state.phases || [];
    for (let i = phases.length - 1; i >= 0; i--) if (phases[i][1] === "concentric") return phases[i][0];
    return Infinity;
  }

  pullPeak(view) {
    const start = this.pullStart(view);
    let most = view.now.tension_n || 0;
    for (let i = view.times.length - 1; i >= 0 && view.times[i] >= start; i--) most = Math.max(most, view.levels[i]);
    return most;
  }

  drawField(view) {
    const { state } = view;
    const { field } = state.words;
    const box = $(".field", this.live);
    markup($(".glyph", box), icon(field.glyph));
    text($(".pre", box), field.above);
    text($(".act", box), state.screen === "sides" ? "" : field.word);
    $(".word", box).classList.toggle("long", field.word.length > 8);
    $(".word", box).classList.toggle("longer", field.word.length > (["pull", "hold", "return"].includes(state.screen) ? 4 : 5));
    const phased = ["pull", "hold", "return"].includes(state.screen) && state.plan;
    const below = state.screen === "sides" || phased ? "" : field.below;
    text($(".below", box), below);
    $(".below", box).hidden = !below;
    $(".pacer", box).hidden = !phased;
    $(".clock", box).hidden = !phased;
    box.classList.toggle("with-text", !$(".below", box).hidden);
    if (phased) this.drawPacer(view, box);
    this.drawTurn(view, box);
  }

  // Between the sides: what this side did, and the other side's last time.
  drawTurn(view, box) {
    let table = $(".turns", box);
    if (view.state.screen !== "sides") {
      table?.remove();
      return;
    }
    const done = view.state.sets[view.state.sets.length - 1];
    const next = view.state.next_side;
    const last = view.state.side_last;
    const rows = `<caption>${tr("This set")}</caption><tr><th>${escape(capital(tr(done.side || "")))}</th><td>${mini(done)}</td><td>${done.peak_hidden ? reps(done.peaks.length) : `${done.peaks.length} × ${force(view.state, done.peak_n)} ${unit(view.state).symbol}`}</td></tr><tr><th>${escape(capital(tr(next || "")))}</th><td class="dim">${tr("next")}</td><td class="dim">${last ? `<span class="opt">${tr("last time")} </span>${last.reps[view.state.set_number - 1] ?? last.reps[last.reps.length - 1]}${last.peak_n ? ` × ${force(view.state, last.peak_n)} ${unit(view.state).symbol}` : ""}` : ""}</td></tr>`;
    if (!table) {
      table = document.createElement("table");
      table.className = "turns";
      box.append(table);
    }
    markup(table, rows);
  }

  drawPacer(view, box) {
    const { state } = view;
    // The hand's seconds are drawn and told; the sensor times a phase by tension, which the playhead follows.
    const [parts, measured] = [state.plan.tempo_hand, state.plan.tempo].map((tempo) => [tempo.concentric_s, tempo.hold_s, tempo.eccentric_s, tempo.rest_s]);
    const total = parts.reduce((sum, each) => sum + each, 0);
    const phase = { concentric: 0, hold: 1, eccentric: 2, rest: 3 }[state.phase];
    const elapsed = Math.max(0, view.time() - state.phase_since_s);
    const target = measured[phase];
    const steps = reduced.matches ? Math.floor(elapsed / STEP_S) * STEP_S : elapsed;
    const ends = parts.map((_, i) => (1000 * parts.slice(0, i + 1).reduce((sum, each) => sum + each, 0)) / total);
    const starts = [0, ...ends.slice(0, 3)];
    const x = starts[phase] + (ends[phase] - starts[phase]) * Math.min(1, target ? steps / target : 1);
    const level = (at) => {
      if (at <= ends[0]) return 94 - (86 * at) / ends[0];
      if (at <= ends[1]) return 8;
      if (at <= ends[2]) return 8 + (86 * (at - ends[1])) / (ends[2] - ends[1]);
      return 94;
    };
    const corners = [[0, 94], [ends[0], 8], [ends[1], 8], [ends[2], 94], [1000, 94]];
    const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    const line = path(corners);
    const past = corners.filter(([a]) => a < x);
    const shape = $(".pacer svg", box);
    const set = (selector, name, value) => {
      const element = $(selector, shape);
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    };
    set(".rest-of", "d", `${line}L1000 100L0 100Z`);
    set(".line", "d", line);
    set(".past", "d", `${path([...past, [x, level(x)]])}L${x.toFixed(1)} 100L0 100Z`);
    set(".head-at", "x1", x.toFixed(1));
    set(".head-at", "x2", x.toFixed(1));
    $(".lab", box).querySelectorAll("span").forEach((span, i) => {
      span.style.flexBasis = `${(ends[i] - starts[i]) / 10}%`;
      text(span, i < 3 ? `${seconds(parts[i])} s` : "");
    });
    const told = handClock(elapsed, target, parts[phase]);
    const beyond = told - parts[phase];
    const untold = state.words.drawn.phase;
    text($(".clock b", box), untold ? "–" : beyond > 0.05 ? `+${fixed(beyond, 1)}` : fixed(told, 1));
    text($(".clock span", box), phase === 3 ? tr("pause") : tr("of {seconds} s", { seconds: seconds(parts[phase]) }));
  }

  drawSets(view) {
    const { state } = view;
    const rows = state.sets.map((done) => `<li><span class="n">${done.number}</span>${mini(done)}<span>${done.side ? `${escape(tr(done.side))}, ` : ""}${escape(done.doubt) || reps(done.peaks.length)}</span></li>`);
    if (state.plan) {
      const begun = state.in_set ? mini({ peaks: state.peaks }) : `<span>${range(state.plan)}</span>`;
      rows.push(`<li class="cur"><span class="n">${state.set_number}</span>${begun}<span>${state.in_set ? tr("now") : tr("next")}</span></li>`);
      for (let n = state.set_number + 1; n <= state.plan.sets; n++) rows.push(`<li class="next"><span class="n">${n}</span><span>${range(state.plan)}</span><span></span></li>`);
    }
    markup($(".sets ol", this.live), rows.slice(-5).join(""));
  }

  curveFor(view) {
    const due = !reduced.matches || performance.now() - this.drawnCurve >= 1000 * STEP_S;
    if (!due) return;
    this.drawnCurve = performance.now();
    const { state } = view;
    const done = state.sets.slice(-2).flatMap((each) => each.peaks.map((peak, i) => ({ ...peak, number: i + 1 })));
    let number = 0;
    const mine = (state.peaks || []).map((peak) => ({ ...peak, number: peak.retracted_s == null ? ++number : 0 }));
    view.marks = [...done, ...mine];
    const box = $(".curve", this.live);
    const zone = state.plan?.zone;
    const label = zone ? tr("Tension of the last 20 seconds, target zone {low} to {high} {unit}", { low: force(state, zone.low_n), high: force(state, zone.high_n), unit: unit(state).name }) : tr("Tension of the last 20 seconds");
    if (box.getAttribute("aria-label") !== label) box.setAttribute("aria-label", label);
    const [other] = [...this.connection.views.values()].filter((each) => each !== view && each.state.words);
    this.curve.show(view, other || null);
    const tempo = state.plan?.tempo_hand;
    text($(".cap", box), !this.curve.aims ? state.words.drawn.curve : tr("the shape to aim for: {up} s up, {hold} s hold, {back} s back", { up: seconds(tempo.concentric_s), hold: seconds(tempo.hold_s), back: seconds(tempo.eccentric_s) }));
  }

  // -- between the sets, and after them --------------------------------------------------------------------------

  drawRest(view) {
    const { state } = view;
    const { words } = state;
    const finished = state.finished;
    this.rest.className = finished ? "rest fin" : "rest";
    this.rest.dataset.screen = state.screen;
    const title = $("h2.t", this.rest);
    title.hidden = !finished;
    text(title, words.title);
    for (const selector of [".clocked", ".prog"]) $(selector, this.rest).hidden = Boolean(finished);
    $(".big3", this.rest).hidden = !finished;
    if (finished) this.drawFinished(finished, state);
    else this.drawClock(view);
    const told = finished ? "" : words.field.below;
    text($(".told", this.rest), told);
    $(".foot", this.rest).hidden = Boolean(finished || told);
    this.drawAdvice(view, finished);
    this.drawQuestion(view);
    this.drawPast(view, finished);
    this.controls($("#rest .ctrl"), state.screen, view);
  }

  drawClock(view) {
    const left = view.restLeft();
    const planned = view.state.rest_planned_s;
    text($(".clocked", this.rest), left === null ? view.state.words.clock : clock(left));
    const over = planned ? Math.min(1, Math.max(0, 1 - (left ?? 0) / planned)) : 1;
    $(".prog i", this.rest).style.width = `${(100 * over).toFixed(1)}%`;
    text($(".foot span", this.rest), left !== null && left <= 0 ? tr("Ready when you are") : view.state.words.clock_of);
    text($(".foot b", this.rest), view.state.words.clock_then);
  }

  drawFinished(finished, state) {
    const figure = (value, label) => `<div><span class="num">${value}</span><span class="l">${label}</span></div>`;
    const known = finished.peak ? figure(finished.peak, tr("{unit} peak, ± {uncertainty}", { unit: unit(state).symbol, uncertainty: finished.peak_uncertainty || "–" })) : figure("–", tr("peak"));
    const peak = finished.reps ? known : "";
    const reasons = [...new Set(Object.values(finished.hidden))];
    const time = figure(finished.time_under_tension_s === null ? "–" : clock(Math.round(finished.time_under_tension_s)), tr("under tension"));
    const under = finished.reps ? time + reasons.map((why) => `<p class="untold">–: ${escape(why)}</p>`).join("") : "";
    const doubt = finished.doubt ? `<p class="untold">${escape(`${reps(finished.reps)}, ${finished.doubt}`)}</p>` : "";
    markup($(".big3", this.rest), figure(finished.reps, trn("rep", "reps", finished.reps)) + peak + under + doubt);
  }

  drawAdvice(view, finished) {
    const box = $(".adv", this.rest);
    const { advice } = view.state.words;
    box.hidden = finished ? !finished.next_time : !advice;
    if (box.hidden) return;
    const amount = finished ? "" : advice.amount;
    text($(".tag", box), finished ? tr("Next time") : advice.title);
    markup($(".amt", box), amount ? `${escape(amount.split(" ")[0])}<small> ${escape(amount.split(" ")[1])}</small>` : "");
    text($(".what", box), finished ? finished.next_time : advice.what);
    text($(".why b", box), finished ? "" : advice.why);
    text($(".why span", box), finished ? this.connection.station.compared || finished.compared || "" : advice.more);
    markup($(".picture", box), finished || !amount ? "" : picture(advice.picture, advice.picture_label));
    const answers = finished || !advice.yes ? "" : `<button class="primary" data-act="y" aria-keyshortcuts="y">${icon("check")}${escape(advice.yes)}</button>${advice.no ? `<button class="ghost" data-act="n" aria-keyshortcuts="n">${escape(advice.no)}</button>` : ""}`;
    markup($(".btns", box), answers);
  }

  // How hard was it, and did it hurt: 0 to 10, or not now.
  drawQuestion(view) {
    const box = $(".ask", this.rest);
    const { question } = view.state.words;
    box.hidden = !question;
    if (!question) return;
    box.setAttribute("aria-label", question);
    const keys = [..."0123456789x"].map((key, i) => `<button data-act="${key}" aria-keyshortcuts="${key}" aria-label="${tr("{score} of 10", { score: i })}">${i}</button>`).join("");
    markup(box, `<p>${escape(question)}</p><button class="plain" data-act="&#10;">${tr("Skip")}</button><div class="scores">${keys}</div>`);
  }

  drawPast(view, finished) {
    const { state } = view;
    const plan = state.plan;
    const rows = state.sets.map((done) => {
      const of = plan ? tr("{reps} of {number}", { reps: `<b>${done.full_reps}</b>`, number: plan.reps }) : `<b>${done.full_reps}</b>`;
      const side = [done.side && tr(done.side), done.doubt].filter(Boolean).map((each) => `${escape(each)}, `).join("");
      if (!finished) return `<li><b>${done.number}</b><span>${mini(done)}<span class="d">${side}${escape(done.words)}</span></span><span>${of}</span></li>`;
      const change = done.slack_cm ? `, ${done.slack_cm > 0 ? tr("then {cm} cm out", { cm: done.slack_cm }) : tr("then {cm} cm in", { cm: -done.slack_cm })}` : zoneWords(done, plan);
      return `<li><b>${done.number}</b>${strip(done, plan, state)}<span class="r"><b>${plan ? tr("{reps} of {number}", { reps: done.full_reps, number: plan.reps }) : done.full_reps}</b><span class="d">${side}${escape(done.peak)}${change}</span></span></li>`;
    });
    if (plan && !finished) {
      for (let n = state.set_number; n <= plan.sets; n++) {
        const next = n === state.set_number;
        rows.push(`<li class="later${next ? "" : " dim"}"><b>${n}</b><span class="dim">${next ? tr("next, {reps}", { reps: range(plan) }) : range(plan)}</span><span></span></li>`);
      }
    }
    markup($(".past ol", this.rest), rows.join(""));
    text($(".past .bars", this.rest), state.words.drawn.bars);
    if (finished) for (const bar of this.rest.querySelectorAll(".past [data-h]")) bar.style.height = `${bar.dataset.h}%`;
    for (const band of this.rest.querySelectorAll(".past .zz")) {
      band.style.bottom = `${band.dataset.low}%`;
      band.style.height = `${band.dataset.tall}%`;
    }
    for (const each of this.rest.querySelectorAll(".past .strip")) each.style.setProperty("--slots", each.dataset.slots);
  }

  // -- controls and what is read aloud ---------------------------------------------------------------------------

  controls(nav, screen, view) {
    const wanted = this.controlsOf(screen, view).map(({ act, label, glyph, kind = "", keys = act, bare = false }) =>
      `<button class="${kind}" ${act.length > 1 ? `data-do="${act}"` : `data-act="${act}"`}${keys ? ` aria-keyshortcuts="${keys}"` : ""} aria-label="${escape(label)}">${icon(glyph)}<span class="${bare ? "lbl" : "txt"}">${escape(label)}</span></button>`).join("");
    markup(nav, wanted);
  }

  speak(view) {
    const { announce, alert } = view.state.words;
    text($("#announce"), announce);
    text($("#alert"), alert);
  }
}

const unit = (state) => state.unit || { symbol: "N", name: "newtons", newtons: 1, decimals: 0 };
// One in the last place that is shown: an uncertainty beside it is never less.
const least = (state) => unit(state).newtons * 10 ** -unit(state).decimals;
const force = (state, newtons) => fixed(newtons / unit(state).newtons, unit(state).decimals);
// Dashed: perhaps none, as `DOUBTFUL_BELOW` of bandsense.signal.events has it; hatched: part of the way; open: below the target.
const peakKind = (peak) => (peak.doubtful ? "doubt" : peak.partial ? "part" : peak.zone === "below" ? "low" : "");
const reps = (n) => trn("{n} rep", "{n} reps", n);
const seconds = (value) => fixed(value, Number.isInteger(Math.round(10 * value) / 10) ? 0 : 1);
const range = (plan) => (plan.reps_top > plan.reps ? tr("{low} to {high} reps", { low: plan.reps, high: plan.reps_top }) : reps(plan.reps));

function mini(done) {
  const peaks = done.peaks.filter((peak) => peak.retracted_s == null);
  const best = Math.max(1, ...peaks.map((peak) => peak.peak_n));
  const bars = peaks.map((peak, i) => {
    const tall = 2 + (20 * peak.peak_n) / best;
    const dashed = peak.doubtful ? ' stroke-dasharray="2 1.5"' : "";
    const kind = peakKind(peak) ? ` fill="none" stroke="currentColor" stroke-width="1.5"${dashed}` : ' fill="currentColor"';
    return `<rect x="${7 * i + 0.75}" y="${24 - tall}" width="4.5" height="${tall - 0.75}" rx="1"${kind}/>`;
  });
  return `<svg class="mini" viewBox="0 0 ${Math.max(7, 7 * peaks.length)} 24" width="${Math.max(7, 7 * peaks.length)}" height="24" aria-hidden="true">${bars.join("")}</svg>`;
}

function strip(done, plan, state) {
  const zone = plan?.zone;
  const peaks = done.peaks.filter((peak) => peak.retracted_s == null);
  const best = Math.max(1, ...peaks.map((peak) => peak.peak_n));
  const low = zone ? 0.65 * zone.low_n : 0;
  const high = zone ? 1.13 * zone.high_n : best / 0.9;
  const height = (tension) => Math.min(100, Math.max(6, (100 * (tension - low)) / (high - low))).toFixed(1);
  const slots = Math.min(MOST_SLOTS, Math.max(plan ? plan.reps_top : 0, peaks.length));
  const bars = peaks.slice(-slots).map((peak) => `<b class="${peakKind(peak)}" data-h="${height(peak.peak_n)}"></b>`);
  for (let i = bars.length; i < slots; i++) bars.push(`<b class="${plan && i < plan.reps ? "todo" : "more"}"></b>`);
  const band = zone ? `<span class="zz" data-low="${height(zone.low_n)}" data-tall="${(height(zone.high_n) - height(zone.low_n)).toFixed(1)}"></span>` : "";
  return `<div class="strip" data-slots="${slots}" role="img" aria-label="${tr("Peaks: {peaks} {unit}", { peaks: peaks.map((peak) => force(state, peak.peak_n)).join(", "), unit: unit(state).name })}">${band}${bars.join("")}</div>`;
}

function zoneWords(done, plan) {
  if (!plan?.zone) return "";
  const within = done.peaks.filter((peak) => peak.zone === "within").length;
  return within === done.peaks.length ? `, ${tr("all in zone")}` : `, ${tr("{n} in zone", { n: within })}`;
}

// What to do with the band, drawn: hands that move on it, a person and a post, or a shoe on the band.
function picture(kind, label) {
  const [how, way] = [kind.slice(0, kind.lastIndexOf("-")), kind.slice(kind.lastIndexOf("-") + 1)];
  const out = way === "out";
  const arrow = (x, right) => `<path d="M${right ? x - 52 : x + 52} 22H${x}M${right ? x - 16 : x + 16} 12L${x} 22l${right ? -16 : 16} 10" stroke="var(--ink)" stroke-width="5"/>`;
  const words = `<text class="tag-in" x="300" y="31">${escape(label)}</text>`;
  let drawn;
  if (how === "anchor_distance") {
    drawn = `<path d="M90 90V30" stroke="var(--ink)" stroke-width="14"/><path d="M97 62H430" stroke="var(--edge)" stroke-width="7"/><circle cx="470" cy="34" r="15" fill="var(--ink)" stroke="none"/><path d="M470 52v26M470 60l-38 4M470 78l-14 16M470 78l14 16" stroke="var(--ink)" stroke-width="9"/>${arrow(out ? 520 : 580, !out)}`;
  } else if (how === "foot") {
    drawn = `<path d="M60 86H540" stroke="var(--edge)" stroke-width="7"/><path d="M248 78c0-20 12-28 40-28l24 14c20 4 40 4 40 14z" fill="var(--ink)" stroke="none"/>${arrow(out ? 200 : 148, out)}${arrow(out ? 400 : 452, !out)}`;
  } else {
    drawn = `<path d="M150 58H450" stroke="var(--edge)" stroke-width="7"/><rect x="276" y="44" width="48" height="28" rx="7" fill="var(--surface)" stroke="currentColor" stroke-width="4"/><path d="M106 42h34a10 10 0 0 1 10 10v12a10 10 0 0 1-10 10h-34z" fill="var(--ink)" stroke="none"/><path d="M494 42h-34a10 10 0 0 0-10 10v12a10 10 0 0 0 10 10h34z" fill="var(--ink)" stroke="none"/><path d="M106 58C70 58 74 88 40 86M494 58c36 0 32 30 66 28" stroke="var(--edge)" stroke-width="7"/>${arrow(out ? 172 : 120, out)}${arrow(out ? 428 : 480, !out)}`;
  }
  return `<svg class="slackpic" viewBox="0 0 600 100" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${drawn}${words}</svg>`;
}
