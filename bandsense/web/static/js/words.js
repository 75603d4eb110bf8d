// The language of the page: its texts come from the catalogue of the server (bandsense/locale). English stands in the
// source and is the key; what is not translated, or cannot be had, is said in English.
let told = { language: "en", decimal: ".", texts: {}, plural: [], languages: {} };
try {
  const answer = await fetch("/texts.json");
  if (answer.ok) told = await answer.json();
} catch {
  // No network: the page still works, in English.
}

export const language = told.language;
export const languages = told.languages;

const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));

export function tr(sentence, values = {}) {
  return fill(told.texts[sentence]?.[0] ?? sentence, values);
}

export function trn(one, many, n, values = {}) {
  const forms = told.texts[one];
  const form = told.plural[n < 200 ? n : 100 + (n % 100)];
  return fill(forms?.[form] ?? (n === 1 ? one : many), { n, ...values });
}

// A number with the decimal mark of the language.
export const fixed = (value, decimals) => value.toFixed(decimals).replace(".", told.decimal);

// The browser keeps what was chosen; every page and every answer follows it.
export function speak(code) {
  document.cookie = `language=${code}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
}

// What stands in the page's own HTML.
function translate(root) {
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const words = node.data.replace(/\s+/g, " ").trim();
    if (words && words !== tr(words)) node.data = node.data.replace(node.data.trim(), tr(words));
  }
  for (const element of root.querySelectorAll("[aria-label]")) element.setAttribute("aria-label", tr(element.getAttribute("aria-label")));
}

document.documentElement.lang = language;
if (language !== "en") translate(document.body);
