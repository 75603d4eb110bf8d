// The stream: what is new since the last message. The snapshot is the truth; a message lost costs smoothness only.
import { tr } from "./words.js";

const RETRY_MS = 1000;
const REFUSED = 4403;
const REVOKED = 4401;

class View {
  constructor() {
    this.state = {};
    this.now = {};
    this.heardAt = 0;
    this.times = [];
    this.levels = [];
  }

  // Device time of this moment: of the last message, and what has passed since.
  time() {
    return (this.now.time_s || 0) + (performance.now() - this.heardAt) / 1000;
  }

  restLeft() {
    return this.now.rest_left_s == null ? null : this.now.rest_left_s - (performance.now() - this.heardAt) / 1000;
  }

  lost() {
    return this.now.lost_s == null ? null : this.now.lost_s + (performance.now() - this.heardAt) / 1000;
  }
}

export class Connection {
  constructor() {
    this.station = {};
    this.views = new Map();
    this.listeners = { update: [], sounds: [], online: [], refused: [] };
    this.online = null;
  }

  on(what, listener) {
    this.listeners[what].push(listener);
  }

  tell(what, ...values) {
    for (const listener of this.listeners[what]) listener(...values);
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/api/v1/live`);
    this.socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => {
      if (event.code === REFUSED || event.code === REVOKED) {
        this.tell("refused", event.code === REVOKED);
        return;
      }
      this.setOnline(false);
      setTimeout(() => this.open(), RETRY_MS);
    });
  }

  setOnline(online) {
    if (online !== this.online) {
      this.online = online;
      this.tell("online", online);
    }
  }

  take(message) {
    if (message.full) {
      this.station = {};
      this.views.clear();
    }
    Object.assign(this.station, message.station || {});
    const at = performance.now();
    for (const [name, told] of Object.entries(message.views)) {
      if (!this.views.has(name)) this.views.set(name, new View());
      const view = this.views.get(name);
      Object.assign(view.state, told.changed);
      if (told.now.time_s !== undefined) {
        view.now = told.now;
        view.heardAt = at;
      }
      for (const [time, tension] of told.levels) {
        view.times.push(time);
        view.levels.push(tension);
      }
      const surplus = view.times.length - 1600;
      if (surplus > 0) {
        view.times.splice(0, surplus);
        view.levels.splice(0, surplus);
      }
    }
    this.setOnline(true);
    this.tell("update", message.full);
    if (message.sounds) this.tell("sounds", message.sounds);
  }

  act(action, view) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(view ? { action, view } : { action }));
    }
  }

  async ask(method, path, body) {
    try {
      const answer = await fetch(`/api/v1${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
      const told = await answer.json();
      return answer.ok ? told : { error: told.error || tr("that did not work") };
    } catch {
      return { error: tr("bandsense does not answer") };
    }
  }
}
