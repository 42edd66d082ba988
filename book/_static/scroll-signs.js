// What scrolls sideways inside the page fades out at the side where there is more, and can be reached with the keyboard.
"use strict";

window.addEventListener("load", async () => {
  const BOXES = "article :is(pre, div.math, .pst-scrollable-table-container, .cell_output > .output, figure > div)";

  const mark = box => {
    const room = box.scrollWidth - box.clientWidth;
    box.classList.toggle("more-left", box.scrollLeft > 1);
    box.classList.toggle("more-right", room - box.scrollLeft > 1);
    if (room > 1) box.tabIndex = 0;
  };

  await window.MathJax?.startup?.promise;
  const resized = new ResizeObserver(entries => entries.forEach(entry => mark(entry.target)));
  document.querySelectorAll(BOXES).forEach(box => {
    resized.observe(box);
    box.addEventListener("scroll", () => mark(box), { passive: true });
  });
});
