"use strict";
(() => {
  // What waits in <noscript> is text here: it becomes part of the page when somebody asks for it, or a link leads there.
  const unfold = waiting => {
    const made = document.createElement("template");
    made.innerHTML = waiting.textContent;
    waiting.nextElementSibling?.matches(".unfold") && waiting.nextElementSibling.remove();
    waiting.replaceWith(made.content);
  };
  for (const waiting of document.querySelectorAll("noscript.later")) {
    const button = document.createElement("button");
    button.className = "unfold";
    button.type = "button";
    button.textContent = waiting.dataset.says;
    button.addEventListener("click", () => unfold(waiting));
    waiting.after(button);
  }
  const reach = () => {
    let id;
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const known = location.hash.slice(1);
    for (const name of [known, id]) {
      if (!name) return;
      if (document.getElementById(name)) return;
      const mark = `id="${name.replaceAll("&", "&amp;").replaceAll('"', "&#34;")}"`;
      const found = [...document.querySelectorAll("noscript.later")].find(one => one.textContent.includes(mark));
      if (found) {
        unfold(found);
        location.replace(location.hash);
        return;
      }
    }
  };
  addEventListener("hashchange", reach);
  addEventListener("beforeprint", () => document.querySelectorAll("noscript.later").forEach(unfold));
  reach();
})();
