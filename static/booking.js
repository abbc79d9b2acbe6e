// What the booking way adds where scripts run: the visitor's own time where it is another one, the focus after a
// swap, what is wrong with a field when it is left, and when the chosen moment is no longer kept. Without this
// script all of it still works.
(() => {
  // The visitor's own time beside the practice's, which stays the one that counts.
  const language = document.documentElement.lang;
  // Making one costs a slow phone more than using it a hundred times, and who keeps the practice's time needs none.
  const clocks = new Map();
  const clock = (moment, timeZone, weekday) => {
    const name = `${timeZone} ${weekday}`;
    if (!clocks.has(name)) {
      const shown = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone, weekday };
      clocks.set(name, new Intl.DateTimeFormat(language, shown));
    }
    return clocks.get(name).format(new Date(moment));
  };
  // Of a part of a day or of one moment, by the seconds that the practice is ahead of UTC then.
  const keepsOtherTime = (one, moment) => new Date(moment).getTimezoneOffset() * -60 !== Number(one.dataset.offset);
  // The day is named where it is another one.
  const own = (moment, zone, here) => {
    const sameDay = clock(moment, zone, "short").split(" ")[0] === clock(moment, here, "short").split(" ")[0];
    return clock(moment, here, sameDay ? undefined : "short");
  };

  const tellTime = (said) => {
    const { zone, moment } = said.dataset;
    const slots = moment ? [] : [...document.querySelectorAll("#times .slot")];
    const other = slots.some((slot) => keepsOtherTime(slot.closest("[data-offset]"), slot.value));
    if (!other && !(moment && keepsOtherTime(said, moment))) return;
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    // Browsers that hide where they are say UTC, which is no place.
    if (!here || here === "UTC") return;
    const place = here.split("/").pop().replaceAll("_", " ");
    slots.forEach((slot) => {
      if (slot.querySelector("small")) return;
      const time = document.createElement("small");
      time.textContent = `${own(slot.value, zone, here)} ${place}`;
      slot.append(" ", time);
    });
    said.querySelector("[data-place]").textContent = place;
    if (moment) said.querySelector("[data-clock]").textContent = own(moment, zone, here);
    said.hidden = false;
  };
  const tellTimes = () => document.querySelectorAll("[data-zone]").forEach(tellTime);
  tellTimes();

  // After a swap the focus goes where the address leads, as it does when a page is loaded.
  const isTimes = (event) => event.detail.target?.id === "times";
  const load = (event) => window.location.assign(event.detail.pathInfo.finalRequestPath);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt.id !== "times") return;
    tellTimes();
    document.getElementById(event.detail.pathInfo.anchor || "times-title")?.focus();
  });
  document.addEventListener("htmx:historyRestore", tellTimes);
  // No network, a refusal, or nothing free any more: then the page itself says it.
  document.addEventListener("htmx:sendError", load);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isTimes(event) || (event.detail.xhr.status < 400 && event.detail.xhr.responseText.includes('id="times"'))) return;
    event.detail.shouldSwap = false;
    load(event);
  });

  // A field is looked at by the server when it is left: the rules are there alone.
  const form = document.querySelector("[data-look]");
  const describe = (field, id, there) => {
    const others = (field.getAttribute("aria-describedby") || "").split(" ").filter((one) => document.getElementById(one) && one !== id);
    field.setAttribute("aria-describedby", [...others, ...(there ? [id] : [])].join(" "));
  };
  const say = (field, said, { error, question, instead }) => {
    // What stood there when the page came is about what was typed then.
    field.parentElement.querySelectorAll(".errorlist, .field__question").forEach((old) => old.remove());
    field.toggleAttribute("aria-invalid", false);
    if (error) {
      field.setAttribute("aria-invalid", "true");
      const sentence = document.createElement("p");
      sentence.className = "errorlist";
      sentence.textContent = error;
      said.append(sentence);
    }
    if (question) {
      const asked = document.createElement("p");
      const take = document.createElement("button");
      asked.className = "field__question";
      take.type = "button";
      take.className = "button button--quiet button--small";
      take.textContent = form.dataset.take;
      take.addEventListener("click", () => {
        field.value = instead;
        say(field, said, {});
        field.dispatchEvent(new Event("putright", { bubbles: true }));
        field.focus();
      });
      asked.append(question, " ", take);
      said.append(asked);
    }
    describe(field, said.id, error || question);
  };
  // The answer comes while somebody types elsewhere: what they type in stays where it is, in a small window too.
  const keepFocusStill = (change) => {
    const focused = document.activeElement;
    const before = focused.getBoundingClientRect().top;
    change();
    if (!focused.isConnected) return;
    window.scrollBy({ top: focused.getBoundingClientRect().top - before, behavior: "instant" });
  };
  const lookAt = async (field, said) => {
    const typed = field.value;
    const body = new FormData();
    body.set(field.name, typed);
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    // Whatever goes wrong here, the form says when it is sent.
    const answer = await fetch(form.dataset.look, { method: "POST", body }).catch(() => null);
    if (!answer?.ok) return;
    const found = await answer.json();
    if (field.value !== typed) return;
    keepFocusStill(() => {
      say(field, said, found);
      // What stands above the form goes too.
      if (!found.error) field.dispatchEvent(new Event("putright", { bubbles: true }));
    });
  };
  form?.querySelectorAll("[data-looked-at]").forEach((group) => {
    const field = group.querySelector("input, textarea");
    const said = document.createElement("div");
    said.id = `${field.id}_said`;
    said.setAttribute("aria-live", "polite");
    field.before(said);
    field.addEventListener("change", () => lookAt(field, said));
  });

  // The end of the hold is said twice, two minutes before and when it is there; nothing counts down aloud.
  const kept = document.querySelector("[data-seconds]");
  if (kept) {
    const seconds = Number(kept.dataset.seconds);
    const since = Date.now();
    const tell = () => {
      const left = seconds - (Date.now() - since) / 1000;
      const words = left <= 0 ? kept.dataset.over : left <= 120 ? kept.dataset.soon : "";
      if (kept.textContent !== words) kept.textContent = words;
      if (left <= 0) kept.previousElementSibling.hidden = true;
      else setTimeout(tell, Math.min(left, left > 120 ? left - 120 : left) * 1000 + 50);
    };
    tell();
    // A phone that slept has stopped its timers.
    document.addEventListener("visibilitychange", tell);
  }

  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
})();
