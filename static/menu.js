// The menu of a phone lies over the page: it closes on Escape, and once the focus has gone on to what is under it.
(() => {
  const menu = document.querySelector("details.menu");

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("focusin", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
})();
