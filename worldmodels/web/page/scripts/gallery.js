// Real frames above their reconstructions.

import { thumbnail } from "./screen.js";

/** Fill `group` with pairs; `onChoose` is called with the z of one that is chosen. */
export async function showGallery(group, facts, networks, onChoose) {
  const pairs = facts.frames.map(({ file }, i) => {
    const pair = document.createElement("button");
    pair.type = "button";
    pair.ariaLabel = `dream on from real frame ${i + 1}`;
    const real = new Image(64, 64);
    real.src = `agents/${facts.name}/${file}`;
    real.alt = "";
    pair.append(real);
    pair.addEventListener("click", () => onChoose(facts.frames[i].z));
    return pair;
  });
  group.replaceChildren(...pairs);
  for (const [i, { z }] of facts.frames.entries()) {
    pairs[i].append(thumbnail(await networks.draw(Float32Array.from(z))));
  }
}
