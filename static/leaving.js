// Whoever typed in a form and is about to leave it is asked by the browser whether that was meant: what was typed is
// kept nowhere, so it would be gone. Without this script nobody is asked.
(() => {
  // To call or to mail leaves nothing, though some browsers say it does.
  let calls = false;
  document.addEventListener("click", (event) => {
    calls = Boolean(event.target.closest("a[href^='tel:'], a[href^='mailto:']"));
  });

  const ask = (event) => {
    if (calls) return;
    event.preventDefault();
    // Older browsers look at this alone.
    event.returnValue = true;
  };
  const typed = () => window.addEventListener("beforeunload", ask);
  const done = () => window.removeEventListener("beforeunload", ask);

  document.querySelectorAll("[data-leaving], #page_form").forEach((form) => {
    form.addEventListener("input", typed);
    // A preview in another tab leaves the form where it is.
    form.addEventListener("submit", (event) => event.submitter?.formTarget || done());
    // Who says that nothing is to change means it.
    form.querySelectorAll(".actions a").forEach((back) => back.addEventListener("click", done));
    // What was sent back with a question is not sent yet.
    if (form.dataset.leaving === "typed") typed();
  });
})();
