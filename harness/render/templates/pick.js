(() => {
  // Names what to load within other limits, by the rule of harness/worth/picking.py: words and numbers are the page's.
  const section = document.getElementById("pick");
  if (!section) return;
  const say = (key, values) => section.dataset[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const amount = (value, unit) => {
    const rounded = Number(value.toPrecision(3));
    const [digits, power] = value.toExponential(2).split("e");
    const text = rounded >= 1000 && value < 1e6 ? String(Number(value.toFixed(3)))
      : rounded && (rounded < 1e-4 || rounded >= 1000)
        ? `${Number(digits)}e${power < 0 ? "−" : "+"}${String(Math.abs(power)).padStart(2, "0")}`
        : String(rounded);
    return `${text} ${unit}`.trim();
  };
  const megabytes = count => `${Math.round(count / 1e6).toLocaleString("en-US")} MB`;

  const choice = (item, at) => {
    const { o, r, k, t, p, a, l, w, c, d, s, m, q, y } = item.dataset;
    const shown = item.lastChild.data.slice(1);
    const text = given => /^=\d+ \d+$/.test(given) ? shown.slice(...given.slice(1).split(" ").map(Number)) : given;
    return {
      item, shown, name: item.children[1].textContent, order: Number(o ?? at), isFree: r !== undefined, rank: Number(r),
      isBase: k === "b", isFaster: k === "f", times: t, peak: p === undefined ? null : Number(p),
      metric: w === undefined && c === undefined ? null : Number(a ?? 0), ends: l?.split(" ").map(Number),
      words: text(w), why: text(c), loses: d === undefined ? "" : shown, speed: s, memory: m,
      lost: k === "b" ? say("first") : q ?? text(w) ?? text(c), sentence: y === "=" ? shown : y,
    };
  };
  const answers = new WeakMap();
  const read = line => {
    if (!answers.has(line)) {
      const choices = [...line.querySelectorAll("ol > li")].map(choice);
      answers.set(line, { choices, first: line.querySelector(".load bdi").textContent });
    }
    return answers.get(line);
  };

  const loses = (one, most) => {
    if (most === undefined) return one.loses;
    const [low, high] = one.ends ?? [];
    if (high <= most) return "";
    const values = { told: one.words, allowed: amount(most, one.unit), why: one.why };
    if (low > most) return say("fails", values);
    return say(one.why === undefined ? "unshown" : "cannot", values);
  };
  const tooLarge = (one, most) => {
    if (most === undefined) return "";
    if (one.peak === null) return say("unweighed", {});
    return one.peak > most ? say("large", { peak: megabytes(one.peak), most: megabytes(most) }) : "";
  };
  const reason = (one, limits) => !one.isFree ? one.shown
    : (one.metric === null ? "" : loses(one, limits[one.metric])) || tooLarge(one, limits.memory);
  const after = (one, before) => {
    const key = one.isBase ? "reference" : one.isFaster ? "faster" : before.isFaster ? "slower" : before.isBase ? "idle" : "less";
    return say(key, { name: before.name, times: one.times, theirs: before.times });
  };
  const firstWords = (one, others) => !one.isBase ? one.sentence ?? `${one.speed} · ${one.memory} · ${one.lost}`
    : say("first", {}) + (others ? say(others === 1 ? "other" : "others", { count: others }) : "");

  const answer = (line, limits, units) => {
    const { choices, first } = read(line);
    const told = choices.map(one => ({ ...one, unit: units[one.metric] }));
    const reasons = new Map(told.map(one => [one, reason(one, limits)]));
    const able = told.filter(one => !reasons.get(one)).sort((one, other) => one.rank - other.rank);
    const others = told.filter(one => reasons.get(one)).sort((one, other) => one.order - other.order);
    const place = (one, word, why) => {
      one.item.firstChild.textContent = word;
      one.item.lastChild.data = ` ${why}`;
      return one.item;
    };
    line.querySelector("ol").replaceChildren(
      ...able.map((one, at) => at ? place(one, "then", after(one, able[at - 1])) : place(one, "load", firstWords(one, others.length))),
      ...others.map(one => place(one, "not", reasons.get(one))),
    );
    const [load, ...then] = able;
    const named = line.querySelector(".load");
    named.className = `load ${load ? load.isBase ? "kept" : "gained" : "nothing"}`;
    named.firstChild.textContent = load ? load.isBase ? "●" : "✓" : "✕";
    named.lastChild.textContent = load ? load.name : "nothing";
    const figures = load ? [load.speed, load.memory, load.lost]
      : ["", "", say("none", { why: reasons.get(told.find(one => one.isBase)) })];
    line.querySelectorAll(":scope > span").forEach((figure, at) => { figure.textContent = figures[at]; });
    const rest = [
      then.length && `then ${then.map(one => one.name).join(", ")}`,
      others.length && `${others.length} ${others.length === 1 ? "does" : "do"} not qualify`,
    ].filter(Boolean);
    line.querySelector("summary").textContent = rest.join(" · ") || "why";
    const isOther = named.lastChild.textContent !== first;
    line.classList.toggle("other", isOther);
    return isOther;
  };

  const ask = device => {
    const fields = [...device.querySelectorAll("input")];
    const limits = {}, units = {};
    for (const field of fields) {
      const { of, unit } = field.dataset;
      units[of] = unit;
      field.setAttribute("aria-invalid", !field.validity.valid);
      if (field.value !== "" && field.validity.valid) limits[of] = field.valueAsNumber * (of === "memory" ? 1e6 : 1);
    }
    device.querySelectorAll(".unfold").forEach(button => button.click());
    const lines = [...device.querySelectorAll(".answers > li:not(.closed)")];
    const changed = lines.filter(line => answer(line, limits, units)).length;
    const isAsked = Object.keys(limits).length > 0;
    device.querySelector("button.again").hidden = !isAsked;
    device.querySelector("[role=status]").textContent = !isAsked ? ""
      : changed ? `${changed} of ${lines.length} answers are others than the run's own limits give` : "the same answers as the run's own limits give";
  };

  for (const device of section.querySelectorAll(".picks")) {
    const limits = device.querySelector("fieldset");
    if (!limits) continue;
    limits.hidden = false;
    limits.addEventListener("input", () => ask(device));
    limits.querySelector("button").addEventListener("click", () => {
      limits.querySelectorAll("input").forEach(field => { field.value = ""; });
      ask(device);
      limits.querySelector("input").focus();
    });
  }
  section.addEventListener("toggle", event => event.target.querySelector(".unfold")?.click(), true);
})();
