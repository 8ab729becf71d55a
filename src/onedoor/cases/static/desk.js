// Keyboard shortcuts of the desk; everything works without them.
"use strict";
(() => {
  const off = () => localStorage.getItem("onedoor-shortcuts") === "off";
  const panel = document.getElementById("keys");
  const button = document.getElementById("keys-off");
  if (panel) panel.hidden = off();
  if (button) {
    button.addEventListener("click", () => {
      localStorage.setItem("onedoor-shortcuts", "off");
      panel.hidden = true;
    });
  }
  const rows = [...document.querySelectorAll(".inbox tbody a")];
  const move = (by) => {
    const here = rows.indexOf(document.activeElement);
    const next = rows[Math.min(rows.length - 1, Math.max(0, here + by))];
    if (next) next.focus();
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("textarea, select, input:not([type=radio])");
    if (off() || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "J") move(1);
    else if (event.key === "k" || event.key === "K") move(-1);
    else if (/^[1-4]$/.test(event.key)) {
      const choice = document.querySelector(`input[data-key="${event.key}"]`);
      if (!choice) return;
      choice.checked = true;
      choice.focus();
    } else return;
    event.preventDefault();
  });
})();
