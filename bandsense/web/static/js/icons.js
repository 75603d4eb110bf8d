// Icons on a grid of 24, 2 px round stroke; always beside a text or a label.
const PATHS = {
  link: '<rect x="3" y="8" width="8" height="9" rx="2.2"/><path d="M3 12.5H1M15 8.8a5.2 5.2 0 0 1 0 7.4M18.2 5.8a9.6 9.6 0 0 1 0 13.4"/>',
  nolink: '<rect x="3" y="8" width="8" height="9" rx="2.2"/><path d="M3 12.5H1M15.5 9.5l6 6M21.5 9.5l-6 6"/>',
  battery: '<rect x="2" y="7" width="17" height="10" rx="2.5"/><path d="M22 11v2"/><rect class="fill" x="4.6" y="9.6" width="9.6" height="4.8" rx="1" fill="currentColor" stroke="none"/>',
  sound: '<path d="M4 9.5v5h3.5L12 19V5L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>',
  mute: '<path d="M4 9.5v5h3.5L12 19V5L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5"/>',
  undo: '<path d="M8 5L3.5 9.5 8 14M4 9.5h9.5a6 6 0 0 1 0 12H9"/>',
  stop: '<rect x="6" y="6" width="12" height="12" rx="2" fill="currentColor"/>',
  more: '<circle cx="5" cy="12" r="1.6" fill="currentColor"/><circle cx="12" cy="12" r="1.6" fill="currentColor"/><circle cx="19" cy="12" r="1.6" fill="currentColor"/>',
  check: '<path d="M4 12.5l5.2 5.2L20 6.5"/>',
  warn: '<path d="M12 3.5L22 20.5H2zM12 10v4.5"/><circle cx="12" cy="17.4" r=".8" fill="currentColor"/>',
  up: '<path d="M12 4L22 20H2z" fill="currentColor" stroke="none"/>',
  down: '<path d="M12 20L2 4h20z" fill="currentColor" stroke="none"/>',
  bar: '<rect x="2" y="8.5" width="20" height="7" rx="1.5" fill="currentColor" stroke="none"/>',
  pause: '<path d="M8 5v14M16 5v14" stroke-width="4"/>',
  next: '<path d="M5 5l9 7-9 7zM19 5v14"/>',
  zero: '<path d="M3 20h18M12 4v11M8 11l4 4 4-4"/>',
  timer: '<circle cx="12" cy="13.5" r="8"/><path d="M12 9v4.5l3 2M9.5 2.5h5"/>',
  plan: '<path d="M4 6h2M10 6h10M4 12h2M10 12h10M4 18h2M10 18h10"/>',
  left: '<path d="M21 12H5M12 4.5L4.5 12l7.5 7.5" stroke-width="3"/>',
  right: '<path d="M3 12h16M12 4.5l7.5 7.5-7.5 7.5" stroke-width="3"/>',
  print: '<path d="M7 8V3h10v5M7 17H4V9h16v8h-3M7 14h10v7H7z"/>',
  again: '<path d="M20 5v5h-5M19.5 10A8 8 0 1 0 20 14"/>',
};

export function icon(name, kind = "") {
  return `<svg class="i ${kind}" viewBox="0 0 24 24" aria-hidden="true">${PATHS[name] || PATHS.pause}</svg>`;
}
