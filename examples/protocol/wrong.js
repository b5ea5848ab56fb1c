// Wrong: the bias gradient is a mean over samples.
// A tanh network with an identity output, weights out×in, a sample a row,
// E = (1/2m) Σ (a - t)² + (lam/2m) Σ W². Answers each line of JSON with one; run it by: node wrong.js

function gradient({ params, x, t, lam = 0 }) {
  const layers = Object.keys(params).filter((name) => name.startsWith("W")).length;
  const m = x.length;
  const grads = {};
  let loss = 0;
  for (const [name, array] of Object.entries(params)) {
    grads[name] = name.startsWith("W") ? array.map((row) => row.map((w) => (lam / m) * w)) : array.map(() => 0);
    if (name.startsWith("W")) for (const w of array.flat()) loss += (lam / (2 * m)) * w * w;
  }

  for (let c = 0; c < m; c++) {
    const activations = [x[c]];
    for (let l = 1; l <= layers; l++) {
      const a = activations[l - 1];
      const z = params["W" + l].map((row, i) => row.reduce((sum, w, j) => sum + w * a[j], params["b" + l][i]));
      activations.push(l < layers ? z.map(Math.tanh) : z);
    }
    let delta = activations[layers].map((a, i) => (a - t[c][i]) / m);
    loss += delta.reduce((sum, d) => sum + (d * d * m) / 2, 0);
    for (let l = layers; l >= 1; l--) {
      const W = params["W" + l], a = activations[l - 1], d = delta;
      d.forEach((value, i) => {
        grads["b" + l][i] += value / m;
        a.forEach((before, j) => (grads["W" + l][i][j] += value * before));
      });
      delta = a.map((before, j) => d.reduce((sum, value, i) => sum + W[i][j] * value, 0) * (1 - before * before));
    }
  }
  return { loss, grads };
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => console.log(JSON.stringify(gradient(JSON.parse(line)))));
