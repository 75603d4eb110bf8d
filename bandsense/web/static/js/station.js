// Before a session and between them: choose who trains what with which sensor, and pair one.
import { icon } from "./icons.js";
import { tr, trn } from "./words.js";

const escape = (value) => String(value ?? "").replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const option = (value, label, chosen) => `<option value="${escape(value)}"${value === chosen ? " selected" : ""}>${escape(label)}</option>`;
const CLIP = '<svg class="clip" viewBox="0 0 340 150" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M10 88C80 84 110 82 140 82M200 82c40 0 70 2 130 6" stroke="var(--edge)" stroke-width="16"/><rect x="128" y="56" width="84" height="52" rx="14" fill="var(--bg)" stroke-width="5"/><path d="M140 82h60" stroke="var(--edge)" stroke-width="16" opacity=".35"/><circle cx="196" cy="72" r="5" fill="var(--return)" stroke="var(--return)"/><path d="M228 44a34 34 0 0 1 8 20M240 30a54 54 0 0 1 14 32" stroke="var(--return)" stroke-width="5"/></svg>';
const STEPS = [[tr("Clip it on"), tr("Band flat in the clip, printed side up.")], [tr("Wake it"), tr("Press the button on the sensor. The light blinks blue, twice a second.")], [tr("Pair it here"), tr("Take the one that is very near. Not sure? Press Blink and look.")]];

export class Station {
  constructor(connection) {
    this.connection = connection;
    this.main = document.querySelector("#station");
    this.choose = this.main.querySelector("#choose");
    this.pairing = this.main.querySelector("#pairing");
    this.searching = this.main.querySelector("#searching");
    this.error = this.main.querySelector("#station-error");
    this.mode = "choose";
    this.choices = null;
    this.problem = "";
    this.main.addEventListener("submit", (event) => {
      event.preventDefault();
      this.begin(new FormData(event.target));
    });
    this.main.addEventListener("change", () => this.sides());
    this.main.addEventListener("click", (event) => this.clicked(event.target.closest("button")));
  }

  async show(mode = "choose") {
    this.mode = mode;
    if (mode === "choose") {
      this.choices = await this.connection.ask("GET", "/choices");
      if (!this.choices.error) this.makeChoices();
      else this.problem = this.choices.error;
    } else await this.connection.ask("POST", "/sensors/look", { on: true });
    this.draw();
  }

  makeChoices() {
    const { people, exercises, bands, sensors, last, simulator } = this.choices;
    const person = people.length ? people : [{ id: "", name: tr("Me") }];
    const known = sensors.map((each) => option(each.id, each.side ? `${each.name}, ${tr(each.side)}` : each.name));
    const both = sensors.some((each) => each.side === "left") && sensors.some((each) => each.side === "right");
    this.choose.innerHTML = `<form>
      <label>${tr("Who")}<select name="person">${person.map((each) => option(each.id, each.name, last.person)).join("")}</select></label>
      <label>${tr("Exercise")}<select name="exercise">${exercises.map((each) => option(each.id, tr(each.name), last.exercise)).join("")}</select></label>
      <label class="begins">${tr("Begin with")}<select name="side">${option("left", tr("Left"))}${option("right", tr("Right"))}</select></label>
      <label>${tr("Band")}<select name="band">${option("", bands.length ? tr("As last time") : tr("Any band"))}${bands.map((each) => option(each.id, each.name, last.band)).join("")}</select></label>
      <label>${tr("Sensor")}<select name="sensor">${option("", sensors.length ? tr("The one that is near") : tr("The nearest"))}${known.join("")}${both ? option("both", tr("Left and right together")) : ""}${simulator ? option("sim", tr("Simulated sensor")) + option("sim2", tr("Two simulated sensors")) : ""}</select></label>
      <div class="btns"><button class="primary" type="submit">${tr("Start")}</button><button type="button" data-go="pair">${icon("link")}${tr("Pair a sensor")}</button></div></form>`;
    this.sides();
  }

  sides() {
    const form = this.choose.querySelector("form");
    if (!form) return;
    const doing = this.choices.exercises.find((each) => each.id === form.elements.exercise.value);
    const two = ["both", "sim2"].includes(form.elements.sensor.value);
    form.querySelector(".begins").hidden = doing?.sides !== "paired" || two;
  }

  async begin(form) {
    const sensor = form.get("sensor");
    const two = ["both", "sim2"].includes(sensor);
    const hidden = this.choose.querySelector(".begins").hidden;
    const asked = {
      person: form.get("person") || null,
      exercise: form.get("exercise"),
      band: form.get("band") || null,
      side: hidden ? null : form.get("side"),
      simulated: sensor === "sim" || sensor === "sim2",
      sensors: two ? ["left", "right"] : sensor && sensor !== "sim" ? [sensor] : [],
    };
    this.problem = "";
    const told = await this.connection.ask("POST", "/session", asked);
    this.problem = told.error || "";
    this.draw();
  }

  async clicked(button) {
    if (!button) return;
    const { go, blink, pair } = button.dataset;
    if (go) {
      if (go === "choose") await this.connection.ask("POST", "/sensors/look", { on: false });
      if (go === "stop") await this.connection.ask("DELETE", "/session");
      await this.show(go === "pair" ? "pair" : "choose");
    } else if (blink || pair) {
      button.disabled = true;
      const told = await this.connection.ask("POST", `/sensors/${blink ? "blink" : "pair"}`, { address: blink || pair });
      button.disabled = false;
      this.problem = told.error || "";
      if (pair && !told.error) await this.show("choose");
      else this.draw();
    }
  }

  draw() {
    const { phase, message, error, looking, sensors, pairing } = this.connection.station;
    const searching = phase === "connecting";
    this.choose.hidden = searching || this.mode !== "choose";
    this.pairing.hidden = searching || this.mode !== "pair";
    this.searching.hidden = !searching;
    const title = searching ? tr("Wake your sensor") : this.mode === "pair" ? tr("Pair your sensor") : tr("Train");
    const heading = this.main.querySelector("#station-title");
    if (heading.textContent !== title) heading.textContent = title;
    const said = searching ? "" : this.problem || error || "";
    this.error.hidden = !said;
    this.set(this.error, escape(said).replace(/`([^`]*)`/g, "<code>$1</code>"));
    if (searching) this.set(this.searching, `${CLIP}<p class="lead">${tr("Press the button on the sensor.")}</p><p role="status" class="dim">${escape(message)}</p><div class="btns"><button type="button" data-go="stop">${tr("Stop looking")}</button></div>`);
    if (this.mode === "pair") this.drawPairing(looking, sensors || [], pairing);
  }

  drawPairing(looking, sensors, pairing) {
    const steps = STEPS.map(([what, how], i) => `<li><span class="n">${i + 1}</span><span><b>${what}</b><span class="dim">${how}</span></span></li>`).join("");
    const found = sensors.map((each, i) => `<li>${bars(each.bars)}<span><b>${escape(each.name)}</b><span class="dim">${escape(tr(each.distance))}</span>${each.battery_percent == null ? "" : `<span class="dim">${tr("battery {percent} %", { percent: each.battery_percent })}</span>`}</span><span class="btns"><button type="button" data-blink="${escape(each.address)}">${tr("Blink")}</button><button type="button" class="${i ? "" : "primary"}" data-pair="${escape(each.address)}">${tr("Pair")}</button></span></li>`).join("");
    const count = sensors.length ? trn("{n} sensor found", "{n} sensors found", sensors.length) : tr("No sensors found yet");
    this.set(this.pairing, `<p class="dim">${tr("Once for each sensor. It takes about a minute.")}</p><div class="cols"><div>${CLIP}<ol class="steps">${steps}</ol></div><div><h2 aria-live="polite">${pairing ? escape(pairing) : looking ? tr("{found}, still looking", { found: count }) : count}</h2><ul class="found">${found}</ul><div class="note"><b>${tr("Yours is not here?")}</b><p>${tr("Hold it within arm’s length and press it again. If its light stays dark, charge it for half an hour. Another phone or computer may hold it: close bandsense there.")}</p></div><div class="btns"><button type="button" data-go="choose">${tr("Back")}</button>${looking ? "" : `<button type="button" data-go="pair">${tr("Look again")}</button>`}</div></div></div>`);
  }

  set(element, value) {
    if (element.dataset.markup === value) return;
    const focused = document.activeElement?.closest?.("[data-pair],[data-blink],[data-go]");
    const again = focused && element.contains(focused) ? Object.entries(focused.dataset)[0] : null;
    element.dataset.markup = value;
    element.innerHTML = value;
    if (again) element.querySelector(`[data-${again[0]}="${CSS.escape(again[1])}"]`)?.focus();
  }
}

function bars(count) {
  const drawn = [[0, 16, 6], [8, 11, 11], [16, 6, 16], [24, 1, 21]].map(([x, y, tall], i) => `<rect x="${x}" y="${y}" width="5.5" height="${tall}" rx="1.5" fill="var(--${i < count ? "ink" : "line"})"/>`);
  return `<svg width="30" height="22" viewBox="0 0 30 22" aria-hidden="true">${drawn.join("")}</svg>`;
}
