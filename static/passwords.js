// A button at each password that shows what was typed; without this script there is none.
(() => {
  const words = document.currentScript.dataset;

  document.querySelectorAll("input[type=password]").forEach((field) => {
    const button = document.createElement("button");
    const label = document.querySelector(`label[for="${field.id}"]`).textContent;
    const show = (shown) => {
      field.type = shown ? "text" : "password";
      button.textContent = shown ? words.hide : words.show;
      button.setAttribute("aria-label", `${button.textContent}: ${label}`);
    };
    button.type = "button";
    button.className = "reveal";
    button.addEventListener("click", () => show(field.type === "password"));
    // What is sent as plain text, browsers offer to everyone who types into such a field again.
    field.form.addEventListener("submit", () => show(false));
    show(false);
    field.after(button);
  });
})();
