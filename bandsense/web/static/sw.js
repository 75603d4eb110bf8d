// Caches what the page is made of, and nothing of a person: no state, no session, no answer of the interface.
const SHELL = "bandsense-shell-2";
const FILES = ["/static/css/tokens.css", "/static/css/live.css", "/static/css/station.css",
  "/static/vendor/uplot/uPlot.min.css", "/static/vendor/uplot/uPlot.iife.min.js", "/static/vendor/fonts/num.woff2",
  "/static/vendor/fonts/text400.woff2", "/static/vendor/fonts/text600.woff2", "/static/icons/icon.svg",
  "/static/js/main.js", "/static/js/connection.js", "/static/js/screen.js", "/static/js/curve.js",
  "/static/js/sound.js", "/static/js/station.js", "/static/js/more.js", "/static/js/icons.js", "/static/js/words.js", "/static/index.html"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

// The network first, so that a new version is there at once; the shell where there is no network.
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const shell = url.origin === location.origin && url.pathname.startsWith("/static/");
  const page = event.request.mode === "navigate" && url.pathname === "/" && !url.search;
  if (event.request.method !== "GET" || !(shell || page)) return;
  event.respondWith(fetch(event.request).then((answer) => {
    if (shell && answer.ok && FILES.includes(url.pathname)) {
      const copy = answer.clone();
      event.waitUntil(caches.open(SHELL).then((cache) => cache.put(url.pathname, copy)));
    }
    return answer;
  }).catch(() => caches.match(page ? "/static/index.html" : url.pathname).then((kept) => kept || Response.error())));
});
