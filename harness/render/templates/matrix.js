(() => {
  // The texts of a cell of the matrix, for each way to look at it; a cell without numbers looks the same in all.
  const section = document.getElementById("matrix");
  const ways = section.querySelector(".ways");
  const judged = Boolean(ways.querySelector("[data-way=change]"));
  const textsOf = spot => {
    const [, value] = spot.firstChild.childNodes, word = spot.querySelector("[role=img]").getAttribute("aria-label");
    const shown = value.data.trim(), aside = spot.querySelector("i")?.textContent ?? "";
    const latency = spot.dataset.latency ?? (judged ? aside : shown), speed = spot.dataset.speed;
    return {
      verdict: [word, judged ? (shown === word ? latency : shown) : latency],
      change: [shown, aside],
      latency: judged ? [latency, speed] : [shown, aside],
      speed: [speed, latency],
    };
  };
  const known = new WeakMap();
  let way = judged ? "change" : "latency";
  const show = root => {
    for (const spot of root.querySelectorAll("td[data-speed]")) {
      if (!known.has(spot)) known.set(spot, textsOf(spot));
      const [first, beside] = known.get(spot)[way];
      spot.firstChild.childNodes[1].data = ` ${first}`;
      const aside = spot.querySelector("i");
      if (aside) aside.textContent = beside;
    }
  };
  ways.hidden = false;
  ways.addEventListener("click", event => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    way = chosen.dataset.way;
    for (const button of ways.children) button.setAttribute("aria-pressed", String(button === chosen));
    show(section);
  });

  // A link to a cell marks it here too, wherever in the page it leads.
  const mark = () => {
    section.querySelector(".here")?.classList.remove("here");
    if (!location.hash.startsWith("#c=")) return;
    const link = [...section.querySelectorAll("td > a")].find(one => one.getAttribute("href") === location.hash);
    if (link) {
      link.parentElement.classList.add("here");
      return;
    }
    const waiting = [...section.querySelectorAll("noscript.later")];
    const found = waiting.find(one => one.textContent.includes(`href="${location.hash}"`));
    if (!found) return;
    found.nextElementSibling.click();
    mark();
    document.querySelector(":target")?.scrollIntoView();
  };
  addEventListener("hashchange", mark);
  mark();

  // What waited and is unfolded later is shown in the way that was chosen.
  new MutationObserver(() => { if (way !== (judged ? "change" : "latency")) show(section); mark(); })
    .observe(section, { childList: true });
})();
