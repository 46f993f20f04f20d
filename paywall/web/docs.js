// Search, copying, and opening what a link leads to. The page is whole without it.

const entries = [...document.querySelectorAll("main article, main .entry")];
const texts = new Map();
const nav = document.querySelector("nav");
const groups = [...nav.querySelectorAll("details")];

function textOf(entry) {
  if (!texts.has(entry)) texts.set(entry, entry.textContent.toLowerCase());
  return texts.get(entry);
}

function search(words, status) {
  const found = new Set();
  for (const entry of entries) {
    const matches = words.every((word) => textOf(entry).includes(word));
    entry.hidden = !matches;
    if (matches) found.add(entry.querySelector("h3").id);
  }
  for (const group of groups) {
    let shown = 0;
    for (const item of group.querySelectorAll("li")) {
      const text = item.textContent.toLowerCase();
      const id = item.firstChild.hash.slice(1);
      item.hidden = !(found.has(id) || words.every((word) => text.includes(word)));
      shown += item.hidden ? 0 : 1;
    }
    group.hidden = shown === 0;
    group.open = words.length > 0 && shown > 0;
  }
  status.textContent = words.length ? `${found.size} of ${entries.length} entries match.` : "";
}

function addSearch() {
  const label = document.createElement("label");
  label.textContent = "Search";
  const field = document.createElement("input");
  field.type = "search";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  field.addEventListener("input", () => {
    search(field.value.toLowerCase().split(/\s+/).filter(Boolean), status);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== field && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
    }
  });
  label.append(field);
  nav.prepend(label, status);
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP on another machine than one's own has no clipboard.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  return undefined;
}

function addCopyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await copy(block.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copy by hand";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  const frame = document.createElement("div");
  frame.className = "copied";
  block.replaceWith(frame);
  frame.append(block, button);
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  const folded = target.closest("main details");
  if (folded) folded.open = true;
  const link = nav.querySelector(`a[href="#${CSS.escape(target.id)}"]`);
  const group = link && link.closest("details");
  if (group) group.open = true;
  target.scrollIntoView();
}

addSearch();
document.querySelectorAll("main pre").forEach(addCopyButton);
window.addEventListener("hashchange", openTarget);
openTarget();
