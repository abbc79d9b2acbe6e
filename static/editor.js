// Shows a page beside its text as visitors will see it, half a second after the last key. The server makes it, with
// all that makes the page itself. Without this script a button shows the same in a tab of its own.
(() => {
  const words = document.currentScript.dataset;
  const pane = document.getElementById("preview");
  const form = document.getElementById(pane.dataset.form);
  const text = form.elements.body;
  // Nothing runs in there and nothing leads out of it; the style sheets are our own.
  const frame = document.createElement("iframe");
  frame.className = "editor__frame";
  frame.title = pane.dataset.title;
  frame.setAttribute("sandbox", "allow-same-origin");
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  pane.append(frame, said);

  const swap = (html) => {
    const old = frame.contentDocument?.getElementById("main");
    if (!old) {
      frame.srcdoc = html;
      return;
    }
    // Only what changed, so that nothing flashes and the reader stays where they were.
    const next = new DOMParser().parseFromString(html, "text/html");
    frame.contentDocument.documentElement.lang = next.documentElement.lang;
    frame.contentDocument.body.replaceWith(next.body);
  };
  frame.addEventListener("load", () => {
    frame.contentDocument?.addEventListener("click", (event) => event.preventDefault());
  });

  let waiting = null;
  const show = async () => {
    waiting?.abort();
    const mine = (waiting = new AbortController());
    const sent = { method: "POST", body: new FormData(form), redirect: "error", signal: mine.signal };
    const answer = await fetch(pane.dataset.to, sent).catch(() => null);
    const html = answer?.ok ? await answer.text().catch(() => null) : null;
    if (mine.signal.aborted) return;
    said.textContent = html === null ? pane.dataset.none : "";
    if (html !== null) swap(html);
  };

  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(show, 500);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  show();

  // A picture is a paragraph of its own: on one line with a heading, that would be none any more. It goes before the
  // block at whose beginning the cursor is, else behind the one in which it is. What is selected stays.
  const put = (picture) => {
    const { value, selectionEnd: cursor } = text;
    const lines = value.split("\n");
    const blank = (line) => (lines[line] ?? "").trim() === "";
    const heading = (line) => /^ {0,3}#{1,6}(\s|$)/.test(lines[line] ?? "");
    const before = value.slice(0, cursor).split("\n");
    let line = before.length - 1;
    const begins = before[line] === "" && (blank(line - 1) || heading(line - 1) || heading(line));
    if (!blank(line) && !begins) {
      const alone = heading(line);
      do line += 1;
      while (!alone && !blank(line) && !heading(line));
    }
    const above = lines.slice(0, line).join("\n").trimEnd();
    const below = lines.slice(line).join("\n").replace(/^\s*\n/, "").trimEnd();
    const since = above ? `\n\n${picture}` : picture;
    const all = value.trimEnd();
    text.setRangeText(below ? `${since}\n\n` : since, above.length, all.length - below.length, "end");
    const end = above.length + since.length;
    text.setSelectionRange(end, end);
  };
  const offer = () => {
    document.querySelectorAll("#pictures code").forEach((code) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.textContent = words.insert;
      button.addEventListener("click", () => {
        put(code.textContent);
        text.focus();
        soon();
      });
      code.after(button);
    });
  };
  offer();
  // Whoever comes back from adding one in another tab finds it here, and all that was typed as well.
  window.addEventListener("focus", async () => {
    const answer = await fetch(window.location.href, { redirect: "error" }).catch(() => null);
    const html = answer?.ok ? await answer.text().catch(() => "") : "";
    const list = new DOMParser().parseFromString(html, "text/html").getElementById("pictures");
    if (!list || list.querySelectorAll("li").length === document.querySelectorAll("#pictures li").length) return;
    document.getElementById("pictures").replaceWith(list);
    offer();
  });
})();
