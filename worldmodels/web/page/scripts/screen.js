// Drawing frames of 64x64 pixels large: smoothly to four times their size, and from there by the
// browser's own scaling, which looks the same and costs a tenth of drawing every pixel here.

const SIDE = 64;

export class Screen {
  #targets;
  #small = new OffscreenCanvas(SIDE, SIDE);
  #image = new ImageData(SIDE, SIDE);

  /** Every frame is drawn on all of the canvases. */
  constructor(...canvases) {
    this.#targets = canvases.map((canvas) => canvas.getContext("2d", { alpha: false }));
    this.#image.data.fill(255);
  }

  /** Show a frame: RGB bytes, row by row. */
  show(frame) {
    fill(this.#image.data, frame);
    this.#small.getContext("2d").putImageData(this.#image, 0, 0);
    for (const target of this.#targets) {
      target.globalCompositeOperation = "copy"; // smoothed pixels are not always quite opaque
      target.imageSmoothingQuality = "high"; // V's pictures are soft: squares would not suit them
      target.drawImage(this.#small, 0, 0, target.canvas.width, target.canvas.height);
    }
  }
}

/** A canvas of the frame's own size. */
export function thumbnail(frame) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const image = new ImageData(SIDE, SIDE);
  image.data.fill(255);
  fill(image.data, frame);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function fill(rgba, rgb) {
  for (let i = 0, j = 0; i < rgb.length; i += 3, j += 4) {
    rgba[j] = rgb[i];
    rgba[j + 1] = rgb[i + 1];
    rgba[j + 2] = rgb[i + 2];
  }
}
