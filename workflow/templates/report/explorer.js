// The page's script: colours, search, provenance of a row, and the explorer. A selection of studies was pooled beforehand
// and is looked up, or is pooled by pooling.js, which stands before; marks are drawn from the numbers as printed.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);

  // Make an element; text goes in as text, so nothing in a sheet can become markup.
  const make = (tag, attributes = {}, ...children) => {
    const drawn = ["svg", "line", "rect", "polygon", "text", "title", "desc", "g"].includes(tag);
    const element = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    for (const child of children) element.append(child);
    return element;
  };
  const fill = (element, ...children) => element.replaceChildren(...children);

  // ---------------------------------------------------------------- colours
  const theme = byId("theme");
  const themes = { "": "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
  const setTheme = (name) => {
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    theme.textContent = themes[name];
    try { localStorage.setItem("theme", name); } catch { /* a browser may forbid it; the page works without */ }
  };
  let stored = "";
  try { stored = localStorage.getItem("theme") || ""; } catch { /* as above */ }
  setTheme(stored in themes ? stored : "");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const names = Object.keys(themes);
    setTheme(names[(names.indexOf(document.documentElement.dataset.theme || "") + 1) % names.length]);
  });

  // ---------------------------------------------------------------- contents, links into closed parts, print
  const wide = matchMedia("(min-width: 70rem)");
  const contents = byId("contents");
  const openContents = () => { contents.open = wide.matches; };
  wide.addEventListener("change", openContents);
  openContents();
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) contents.open = false;
  });
  const reveal = (hash) => {
    const target = hash.length > 1 && byId(decodeURIComponent(hash.slice(1)));
    if (!target) return;
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView();
    if (target.tabIndex === -1) target.focus({ preventScroll: true });
  };
  addEventListener("hashchange", () => reveal(location.hash));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const href = link && link.getAttribute("href");
    if (href && href.startsWith("#") && href === location.hash) reveal(href);
  });
  if (location.hash) reveal(location.hash);
  // Print opens the closed parts, except the long lists, which stand in the files as well.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open], .long)")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of opened) part.open = false; });

  // ---------------------------------------------------------------- search
  const studies = [...document.querySelectorAll('#table-studies tbody tr[id^="study-"]')].map((row) => ({
    id: row.id, name: row.cells[0].textContent.trim(), text: row.textContent.toLowerCase(),
  }));
  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (text, wanted) => wanted.every((word) => text.includes(word));
  byId("find").addEventListener("input", (event) => {
    const wanted = words(event.target.value);
    const found = wanted.length ? studies.filter((study) => holds(study.text, wanted)) : [];
    fill(byId("found"), ...found.slice(0, 12).map((s) => make("li", {}, make("a", { href: `#${s.id}` }, s.name))));
    byId("found-count").textContent = wanted.length ? `${found.length} of ${studies.length} studies` : "";
  });
  for (const field of document.querySelectorAll("[data-filters]")) {
    const rows = [...byId(field.dataset.filters).tBodies[0].rows];
    const state = field.parentElement.querySelector("[role=status]");
    field.parentElement.hidden = false;
    field.addEventListener("input", () => {
      const wanted = words(field.value);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !holds(row.textContent.toLowerCase(), wanted);
        shown += !row.hidden;
      }
      state.textContent = wanted.length ? `${shown} of ${rows.length} shown` : "";
      const part = byId(field.dataset.filters).closest("details");
      if (part && wanted.length) part.open = true;
    });
  }

  // ---------------------------------------------------------------- where a count stands
  const source = (key) => {
    const count = data.counts[key];
    const list = make("dl");
    for (const [name, text] of count.facts) list.append(make("dt", {}, name), make("dd", {}, text));
    if (count.doi) {
      const link = make("a", { href: count.address, rel: "noopener noreferrer" }, count.doi);
      list.append(make("dt", {}, "DOI"), make("dd", {}, link));
    }
    const sheet = make("a", { href: count.sheet }, "Open the sheet of this study");
    return make("div", { class: "source" }, make("h4", {}, count.label), list, make("p", {}, sheet));
  };

  const tip = byId("tip");
  let shown = null;
  let timer = 0;
  const hide = () => { tip.hidden = true; shown = null; };
  const show = (row) => {
    clearTimeout(timer);
    if (shown === row) return;
    shown = row;
    fill(tip, source(row.dataset.count));
    tip.hidden = false;
    const at = row.getBoundingClientRect();
    const below = at.bottom + 6 + tip.offsetHeight < innerHeight || at.top < tip.offsetHeight + 12;
    const left = Math.max(8, Math.min(at.left + 40, innerWidth - tip.offsetWidth - 8));
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(below ? at.bottom + 4 : at.top - tip.offsetHeight - 4) + scrollY}px`;
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(hide, 350); };
  for (const row of document.querySelectorAll("a.row")) {
    row.setAttribute("aria-describedby", "tip");
    row.addEventListener("pointerenter", () => show(row));
    row.addEventListener("pointerleave", later);
    row.addEventListener("focus", () => show(row));
    row.addEventListener("blur", later);
  }
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", later);
  tip.addEventListener("focusin", () => clearTimeout(timer));
  tip.addEventListener("focusout", later);
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // ---------------------------------------------------------------- explorer
  if (!data.analyses.length) return;
  byId("explore").hidden = false;
  const control = Object.fromEntries(["analysis", "model", "sort", "keep"].map((name) => [name, byId(`x-${name}`)]));
  let now = null; // the analysis on show
  let out = new Set(); // places of the studies that are left out

  // The numbers in a printed text: "6.6 (4.1–10.4)" → [6.6, 4.1, 10.4]. "<0.1" is drawn at 0.1, ">99.9" at 99.9.
  const numbers = (text) => (text.match(/\d+(?:\.\d+)?/g) || []).map(Number);
  // Of a study: the proportion, or the least and the greatest that limits of its count leave possible, then its interval.
  const ofStudy = (row) => {
    const [share, interval] = row.text.split(" ("), span = numbers(share);
    return [span[0], span[span.length - 1], ...numbers(interval)];
  };
  const key = () => [...out].sort((a, b) => a - b).map((place) => {
    const width = now.studies <= 36 ? 1 : 2;
    return place.toString(36).padStart(width, "0");
  }).join("");
  // Numbers as the program prints them.
  const percent = (share) => {
    const text = (100 * share).toFixed(now.decimals), step = 10 ** -now.decimals;
    if (share > 0 && Number(text) === 0) return `<${step.toFixed(now.decimals)}`;
    return share < 1 && Number(text) === 100 ? `>${(100 - step).toFixed(now.decimals)}` : text;
  };
  const span = (low, high) => `${low}${/^[<>]/.test(high) ? " to " : "–"}${high}`;
  const interval = (...shares) => `${percent(shares[0])} (${span(...shares.slice(1).map(percent))})`;
  const small = (tau2) => (tau2 < 0.0005 ? "<0.001" : tau2.toFixed(tau2 < 0.1 ? 3 : 2));
  // The ticked studies, pooled from their likelihoods; one alone, and no events at all, as the program answers them.
  const poolTicked = () => {
    const { grid } = now, level = data.confidence, places = grid.studies.map((_, place) => place).filter((place) => !out.has(place));
    const sum = (name) => places.reduce((all, place) => all + grid.studies[place][name], 0);
    const low = sum("from"), high = sum("to"), n = sum("patients"), [few, many, size] = [low, high, n].map((count) => count.toLocaleString("en-US"));
    const said = { prediction: "–", tau2: "–", counts: `${low === high ? few : span(few, many)}/${size}` };
    if (places.length === 1) return { ...said, text: grid.studies[places[0]].text, status: grid.studies[places[0]].status };
    const edge = 1 - (1 - level) ** (1 / n);
    if (high === 0) return { ...said, text: interval(0, 0, edge), status: data.states.none };
    if (low === n) return { ...said, text: interval(1, 1 - edge, 1), status: data.states.all };
    grid.opened = grid.opened || pooling.open(grid);
    const found = pooling.pool(grid.opened, places, level), text = interval(found.estimate, found.low, found.high);
    if (places.length === n) return { ...said, text, status: data.states.unknown }; // patients, each a study
    const prediction = places.length < 3 ? "–" : span(percent(found.from), percent(found.to));
    return { ...said, text, prediction, tau2: small(found.tau2), status: data.states.ok };
  };
  const lookUp = (model, selection) => {
    const found = (now.pools[model] || {})[selection];
    if (found === undefined) return now.grid && model === now.grid.model ? poolTicked() : null;
    const [text, prediction, tau2, counts, status] = found.split("|");
    return { text, prediction, tau2, counts, status };
  };
  // A study is in or out with all its arms.
  const isOut = (row) => out.has(row.place);
  const nameOf = (row) => (row.arm ? `${row.label}, ${row.arm}` : row.label);
  const modelLabel = (name) => (now.models.find((model) => model.name === name) || { label: name }).label;
  const sentence = (pool, k) => {
    const events = pool.counts.replace("/", " of ");
    const counts = `${k} of ${now.studies} ${now.studies === 1 ? "study" : "studies"}, ${events} ${data.unit}`;
    const [state, ...remarks] = pool.status.split("; ");
    const what = state !== "ok" ? state : k < 3 ? "a description, not a pool" : "pooled";
    const kind = [what, ...remarks].join("; ");
    return { counts, kind };
  };
  // What is not pooled has an exact interval, as a study has.
  const intervalName = (pool) => `${data.level} ${pool.status.startsWith(data.states.ok) ? now.models.find((model) => model.name === control.model.value).interval : data.interval}`;
  const percents = (pool) => pool.text.replace(" (", `% (${intervalName(pool)} `);

  const sayAnswer = (pool, k) => {
    const lines = [];
    if (k === 0) {
      lines.push(make("p", { class: "say" }, "–"), make("p", {}, "No study is ticked: nothing to pool."));
    } else if (!pool) {
      const exact = now.exact ? "" : ` Selections with more than ${now.limit} left out are not in the table.`;
      lines.push(make("p", { class: "say" }, "–"),
        make("p", {}, `This selection was not pooled with this model.${exact} /*most*/`));
    } else {
      const { counts, kind } = sentence(pool, k);
      const prediction = pool.prediction === "–" ? "none below three studies" : `${pool.prediction}%`;
      lines.push(make("p", { class: "say" }, pool.text === "–" ? "–" : percents(pool)),
        make("p", {}, `${data.level} prediction interval: ${prediction}. ${counts} (${kind}). τ²: ${pool.tau2}.`));
    }
    const whole = lookUp(control.model.value, "");
    if (out.size && whole) lines.push(make("p", { class: "was" }, `With all studies: ${percents(whole)}.`));
    fill(byId("x-answer"), ...lines);
  };

  const at = (value) => `${Math.min(100, Math.max(0, (100 * value) / now.axis))}%`;
  const ticks = () => {
    const step = [1, 2, 5, 10, 20, 25].find((size) => now.axis / size <= 6) || 25;
    return Array.from({ length: Math.floor(now.axis / step + 1e-9) + 1 }, (_, i) => i * step);
  };
  const canvas = (...marks) => make("svg", { "aria-hidden": "true", focusable: "false" }, ...marks);
  const grid = (pool) => {
    const lines = ticks().map((t) => make("line", { class: "grid", x1: at(t), x2: at(t), y1: 0, y2: "100%" }));
    const mean = pool && numbers(pool.text)[0];
    if (mean !== undefined && mean !== null) {
      lines.push(make("line", { class: "mean", x1: at(mean), x2: at(mean), y1: 0, y2: "100%" }));
    }
    return lines;
  };
  const arrow = (high) => {
    if (high <= now.axis) return [];
    const mark = make("svg", { x: "100%", y: "50%", overflow: "visible" }, make("polygon", { class: "arrow", points: "-7,-4 0,0 -7,4" }));
    return [mark];
  };
  const rowMarks = (row) => {
    const [from, to, low, high] = ofStudy(row);
    const most = Math.max(...now.rows.map((other) => other.size));
    const side = Math.max(5, 13 * Math.sqrt(row.size / most)), tall = { class: "box-mark", y: -side / 2, height: side };
    const wide = `${Math.max(0.5, parseFloat(at(to)) - parseFloat(at(from)))}%`;
    return [
      make("line", { class: "ci", x1: at(low), x2: at(high), y1: "50%", y2: "50%" }),
      from < to ? make("svg", { x: 0, y: "50%", width: "100%", overflow: "visible" }, make("rect", { ...tall, x: at(from), width: wide }))
        : make("svg", { x: at(from), y: "50%", overflow: "visible" }, make("rect", { ...tall, x: -side / 2, width: side })),
      ...arrow(high),
    ];
  };
  const drawRows = (pool) => {
    const items = order().map((number) => {
      const row = now.rows[number];
      const box = make("input", { type: "checkbox", "data-place": row.place, "data-row": number });
      box.checked = !isOut(row);
      box.setAttribute("aria-label", `${nameOf(row)}, ${row.events} of ${row.patients} ${data.unit}, ${row.text}%`);
      box.addEventListener("change", () => {
        if (box.checked) out.delete(row.place); else out.add(row.place);
        control.keep.value = "";
        update();
      });
      const name = make("span", { class: "name" }, nameOf(row));
      if (row.marks) name.append(make("span", { class: "marks" }, row.marks));
      const item = make("li", isOut(row) ? { class: "out" } : {},
        make("label", {}, box, name),
        make("span", { class: "count" }, `${row.events}/${row.patients}`),
        canvas(...grid(pool), ...rowMarks(row)),
        make("span", { class: "value" }, row.text));
      const tell = () => fill(byId("x-source"), source(row.key));
      item.addEventListener("pointerenter", tell);
      item.addEventListener("focusin", tell);
      return item;
    });
    const focused = document.activeElement && document.activeElement.dataset && document.activeElement.dataset.row;
    fill(byId("x-rows"), ...items);
    if (focused !== undefined) {
      const again = byId("x-rows").querySelector(`[data-row="${focused}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  };
  const sumLine = (name, count, svg, value, more = "") => make("div", { class: `sum${more}` },
    make("span", { class: "name" }, name), make("span", { class: "count" }, count), svg, make("span", { class: "value" }, value));
  const drawPool = (pool) => {
    const lines = [];
    if (pool && pool.text !== "–") {
      const [, low, high] = numbers(pool.text);
      const left = Math.min(low, now.axis);
      const width = Math.max(0.4, (100 * (Math.min(high, now.axis) - left)) / now.axis);
      const mid = numbers(pool.text)[0];
      const centre = high > low ? (100 * (Math.min(mid, now.axis) - left)) / (Math.min(high, now.axis) - left || 1) : 50;
      const diamond = make("svg", { x: at(low), y: "25%", width: `${width}%`, height: "50%", viewBox: "0 0 100 10", preserveAspectRatio: "none" },
        make("polygon", { class: "diamond", points: `0,5 ${centre},0 100,5 ${centre},10` }));
      lines.push(sumLine(pool.status.split("; ")[0] === "ok" ? "All ticked studies" : "One study or no pool", pool.counts, canvas(...grid(pool), diamond, ...arrow(high)), pool.text));
      if (pool.prediction !== "–") {
        const [from, to] = numbers(pool.prediction);
        const bar = make("line", { class: "ci", x1: at(from), x2: at(to), y1: "50%", y2: "50%", "stroke-width": 5 });
        bar.setAttribute("class", "pi");
        lines.push(sumLine(`${data.level} prediction interval`, "", canvas(...grid(pool), make("svg", { y: "50%", x: 0, width: "100%", overflow: "visible" },
          make("rect", { class: "pi-bar", x: at(from), y: -2.5, height: 5, width: `${Math.max(0, parseFloat(at(to)) - parseFloat(at(from)))}%` })), ...arrow(to)), pool.prediction));
      }
    }
    const labels = ticks().map((t) => make("text", { x: at(t), y: 14 }, String(t)));
    lines.push(sumLine("", "", canvas(...labels, make("text", { x: "50%", y: 28 }, `${data.unit} with event, %`)), "", " axis"));
    fill(byId("x-pool"), ...lines);
  };
  const order = () => {
    const list = now.rows.map((_, i) => i);
    const by = control.sort.value;
    if (by === "label") list.sort((a, b) => now.rows[a].label.localeCompare(now.rows[b].label, "en"));
    if (["share", "size"].includes(by)) list.sort((a, b) => now.rows[b][by] - now.rows[a][by]);
    if (by === "year") list.sort((a, b) => (now.rows[a].year ?? 9999) - (now.rows[b].year ?? 9999));
    return list;
  };
  const update = () => {
    const k = now.studies - out.size;
    const pool = k ? lookUp(control.model.value, key()) : null;
    sayAnswer(pool, k);
    drawRows(pool);
    drawPool(pool);
    byId("x-done").textContent = "";
  };

  const options = (select, entries) => fill(select, ...entries.map(([value, text]) => make("option", { value }, text)));
  // The studies with an arm of another level: one arm cannot stay without the others.
  const without = (name, level) => new Set(now.rows.filter((row) => row.levels[name] !== level).map((row) => row.place));
  const setAnalysis = (id) => {
    now = data.analyses.find((one) => one.id === id) || data.analyses[0];
    out = new Set();
    control.analysis.value = now.id;
    const many = (name) => Object.keys(now.pools[name]).length > 1 || now.studies === 1 || (now.grid && now.grid.model === name);
    options(control.model, now.models.map((m) => [m.name, many(m.name) ? m.label : `${m.label} – all studies only`]));
    const groups = data.filters.map((f) => {
      const present = Object.entries(f.levels).filter(([level]) => without(f.name, level).size < now.studies);
      return make("optgroup", { label: f.label }, ...present.map(([level, text]) => make("option", { value: `${f.name}\n${level}` }, text)));
    }).filter((group) => group.children.length);
    fill(control.keep, make("option", { value: "" }, "All studies"), ...groups);
    byId("x-marks").textContent = now.legend.join("; ");
    const k = now.studies;
    const scope = k === 1 ? "One study: there is nothing to leave out."
      : now.grid ? `Any selection of these ${k} studies can be pooled.`
      : now.exact ? `All ${(2 ** k - 1).toLocaleString("en")} selections of these ${k} studies were pooled with the primary model.`
        : `Selections with up to ${now.limit} of these ${k} studies left out are in the table.`;
    const warning = "Leaving studies out because of their result misleads; use this to see what the pool rests on.";
    const arms = k < now.rows.length ? ["A study with several arms comes and goes with all of them."] : [];
    byId("x-scope").textContent = [scope, ...arms, ...(k > 1 ? [warning] : []), now.note].join(" ");
    fill(byId("x-source"));
    update();
  };
  options(control.analysis, data.analyses.map((one) => [one.id, one.label]));
  control.analysis.addEventListener("change", () => setAnalysis(control.analysis.value));
  control.model.addEventListener("change", update);
  control.sort.addEventListener("change", update);
  control.keep.addEventListener("change", () => {
    const [name, level] = control.keep.value.split("\n");
    out = control.keep.value ? without(name, level) : new Set();
    update();
  });
  byId("x-all").addEventListener("click", () => { out = new Set(); control.keep.value = ""; update(); });
  for (const link of document.querySelectorAll("[data-explore]")) {
    link.addEventListener("click", () => setAnalysis(link.dataset.explore));
  }

  // ---------------------------------------------------------------- take-aways
  const figure = () => {
    const width = 760, x0 = 330, x1 = 590, row = 24, top = 64;
    const rows = order().map((number) => now.rows[number]).filter((one) => !isOut(one));
    const pool = lookUp(control.model.value, key());
    const x = (value) => x0 + (x1 - x0) * Math.min(1, Math.max(0, value / now.axis));
    const text = (words, px, py, more = {}) => make("text", { x: px, y: py, fill: "#1a1a1a", "font-size": 13, ...more }, words);
    const bar = (y, low, high, more) => make("line", { x1: x(low), x2: x(high), y1: y, y2: y, stroke: "#1a1a1a", "stroke-width": 1.5, ...more });
    const end = { "text-anchor": "end" }, middle = { "text-anchor": "middle" }, bold = { "font-weight": 700 };
    const bottom = top + row * (rows.length + (pool ? 2 : 0));
    const parts = [make("rect", { width, height: bottom + 60, fill: "#ffffff" }), text(now.label, 10, 24, { ...bold, "font-size": 16 }),
      text("Study", 10, 50, bold), text(`Events/${data.unit}`, 310, 50, { ...bold, ...end }), text(`% (${data.level} ${data.interval})`, 750, 50, { ...bold, ...end })];
    for (const t of ticks()) {
      parts.push(make("line", { x1: x(t), x2: x(t), y1: top - 6, y2: bottom, stroke: "#ececec" }), text(String(t), x(t), bottom + 16, { ...middle, "font-size": 12 }));
    }
    const most = Math.max(...now.rows.map((other) => other.size));
    rows.forEach((study, i) => {
      const y = top + row * (i + 0.5), [from, to, low, high] = ofStudy(study);
      const side = Math.max(5, 13 * Math.sqrt(study.size / most)), wide = from < to ? Math.max(1.5, x(to) - x(from)) : side;
      parts.push(text(nameOf(study) + study.marks, 10, y + 4), text(`${study.events}/${study.patients}`, 310, y + 4, end), bar(y, low, high),
        make("rect", { x: (x(from) + x(to) - wide) / 2, y: y - side / 2, width: wide, height: side, fill: "#0b5394" }), text(study.text, 750, y + 4, end));
    });
    if (pool && pool.text !== "–") {
      const y = top + row * (rows.length + 0.5), [mid, low, high] = numbers(pool.text);
      parts.push(text(`${now.studies - out.size < 3 ? "Described" : "Pooled"}, ${intervalName(pool)}`, 10, y + 4, bold), text(pool.counts, 310, y + 4, { ...bold, ...end }),
        make("polygon", { points: `${x(low)},${y} ${x(mid)},${y - 6} ${x(high)},${y} ${x(mid)},${y + 6}`, fill: "#d55e00", stroke: "#1a1a1a", "stroke-width": 0.7 }),
        text(pool.text, 750, y + 4, { ...bold, ...end }));
      if (pool.prediction !== "–") {
        const [from, to] = numbers(pool.prediction);
        parts.push(text(`${data.level} prediction interval`, 10, y + row + 4), bar(y + row, from, to, { stroke: "#7f7f7f", "stroke-width": 5 }), text(pool.prediction, 750, y + row + 4, end));
      }
    }
    const left = out.size ? ` Left out: ${[...out].map((place) => now.rows.find((one) => one.place === place).label).join(", ")}.` : "";
    parts.push(text(`${data.unit} with event, %`, (x0 + x1) / 2, bottom + 34, middle), text(`${modelLabel(control.model.value)}.${left}`, 10, bottom + 52, { "font-size": 11, fill: "#6b6b6b" }));
    return new XMLSerializer().serializeToString(make("svg", { xmlns: SVG, viewBox: `0 0 ${width} ${bottom + 60}`, width, height: bottom + 60, "font-family": "Arial, Helvetica, sans-serif" },
      make("title", {}, `Forest plot: ${now.label}`), ...parts));
  };
  // A spreadsheet runs a cell that starts like a formula; an apostrophe keeps it text.
  const csvCell = (value) => {
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = () => {
    const names = [...new Set(now.rows.flatMap((row) => data.counts[row.key].facts.map(([name]) => name)))];
    const lines = [["study", "label", "ticked", "events", data.unit, "percent_with_interval", "marks", ...names, "doi"]];
    for (const number of order()) {
      const row = now.rows[number], count = data.counts[row.key], facts = Object.fromEntries(count.facts);
      lines.push([row.study, nameOf(row), isOut(row) ? "no" : "yes", row.events.replaceAll(",", ""), row.patients.replaceAll(",", ""), row.text, row.marks, ...names.map((n) => facts[n]), count.doi]);
    }
    const pool = lookUp(control.model.value, key());
    if (pool) lines.push(["", `pool: ${modelLabel(control.model.value)}`, "", ...pool.counts.replaceAll(",", "").split("/"), pool.text], ["", `${data.level} prediction interval`, "", "", "", pool.prediction]);
    return lines.map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
  };
  const save = (name, type, text) => {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const done = (words) => { byId("x-done").textContent = words; };
  byId("x-save").addEventListener("click", () => { save(`${now.id}.svg`, "image/svg+xml", figure()); done("Figure saved."); });
  byId("x-csv").addEventListener("click", () => { save(`${now.id}.csv`, "text/csv;charset=utf-8", "\ufeff" + csv()); done("Rows saved."); });
  byId("x-copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(figure());
      done("Figure copied as SVG.");
    } catch {
      done("This browser does not let the page copy; save the figure instead.");
    }
  });
  setAnalysis(data.analyses[0].id);
})();
