// Arrow keys lead to the days before and after, T to today; a row of tabs that is too long shows the current one.
(() => {
  const ways = { ArrowLeft: "previous", ArrowRight: "next", t: "today" };

  document.addEventListener("keydown", (event) => {
    const way = document.getElementById(ways[event.key]);
    const at = event.target;
    if (!way || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (at.closest("input, select, textarea, .tabs, .plan--wide")) return;
    // A letter alone may only act while what it acts on has the focus (WCAG 2.1.4).
    if (event.key === "t" && !at.closest("#agenda")) return;
    event.preventDefault();
    way.focus({ preventScroll: true });
    way.click();
  });

  // Whoever is signed out meanwhile, or has no network, gets the page itself instead of an empty agenda.
  const load = (event) => window.location.assign(event.detail.pathInfo.finalRequestPath);
  document.addEventListener("htmx:sendError", load);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "agenda" || event.detail.xhr.responseText.includes('id="agenda"')) return;
    event.detail.shouldSwap = false;
    load(event);
  });

  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
})();
