"use strict";
(() => {
  // What waits in <noscript> is text here: it becomes part of the page when somebody asks for it, or a link leads there.
  const waiting = () => [...document.querySelectorAll("noscript.later")];
  const unfold = one => {
    const made = document.createElement("template");
    made.innerHTML = one.textContent;
    const first = made.content.firstElementChild;
    if (one.nextElementSibling?.matches(".unfold")) one.nextElementSibling.remove();
    one.replaceWith(made.content);
    return first;
  };
  const offer = one => {
    const button = document.createElement("button");
    button.className = "unfold";
    button.type = "button";
    button.textContent = one.dataset.says;
    button.addEventListener("click", () => {
      // The button goes: whoever pressed it by keyboard goes on from what came in its place.
      const isHere = document.activeElement === button;
      const first = unfold(one);
      if (!isHere || !first) return;
      if (!first.matches("a, button, input, select, [tabindex]")) first.tabIndex = -1;
      first.focus({ preventScroll: true });
    });
    one.after(button);
  };
  const decoded = text => {
    try { return decodeURIComponent(text); } catch { return text; }
  };
  const reach = () => {
    const raw = location.hash.slice(1);
    const names = new Set([raw, decoded(raw)]);
    if (!raw || [...names].some(name => document.getElementById(name))) return;
    const marks = [...names].map(name => `id="${name.replaceAll("&", "&amp;").replaceAll('"', "&#34;")}"`);
    const found = waiting().find(one => marks.some(mark => one.textContent.includes(mark)));
    if (!found) return;
    unfold(found);
    location.replace(location.hash);
  };
  waiting().forEach(offer);
  addEventListener("hashchange", reach);
  addEventListener("beforeprint", () => waiting().forEach(one => unfold(one)));
  reach();
})();
