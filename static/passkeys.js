// What the passkey scripts leave open: a browser that has no passkeys, what went wrong, and the Enter key.
(() => {
  const failed = document.getElementById("passkey-failed");
  const forms = document.querySelectorAll("[data-passkey]");

  if (!window.PublicKeyCredential) {
    forms.forEach((form) => { form.hidden = true; });
    return;
  }
  document.querySelectorAll("[data-without-passkey]").forEach((notice) => { notice.hidden = true; });

  forms.forEach((form) => {
    const button = form.querySelector("button");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      button.click();
    });
    button.addEventListener("click", () => { failed.hidden = true; });
  });

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    failed.hidden = false;
    failed.focus();
  });
})();
