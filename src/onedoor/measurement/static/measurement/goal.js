// The goal's slider and number go together, and the answer follows them; without this file the form is sent by its button.
(() => {
  const form = document.getElementById("wanted");
  if (!form) return;
  const { slide, place } = form.elements;
  let asked = 0;

  async function answer() {
    const mine = ++asked;
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    const told = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await told.text(), "text/html");
    const found = page.getElementById("answer");
    if (mine !== asked || !told.ok || !found) return;
    document.getElementById("answer").replaceWith(found);
    document.getElementById("place-hint").textContent = page.getElementById("place-hint").textContent;
    const now = page.getElementById("wanted").elements;
    if (place.max !== now.place.max) // another group: what is typed meanwhile stays in the same one
      for (const one of [slide, place]) { one.max = now.place.max; one.value = now.place.value; }
    for (const name of ["was", "of"]) form.elements[name].value = now[name].value;
  }

  let waiting;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(answer, 150); };
  slide.addEventListener("input", () => { place.value = slide.value; soon(); });
  place.addEventListener("input", () => { if (place.validity.valid && place.value) { slide.value = place.value; soon(); } });
  for (const one of form.querySelectorAll("select[name=group], input[name=field]")) one.addEventListener("change", soon);
})();
