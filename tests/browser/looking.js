// What axe does not ask of a page: each function returns sentences about what is wrong.
(() => {
  const shown = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true }) &&
    !element.closest("[aria-hidden=true], .unseen");
  const unseen = (element) => element.closest(".visually-hidden, .skip") !== null;
  const clippedAway = (element) => element !== null && (getComputedStyle(element).clipPath === "inset(50%)" || clippedAway(element.parentElement));
  const name = (element) => {
    const words = (element.innerText || element.getAttribute("aria-label") || element.name || "").trim();
    const kind = element.className && typeof element.className === "string" ? `.${element.className.trim().split(/\s+/).join(".")}` : "";
    return `<${element.localName}${kind}> “${words.replace(/\s+/g, " ").slice(0, 40)}”`;
  };
  const letters = /\p{L}{2}/u;
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary";

  // What scrolls by itself makes nothing else wider.
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const inScroller = (element) => element.parentElement !== null && (scrolls(element.parentElement) || inScroller(element.parentElement));
  const filled = (colour) => !/^rgba\(.*, 0\)$/.test(colour);

  // A link in a sentence has the height of its line (WCAG 2.5.8, inline).
  const inSentence = (element) => {
    if (getComputedStyle(element).display !== "inline") return false;
    let block = element.parentElement;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    const copy = block.cloneNode(true);
    copy.querySelectorAll("a, button, .visually-hidden, ul, ol, dl, table").forEach((one) => one.remove());
    return letters.test(copy.textContent);
  };
  const area = (element) => {
    const boxes = [element, ...(element.labels ?? [])].map((one) => one.getBoundingClientRect());
    const over = getComputedStyle(element, "::after");
    if (over.content !== "none" && over.position === "absolute" && element.offsetParent)
      boxes.push(element.offsetParent.getBoundingClientRect());
    // A box to tick is pressed by the label around it; other fields by themselves.
    const pressed = element.matches("[type=radio], [type=checkbox]") || boxes.length > 1 + (element.labels?.length ?? 0) ? boxes : [boxes[0]];
    return [Math.max(...pressed.map((box) => box.width)), Math.max(...pressed.map((box) => box.height))];
  };

  window.looking = {
    // Nothing is wider than the screen.
    overflow() {
      const root = document.documentElement;
      const wider = root.scrollWidth - root.clientWidth;
      if (wider <= 0) return [];
      const edge = root.clientWidth + 0.5;
      const out = [...document.querySelectorAll("body *")].filter(
        (one) => shown(one) && one.getBoundingClientRect().right > edge && !inScroller(one),
      );
      return [`the page is wider than the screen by ${wider} px: ${out.slice(0, 3).map(name).join(", ")}`];
    },
    // What can be pressed is 44 px wide and high, links in sentences and what lies on the hours of a plan apart.
    targets() {
      return [...document.querySelectorAll(CONTROLS)]
        .filter((one) => shown(one) && !unseen(one) && !inSentence(one) && !one.closest(".plan:not(.plan--lists) .plan__items"))
        .map((one) => [one, ...area(one)])
        .filter(([, width, height]) => Math.min(width, height) < 43.5)
        .map(([one, width, height]) => `${name(one)} is ${Math.round(width)} by ${Math.round(height)} px`);
    },
    // No text is cut off, or runs out of the box that it stands in.
    clipped() {
      const found = [];
      for (const one of document.querySelectorAll("body *")) {
        if (!shown(one) || unseen(one) || one.closest("svg, textarea, select")) continue;
        const style = getComputedStyle(one);
        const boxed = style.overflowX !== "visible" || style.borderTopWidth !== "0px" || filled(style.backgroundColor);
        if (!boxed || scrolls(one) || style.display === "inline" || one.matches("input, html, body") || style.clipPath !== "none") continue;
        const wider = one.scrollWidth - one.clientWidth;
        const higher = one.scrollHeight - one.clientHeight;
        if (one.textContent.trim() && (wider > 1 || (higher > 2 && ["hidden", "clip"].includes(style.overflowY))))
          found.push(`${name(one)} cuts off ${wider} by ${higher} px`);
      }
      return found;
    },
    // No word is broken over two lines; addresses may be, and words that are longer than any of ours.
    broken() {
      const found = [];
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const range = document.createRange();
      while (texts.nextNode()) {
        const text = texts.currentNode;
        if (!shown(text.parentElement) || clippedAway(text.parentElement) || text.parentElement.closest("svg, textarea, select, pre, code")) continue;
        for (const word of text.data.matchAll(/(?<![^\s(“])\p{L}{3,22}(?![^\s).,:;?!”])/gu)) {
          range.setStart(text, word.index);
          range.setEnd(text, word.index + word[0].length);
          const lines = [...range.getClientRects()].map((box) => box.top);
          if (Math.max(...lines) - Math.min(...lines) > 2) found.push(`“${word[0]}” in ${name(text.parentElement)} is broken`);
        }
      }
      return found;
    },
    // Whatever can have the focus shows that it has it, and is seen then.
    focus() {
      const found = [];
      const all = document.querySelectorAll(`${CONTROLS}, [tabindex="0"]`);
      for (const one of all) {
        if (one.tabIndex < 0 || one.disabled || !shown(one)) continue;
        one.focus();
        if (document.activeElement !== one) {
          found.push(`${name(one)} takes no focus`);
          continue;
        }
        const style = getComputedStyle(one);
        if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) found.push(`${name(one)} does not show its focus`);
        const box = one.getBoundingClientRect();
        if (clippedAway(one) || box.width < 2 || box.height < 2 || box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth)
          found.push(`${name(one)} has the focus out of sight`);
      }
      document.activeElement?.blur();
      scrollTo(0, 0);
      return found;
    },
    // Nothing moves where less motion is asked for.
    motion() {
      return [...document.querySelectorAll("body, body *")]
        .filter((one) => {
          const style = getComputedStyle(one);
          const long = (durations) => durations.split(",").some((each) => parseFloat(each) > 0.01);
          return long(style.transitionDuration) || (style.animationName !== "none" && long(style.animationDuration));
        })
        .map((one) => `${name(one)} moves`);
    },
    // What is said to be wrong leads to where it is put right.
    leads() {
      return [...document.querySelectorAll("main [role=alert] a[href^='#']")]
        .filter((link) => {
          const field = document.getElementById(link.hash.slice(1));
          return !(field?.matches(CONTROLS) && field.tabIndex >= 0 && shown(field));
        })
        .map((link) => `${name(link)} leads to no field`);
    },
    // One h1, and the title of the page begins with what is wrong where something is.
    title() {
      const found = [];
      if (document.querySelectorAll("h1").length !== 1) found.push("there is not one h1");
      const wrong = [...document.querySelectorAll("main .notice--error[role=alert], main .notice[autofocus]")].some(shown);
      const said = /^(Fout|Error): /.test(document.title);
      if (wrong !== said) found.push(`the title says “${document.title}”`);
      return found;
    },
    // The distances of WCAG 1.4.12, whatever the page itself says.
    spaceText(spaced) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-block-end: 2em !important }",
      );
      document.adoptedStyleSheets = spaced ? [sheet] : [];
    },
  };
})();
