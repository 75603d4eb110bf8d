// The last 20 seconds: one uPlot for each sensor, four series by phase from one ring of samples.
import { fixed, tr } from "./words.js";

const WINDOW_S = 20;
const GAP_S = 0.5;
const SERIES = { concentric: 1, hold: 2, eccentric: 3, rest: 4 };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// light-dark() is resolved only where it is used, so a colour is read from an element that uses it.
function tokens() {
  const probe = document.createElement("i");
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = Object.fromEntries(["bg", "ink", "ink2", "edge", "pull", "return", "good", "zone"].map((name) => [name, read(`--${name}`)]));
  found.num = colour("--num");
  found.text = colour("--text");
  probe.remove();
  return found;
}

export class Curve {
  constructor(box) {
    this.box = box;
    this.view = null;
    this.top = 20;
    this.colours = tokens();
    this.make();
    new ResizeObserver(() => this.resize()).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
  }

  recolour() {
    this.colours = tokens();
    this.make();
  }

  get wide() {
    return innerWidth >= 1600;
  }

  make() {
    const data = this.plot ? this.plot.data : [[], [], [], [], []];
    this.plot?.destroy();
    const { ink, pull, edge } = this.colours;
    const width = innerWidth >= 1000 && !this.wide ? 2.5 : 3.5;
    const series = [pull, ink, this.colours.return, edge].map((stroke) => ({
      stroke, width, fill: ink.replace("rgb(", "rgba(").replace(")", ", 0.07)"), points: { show: false }, spanGaps: false,
      paths: uPlot.paths.linear(), pxAlign: 0,
    }));
    const size = this.size();
    this.font = this.wide ? 22 : 13;
    this.plot = new uPlot({
      ...size,
      pxAlign: 0,
      padding: [this.font + 5, this.font * 3.4, this.font + 8, 0],
      cursor: { show: false },
      legend: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { x: { time: false, range: () => [this.now - WINDOW_S, this.now] }, y: { range: () => [0, this.top] } },
      series: [{}, ...series],
      hooks: { drawClear: [() => this.under()], draw: [() => this.over()] },
    }, data, this.box);
  }

  size() {
    return { width: Math.max(50, this.box.clientWidth), height: Math.max(40, this.box.clientHeight) };
  }

  resize() {
    if (this.box.clientWidth > 0) this.make();
    this.draw();
  }

  show(view, other = null) {
    this.view = view;
    this.other = other;
    this.draw();
  }

  draw() {
    const view = this.view;
    if (!view || !this.box.clientWidth) return;
    const state = view.state;
    const last = view.times.length ? view.times[view.times.length - 1] : 0;
    this.now = state.screen === "lost" ? view.time() : last;
    const zone = state.plan?.zone;
    this.zone = zone;
    let most = Math.max(20, zone ? zone.high_n : 0);
    const from = view.times.findIndex((time) => time >= this.now - WINDOW_S);
    const x = [];
    const y = [[], [], [], []];
    this.gaps = [];
    // Grey where the sensor cannot tell how long a phase was.
    const grey = new Set(state.grey_since);
    const phases = (state.phases || []).map(([since, phase]) => [since, grey.has(since) ? "rest" : phase]);
    this.phase = phases.length ? phases[phases.length - 1][1] : "rest";
    let at = 0;
    let before = null;
    for (let i = Math.max(0, from); from >= 0 && i < view.times.length; i++) {
      const time = view.times[i];
      const tension = view.levels[i];
      if (tension > most) most = tension;
      if (before !== null && time - before > GAP_S) {
        x.push((before + time) / 2);
        for (const each of y) each.push(null);
        this.gaps.push([before, time]);
      }
      before = time;
      let crossed = false;
      while (at + 1 < phases.length && phases[at + 1][0] <= time) {
        at++;
        crossed = true;
      }
      const own = phases.length && phases[at][0] <= time ? SERIES[phases[at][1]] - 1 : 3;
      x.push(time);
      for (let s = 0; s < 4; s++) y[s].push(s === own ? tension : null);
      if (crossed && y[0].length > 1) {
        const previous = y.findIndex((each) => each[each.length - 2] !== null);
        if (previous >= 0 && previous !== own) y[previous][y[previous].length - 1] = tension;
      }
    }
    if (before !== null && this.now - before > GAP_S) this.gaps.push([before, this.now]);
    // While nothing was pulled lately there is room for what to aim at.
    const quiet = y[0].every((_, i) => y.every((each) => each[i] === null || each[i] < 15));
    this.aims = quiet && ["ready", "sides"].includes(state.screen) && Boolean(state.plan);
    // It grows at once and shrinks only between sets, so that heights can be compared.
    this.top = state.in_set ? Math.max(this.top, 1.09 * most) : 1.09 * most;
    if (this.other) for (const level of this.other.levels) if (level > most) most = level;
    this.top = Math.max(state.in_set ? this.top : 0, 1.09 * most);
    this.plot.setData([x, ...y], false);
    this.plot.batch(() => {
      this.plot.setScale("x", { min: this.now - WINDOW_S, max: this.now });
      this.plot.setScale("y", { min: 0, max: this.top });
    });
    this.plot.redraw(true);
  }

  force(newtons) {
    const unit = this.view?.state.unit;
    return unit ? fixed(newtons / unit.newtons, unit.decimals) : String(Math.round(newtons));
  }

  x(time) {
    return this.plot.valToPos(time, "x", true);
  }

  y(tension) {
    return this.plot.valToPos(tension, "y", true);
  }

  under() {
    const { ctx, bbox } = this.plot;
    const ratio = uPlot.pxRatio;
    ctx.save();
    if (this.zone) {
      const high = this.y(this.zone.high_n);
      const low = this.y(this.zone.low_n);
      ctx.fillStyle = this.colours.zone;
      ctx.fillRect(bbox.left, high, bbox.width, low - high);
      ctx.strokeStyle = this.colours.good;
      ctx.lineWidth = 2 * ratio;
      ctx.lineCap = "round";
      ctx.setLineDash([2 * ratio, 6 * ratio]);
      for (const level of [high, low]) {
        ctx.beginPath();
        ctx.moveTo(bbox.left + ratio, level);
        ctx.lineTo(bbox.left + bbox.width, level);
        ctx.stroke();
      }
      ctx.setLineDash([]);
    }
    if (this.aims) this.shape(ratio);
    for (const [from, to] of this.gaps || []) this.hatch(this.x(from), this.x(to), ratio);
    ctx.restore();
  }

  // The shape to aim for, dotted: three repetitions at the plan's tempo.
  shape(ratio) {
    const { ctx } = this.plot;
    const { tempo_hand: tempo, zone } = this.view.state.plan;
    const top = zone ? (zone.low_n + zone.high_n) / 2 : 0.75 * this.top;
    const bottom = 0.08 * top;
    ctx.strokeStyle = this.colours.edge;
    ctx.lineWidth = 2.5 * ratio;
    ctx.lineCap = "round";
    ctx.setLineDash([ratio, 7 * ratio]);
    ctx.beginPath();
    const rep = tempo.concentric_s + tempo.hold_s + tempo.eccentric_s + tempo.rest_s;
    let time = this.now - WINDOW_S + (WINDOW_S - 3 * rep) / 2;
    ctx.moveTo(this.x(time), this.y(bottom));
    const smooth = (seconds, from, to) => {
      for (let i = 1; i <= 12; i++) {
        const s = i / 12;
        ctx.lineTo(this.x(time + s * seconds), this.y(from + (to - from) * s * s * (3 - 2 * s)));
      }
      time += seconds;
    };
    for (let i = 0; i < 3; i++) {
      smooth(tempo.concentric_s, bottom, top);
      smooth(tempo.hold_s, top, top);
      smooth(tempo.eccentric_s, top, bottom);
      smooth(tempo.rest_s, bottom, bottom);
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }

  hatch(from, to, ratio) {
    const { ctx, bbox } = this.plot;
    const left = Math.max(bbox.left, from);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, to - left, bbox.height);
    ctx.clip();
    ctx.globalAlpha = 0.7;
    ctx.strokeStyle = this.colours.edge;
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    for (let x = left - bbox.height; x < to; x += 9 * ratio) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
    if (to - left > 90 * ratio) this.label(tr("no data"), (left + to) / 2, bbox.top + bbox.height / 2, ratio);
  }

  label(text, x, y, ratio) {
    const { ctx } = this.plot;
    ctx.font = `600 ${(this.font + 1) * ratio}px ${this.colours.text}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const width = ctx.measureText(text).width + 16 * ratio;
    ctx.fillStyle = this.colours.bg;
    ctx.fillRect(x - width / 2, y - 14 * ratio, width, 28 * ratio);
    ctx.fillStyle = this.colours.ink;
    ctx.fillText(text, x, y);
  }

  over() {
    const { ctx, bbox } = this.plot;
    const ratio = uPlot.pxRatio;
    const font = this.font * ratio;
    ctx.save();
    this.axes(ctx, bbox, ratio, font);
    if (this.view) {
      for (const peak of this.view.marks || []) this.mark(peak, ratio);
      if (this.other) this.beside(ratio);
      this.newest(ratio);
    }
    ctx.restore();
  }

  axes(ctx, bbox, ratio, font) {
    const bottom = bbox.top + bbox.height;
    ctx.strokeStyle = this.colours.edge;
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, bottom);
    ctx.lineTo(bbox.left + bbox.width, bottom);
    for (const ago of [15, 10, 5]) {
      ctx.moveTo(this.x(this.now - ago), bottom);
      ctx.lineTo(this.x(this.now - ago), bottom - 5 * ratio);
    }
    ctx.stroke();
    ctx.font = `400 ${font}px ${this.colours.text}`;
    ctx.fillStyle = this.colours.ink2;
    ctx.textBaseline = "top";
    ctx.textAlign = "center";
    // Where the box has a caption below the axis, that stands in their place.
    if (!this.aims && !this.view?.state.words.drawn.curve) for (const ago of [15, 10, 5]) ctx.fillText(tr("{seconds} s ago", { seconds: ago }), this.x(this.now - ago), bottom + 5 * ratio);
    ctx.font = `600 ${font}px ${this.colours.text}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const right = bbox.left + bbox.width + 14 * ratio;
    ctx.fillText("0", right, bottom - 2 * ratio);
    if (!this.zone) {
      const top = Math.round(this.top / 1.09);
      ctx.fillText(this.force(top), right, this.y(top));
      return;
    }
    ctx.fillStyle = this.colours.good;
    const high = this.y(this.zone.high_n);
    const low = this.y(this.zone.low_n);
    ctx.fillText(this.force(this.zone.high_n), right, Math.min(high, bottom - 2.4 * font));
    if (low - high > 1.05 * font && bottom - low > 1.2 * font) ctx.fillText(this.force(this.zone.low_n), right, low);
  }

  // A dot at each peak and its number above it; hollow where it is doubtful or partial, ▼ where it is below.
  mark(peak, ratio) {
    if (peak.time_s < this.now - WINDOW_S || peak.retracted_s != null) return;
    const { ctx } = this.plot;
    const x = this.x(peak.time_s);
    const y = this.y(peak.peak_n);
    ctx.beginPath();
    ctx.arc(x, y, 6.5 * ratio, 0, 7);
    ctx.fillStyle = this.colours.bg;
    ctx.fill();
    ctx.beginPath();
    ctx.arc(x, y, 4 * ratio, 0, 7);
    if (peak.partial || peak.doubtful) {
      ctx.strokeStyle = this.colours.ink;
      ctx.lineWidth = 2 * ratio;
      ctx.stroke();
      if (peak.partial) {
        ctx.beginPath();
        ctx.moveTo(x - 6 * ratio, y + 6 * ratio);
        ctx.lineTo(x + 6 * ratio, y - 6 * ratio);
        ctx.stroke();
      }
    } else {
      ctx.fillStyle = this.colours.ink;
      ctx.fill();
    }
    const above = Math.min(y, this.zone ? this.y(this.zone.high_n) : y) - 7 * ratio;
    ctx.font = `700 ${(this.font + 3) * ratio}px ${this.colours.num}`;
    ctx.fillStyle = this.colours.ink;
    ctx.textAlign = "center";
    ctx.textBaseline = "alphabetic";
    ctx.fillText(`${peak.number}${peak.zone === "below" ? "▼" : ""}`, x, above);
  }

  // The other sensor, dashed; its clock is another, so both are drawn by how long ago a sample was.
  beside(ratio) {
    const { ctx, bbox } = this.plot;
    const { times, levels, state } = this.other;
    if (!times.length) return;
    const shift = this.now - (state.screen === "lost" ? this.other.time() : times[times.length - 1]);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
    ctx.clip();
    ctx.strokeStyle = this.colours.ink2;
    ctx.lineWidth = 3 * ratio;
    ctx.setLineDash([7 * ratio, 5 * ratio]);
    ctx.beginPath();
    let before = -Infinity;
    for (let i = 0; i < times.length; i++) {
      const time = times[i] + shift;
      if (time < this.now - WINDOW_S - 1) continue;
      const draw = time - before > GAP_S ? "moveTo" : "lineTo";
      ctx[draw](this.x(time), this.y(levels[i]));
      before = time;
    }
    ctx.stroke();
    ctx.restore();
    ctx.font = `600 ${this.font * ratio}px ${this.colours.text}`;
    ctx.fillStyle = this.colours.ink2;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.fillText(`${tr(this.view.state.sensor_side)} ―   ${tr(state.sensor_side)} - -`, bbox.left + 2 * ratio, 0);
  }

  newest(ratio) {
    const view = this.view;
    if (!view.times.length || view.state.screen === "lost") return;
    const { ctx } = this.plot;
    const own = { concentric: this.colours.pull, eccentric: this.colours.return, hold: this.colours.ink }[this.phase] || this.colours.ink2;
    const x = this.x(view.times[view.times.length - 1]);
    const y = this.y(Math.max(0, view.levels[view.levels.length - 1]));
    for (const [radius, fill] of [[9, own], [7, this.colours.bg], [4, own]]) {
      ctx.beginPath();
      ctx.arc(x, y, radius * ratio, 0, 7);
      ctx.fillStyle = fill;
      ctx.fill();
    }
  }
}
