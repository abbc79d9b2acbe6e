// What a form says of a field goes once the field is put right: the sentence beside it, and the one above the form.
// Of a field that the server looks at when it is left, booking.js says when that is. Without this script the red stays
// until the form is sent.
(() => {
  const summary = document.getElementById("errors");
  // What somebody types in next stays where it is, in a small window too.
  const keepFocusStill = (change) => {
    const focused = document.activeElement;
    const before = focused.getBoundingClientRect().top;
    change();
    if (focused.isConnected) window.scrollBy({ top: focused.getBoundingClientRect().top - before, behavior: "instant" });
  };
  const settle = (group) => {
    group.querySelectorAll(".errorlist").forEach((old) => old.remove());
    group.querySelectorAll("[aria-invalid]").forEach((field) => {
      field.removeAttribute("aria-invalid");
      const there = (field.getAttribute("aria-describedby") || "").split(" ").filter((id) => document.getElementById(id));
      if (there.length) field.setAttribute("aria-describedby", there.join(" "));
      else field.removeAttribute("aria-describedby");
    });
    summary?.querySelectorAll("li a").forEach((link) => {
      if (group.querySelector(`[id="${link.hash.slice(1)}"]`)) link.parentElement.remove();
    });
    if (summary && !summary.querySelector("li, p")) summary.remove();
  };
  const wrong = (group) => group?.querySelector(".errorlist, [aria-invalid]");

  document.addEventListener("putright", (event) => settle(event.target.closest(".field")));
  document.addEventListener("change", (event) => {
    const field = event.target;
    const groups = [field, ...document.querySelectorAll(`[data-after="${field.name}"]`)].map((one) => one.closest(".field"));
    keepFocusStill(() => {
      groups.filter((group) => wrong(group) && !group.hasAttribute("data-looked-at")).forEach((group) => {
        if (group !== groups[0] || field.validity.valid) settle(group);
      });
    });
  });
})();
